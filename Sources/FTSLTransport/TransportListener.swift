internal import FTSLCore
package import NIOCore
internal import NIOPosix

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
    package typealias OnAccept = (any Channel, _ source: String) -> TransportConnection

    package static func bind(
        _ endpoint: Endpoint, userTimeout: Duration, on loop: any EventLoop,
        onAccept: @escaping OnAccept
    ) -> EventLoopFuture<TransportListener> {
        let bound = NIOLoopBound(onAccept, eventLoop: loop)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(ChannelOptions.backlog, value: 4096)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = bound.value(channel, source(of: channel))
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
