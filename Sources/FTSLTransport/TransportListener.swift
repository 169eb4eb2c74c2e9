internal import FTSLCore
package import NIOCore
internal import NIOPosix

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

    func joined(by channel: any Channel) {
        count += 1
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in count -= 1 }
        let size = Self.bufferSize(for: count)
        guard size < Self.largest else { return }
        try? channel.syncOptions?.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 4096, maximum: size))
    }

    /// The largest read buffer of a connection that is one of `connections`.
    package static func bufferSize(for connections: Int) -> Int {
        min(largest, max(smallest, memory / kept / max(1, connections)))
    }
}

/// A bound socket that hands over connections.
package final class TransportListener {
    private let channel: any Channel
    /// Where it really listens: the kernel may have chosen the port.
    package let endpoint: Endpoint

    private init(channel: any Channel, endpoint: Endpoint) {
        self.channel = channel
        self.endpoint = endpoint
    }

    /// Called on the event loop for each accepted connection, with the peer's address without port.
    ///
    /// Nil: nobody is there to take it, and it is closed.
    package typealias OnAccept = (any Channel, _ source: String) -> TransportConnection?

    package static func bind(
        _ endpoint: Endpoint, userTimeout: Duration, on loop: any EventLoop,
        onAccept: @escaping OnAccept
    ) -> EventLoopFuture<TransportListener> {
        let bound = NIOLoopBound(onAccept, eventLoop: loop)
        let crowd = NIOLoopBound(Crowd(), eventLoop: loop)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(ChannelOptions.backlog, value: 4096)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    crowd.value.joined(by: channel)
                    guard let handler = bound.value(channel, source(of: channel)) else {
                        throw ChannelError.ioOnClosedChannel
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let binding: EventLoopFuture<any Channel>
        switch endpoint {
        case .tcp(let host, let port):
            binding = SocketTuning.apply(to: bootstrap, tcp: true, userTimeout: userTimeout)
                .bind(host: host, port: port)
        case .unix(let path):
            if UnixSocketFile.isServed(path) {
                return loop.makeFailedFuture(UnixSocketFile.inUse)
            }
            binding = SocketTuning.apply(to: bootstrap, tcp: false, userTimeout: userTimeout)
                .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
        }
        return binding.map { channel in
            let real = address(of: channel, asked: endpoint)
            return TransportListener(channel: channel, endpoint: real)
        }
        .flatMapErrorThrowing { throw TransportFailure.of($0) }
    }

    private static func address(of channel: any Channel, asked: Endpoint) -> Endpoint {
        guard let local = channel.localAddress, let ip = local.ipAddress, let port = local.port
        else { return asked }
        return .tcp(host: ip, port: port)
    }

    /// The peer's address; a whole /64 counts as one IPv6 source. [FTSL §6]
    private static func source(of channel: any Channel) -> String {
        channel.remoteAddress?.ipAddress ?? "local"
    }

    package func close() { channel.close(promise: nil) }
}
