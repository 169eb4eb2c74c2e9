internal import FTSLCore
internal import Glibc
package import NIOCore
internal import NIOPosix

/// A bound socket that hands over connections.
package final class TransportListener {
    package let channel: any Channel
    /// Where it really listens: the kernel may have chosen the port.
    package let endpoint: Endpoint

    private init(channel: any Channel, endpoint: Endpoint) {
        self.channel = channel
        self.endpoint = endpoint
    }

    /// What a listener speaks. Credentials are asked for with each connection, so that they can be
    /// replaced.
    package struct Security {
        package var credentials: () -> TLSCredentials?
        package var allowsPlaintext: Bool

        package init(credentials: @escaping () -> TLSCredentials?, allowsPlaintext: Bool) {
            self.credentials = credentials
            self.allowsPlaintext = allowsPlaintext
        }

        package static var plaintext: Security {
            Security(credentials: { nil }, allowsPlaintext: true)
        }
    }

    /// Called on the event loop for each accepted connection, with the peer's address without port.
    ///
    /// Nil: nobody is there to take it, and it is closed.
    package typealias OnAccept = (any Channel, _ source: String) -> TransportConnection?

    /// - Parameter inherited: A listening socket at this endpoint, where somebody else made it.
    package static func bind(
        _ endpoint: Endpoint, security: Security, userTimeout: Duration, inherited: CInt? = nil,
        on loop: any EventLoop,
        onAccept: @escaping OnAccept
    ) -> EventLoopFuture<TransportListener> {
        let bound = NIOLoopBound((onAccept, security), eventLoop: loop)
        let crowd = NIOLoopBound(Crowd(), eventLoop: loop)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(ChannelOptions.backlog, value: backlog)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelInitializer { channel in
                UnixPeer.check(channel).flatMapThrowing {
                    let readLimit = crowd.value.joined(by: channel)
                    let (onAccept, security) = bound.value
                    guard let connection = onAccept(channel, source(of: channel)) else {
                        throw ChannelError.ioOnClosedChannel
                    }
                    connection.readLimit = readLimit
                    let sniffer = ProtocolSniffer(
                        connection, credentials: security.credentials(),
                        allowsPlaintext: security.allowsPlaintext)
                    try channel.pipeline.syncOperations.addHandlers([sniffer, connection])
                }
            }
        let binding: EventLoopFuture<any Channel>
        switch endpoint {
        case _ where inherited != nil:
            let isTCP = endpoint.host != nil
            binding = SocketTuning.apply(to: bootstrap, tcp: isTCP, userTimeout: userTimeout)
                .withBoundSocket(inherited ?? -1)
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
            // NIO has given it a backlog of its own, of 128; repeating the call only changes that.
            if let inherited { listen(inherited, backlog) }
            let real = address(of: channel, asked: endpoint)
            return TransportListener(channel: channel, endpoint: real)
        }
        .flatMapErrorThrowing { throw TransportFailure.of($0) }
    }

    /// After a cut all clients come at once; one that finds no room waits for a second.
    private static let backlog: CInt = 4096

    private static func address(of channel: any Channel, asked: Endpoint) -> Endpoint {
        guard let local = channel.localAddress, let ip = local.ipAddress, let port = local.port
        else { return asked }
        return .tcp(host: ip, port: port)
    }

    /// The peer's address; a whole /64 counts as one IPv6 source. [FTSL §6]
    private static func source(of channel: any Channel) -> String {
        let address = channel.remoteAddress?.ipAddress ?? "local"
        // An IPv4 peer of an IPv6 socket: without this the whole IPv4 world would be one /64.
        return address.hasPrefix("::ffff:") && address.contains(".")
            ? String(address.dropFirst(7)) : address
    }

    package func close() { channel.close(promise: nil) }
}
