package import FTSLCore
internal import FTSLTransport
internal import Glibc
package import NIOCore
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// Reads a descriptor of any kind (pipe, terminal, file, socket, /dev/null) on a thread of its own.
///
/// Regular files cannot be polled by epoll, and non-blocking mode would leak to whoever shares the
/// descriptor; a blocking thread works with all of them and leaves the descriptor's modes alone. It
/// reads ahead a few chunks, so that reading and sending overlap.
package final class DescriptorSource: ByteSource, @unchecked Sendable {
    package var onBytes: ((ByteBuffer) -> Void)?
    package var onEnd: ((Failure?) -> Void)?
    /// Told just after `onEnd` at a clean end.
    package var onEndOfInput: (() -> Void)?

    package static let chunk = 256 << 10
    package static let chunksAhead = 3

    private let descriptor: CInt
    private let loop: any EventLoop
    private let pool: NIOThreadPool
    // Loop only.
    private var wanted = 0
    private var ready: [Item] = []
    private var isStarted = false
    private var isCancelled = false
    /// Something was read that nobody wanted any more.
    package private(set) var isLeftOver = false
    // Shared with the thread.
    private let permits = Permits(DescriptorSource.chunksAhead)

    private enum Item: Sendable {
        case bytes(ByteBuffer)
        case end(Failure?)
    }

    package init(descriptor: CInt, on loop: any EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
        pool = NIOThreadPool(numberOfThreads: 1)
    }

    package func demand() {
        wanted += 1
        if !isStarted {
            isStarted = true
            Descriptor.enlargePipe(descriptor)
            pool.start()
            pool.submit { [self] _ in run() }
        }
        deliver()
    }

    package func cancelInput(_ reason: InputCancellation) {
        isCancelled = true
        keepNothing()
        permits.close()
    }

    private func keepNothing() {
        for case .bytes in ready { isLeftOver = true }
        ready = []
    }

    private func deliver() {
        if isCancelled { keepNothing() }
        while wanted > 0, !ready.isEmpty, !isCancelled {
            wanted -= 1
            switch ready.removeFirst() {
            case .bytes(let bytes):
                permits.release()
                onBytes?(bytes)
            case .end(let failure):
                onEnd?(failure)
                if failure == nil { onEndOfInput?() }
            }
        }
    }

    // MARK: On the thread

    private func run() {
        var scratch = ByteBuffer()
        while permits.acquire() {
            let item = read(into: &scratch)
            loop.execute { [self] in
                ready.append(item)
                deliver()
            }
            if case .end = item { break }
        }
        pool.shutdownGracefully { _ in }
    }

    private func read(into scratch: inout ByteBuffer) -> Item {
        scratch.clear(minimumCapacity: Self.chunk)
        reading: while true {
            var count = 0
            scratch.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunk) { space in
                count = Glibc.read(descriptor, space.baseAddress, Self.chunk)
                return max(0, count)
            }
            let code = errno
            if count > 0 { break reading }
            if count == 0 { return .end(nil) }
            switch code {
            case EINTR: continue
            case EAGAIN: Descriptor.wait(descriptor, for: CShort(POLLIN))
            default:
                let text = TransportFailure.text(of: code)
                return .end(Failure(.local, .localInputOutput, "cannot read the input: \(text)"))
            }
        }
        // A small read must not keep a large buffer alive while it is retained.
        if scratch.readableBytes < Self.chunk / 4 {
            return .bytes(ByteBuffer(bytes: scratch.readableBytesView))
        }
        return .bytes(scratch)
    }
}
