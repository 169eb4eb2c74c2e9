package import FTSLCore
package import NIOCore
package import NIOPosix

/// Options every connection of ours gets.
enum SocketTuning {
    /// Unsent bytes in the kernel: enough to keep a fast link busy, few enough that urgent frames
    /// overtake bulk.
    static let unsent = 128 << 10
    private static let tcpNotSentLowWater = ChannelOptions.Types.SocketOption(
        level: .tcp, name: .init(rawValue: 25))
    private static let tcpUserTimeout = ChannelOptions.Types.SocketOption(
        level: .tcp, name: .init(rawValue: 18))

    static func apply<Bootstrap: TunableBootstrap>(
        to bootstrap: Bootstrap, tcp: Bool, userTimeout: Duration
    ) -> Bootstrap {
        var tuned =
            bootstrap
            .option(
                ChannelOptions.recvAllocator,
                AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 65_536, maximum: 512 << 10)
            )
            .option(ChannelOptions.writeBufferWaterMark, .init(low: 64 << 10, high: 256 << 10))
            .option(ChannelOptions.allowRemoteHalfClosure, true)
        if tcp {
            let milliseconds = Int(userTimeout.wholeNanoseconds / 1_000_000)
            tuned =
                tuned
                .option(ChannelOptions.socketOption(.tcp_nodelay), 1)
                .option(tcpNotSentLowWater, unsent)
                .option(tcpUserTimeout, max(1000, milliseconds))
        }
        return tuned
    }
}

/// The two bootstraps name the same setting differently.
protocol TunableBootstrap {
    func option<Option: ChannelOption>(_ option: Option, _ value: Option.Value) -> Self
}

extension ClientBootstrap: TunableBootstrap {
    func option<Option: ChannelOption>(_ option: Option, _ value: Option.Value) -> Self {
        channelOption(option, value: value)
    }
}

extension ServerBootstrap: TunableBootstrap {
    func option<Option: ChannelOption>(_ option: Option, _ value: Option.Value) -> Self {
        childChannelOption(option, value: value)
    }
}

/// Makes one connection; names are resolved anew each time.
package enum Dialer {
    /// The future fails with a `Failure`.
    package static func dial(
        _ endpoint: Endpoint, as id: ConnectionID, delegate: any TransportDelegate,
        userTimeout: Duration, on loop: any EventLoop
    ) -> EventLoopFuture<TransportConnection> {
        let connection = TransportConnection(id: id, delegate: delegate)
        let bound = NIOLoopBound(connection, eventLoop: loop)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.seconds(30))  // the initiator's own limit is shorter
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        let dialled: EventLoopFuture<any Channel>
        switch endpoint {
        case .tcp(let host, let port):
            dialled = SocketTuning.apply(to: bootstrap, tcp: true, userTimeout: userTimeout)
                .connect(host: host, port: port)
        case .unix(let path):
            dialled = SocketTuning.apply(to: bootstrap, tcp: false, userTimeout: userTimeout)
                .connect(unixDomainSocketPath: path)
        }
        return dialled.map { _ in bound.value }
            .flatMapErrorThrowing { throw TransportFailure.of($0) }
    }
}
