internal import NIOPosix
internal import NIOCore

/// The connections of one listener, which share the memory that NIO reads into.
///
/// Each connection keeps its last read buffers; ten thousand that once sent a lot would keep
/// gigabytes of them. The more there are, the smaller a newcomer's.
package final class Crowd {
    package static let memory = 128 << 20
    package static let largest = 512 << 10
    package static let smallest = 16 << 10
    /// Buffers that NIO keeps for a connection.
    package static let kept = 4

    private var count = 0

    /// Returns the largest read buffer that the connection may have.
    func joined(by channel: any Channel) -> Int {
        count += 1
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in count -= 1 }
        let size = Self.bufferSize(for: count)
        guard size < Self.largest else { return size }
        try? channel.syncOptions?.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 2048, maximum: size))
        return size
    }

    /// The largest read buffer of a connection that is one of `connections`.
    package static func bufferSize(for connections: Int) -> Int {
        min(largest, max(smallest, memory / kept / max(1, connections)))
    }
}
