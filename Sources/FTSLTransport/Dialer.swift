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
                AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 512 << 10)
            )
            .option(ChannelOptions.writeBufferWaterMark, .init(low: 64 << 10, high: 256 << 10))
            .option(ChannelOptions.allowRemoteHalfClosure, true)
        if tcp {
            let milliseconds = Int(userTimeout.wholeNanoseconds / 1_000_000)
            // TCP_NODELAY is NIO's own default.
            tuned =
                tuned
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

/// The connection stood, and broke before TLS had verified the other end: somebody is there.
package struct BrokenHandshake: Error {
    package let failure: Failure
}

/// Makes one connection; names are resolved anew each time.
package enum Dialer {
    /// How the dialling end speaks: plaintext, or TLS with a say in whom it meets.
    package enum Security {
        case plaintext
        case tls(TLSCredentials, decide: (Fingerprint) -> Failure?)
    }

    /// The future fails with a `Failure` or a `BrokenHandshake`.
    package static func dial(
        _ endpoint: Endpoint, as id: ConnectionID, security: Security,
        delegate: any TransportDelegate, userTimeout: Duration, on loop: any EventLoop
    ) -> EventLoopFuture<TransportConnection> {
        let connection = TransportConnection(id: id, delegate: delegate)
        var secured = loop.makeSucceededVoidFuture()
        var handlers: [any ChannelHandler] = [connection]
        if case .tls(let credentials, let decide) = security {
            let record = credentials.makeRecord()
            let promise = loop.makePromise(of: Void.self)
            secured = promise.futureResult
            connection.expectTLS(record, secured: promise)
            do {
                let handler = try credentials.clientHandler(
                    host: endpoint.host, record: record, decide: decide)
                handlers = [handler, connection]
            } catch {
                promise.fail(error)
                return loop.makeFailedFuture(TransportFailure.of(error))
            }
        }
        let bound = NIOLoopBound((connection, handlers), eventLoop: loop)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.seconds(30))  // the initiator's own limit is shorter
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(bound.value.1)
                }
            }
        let isTCP = endpoint.host != nil
        let dialled = SocketTuning.apply(to: bootstrap, tcp: isTCP, userTimeout: userTimeout)
            .connect(to: endpoint)
        let ready = secured
        // Without an address there never was a channel to tell it.
        dialled.whenFailure { _ in bound.value.0.wasNotMade() }
        return dialled.flatMapErrorThrowing { throw Self.failure($0, stood: false) }
            .flatMap { channel in
                let checked = UnixPeer.check(channel)
                checked.whenFailure { _ in channel.close(promise: nil) }
                return checked.flatMap { ready }
                    .flatMapErrorThrowing { throw Self.failure($0, stood: true) }
            }
            .map { bound.value.0 }
    }

    /// A port that nobody has refuses; only a connection that stood can break.
    private static func failure(_ error: any Error, stood: Bool) -> any Error {
        let failure = error as? Failure ?? TransportFailure.of(error)
        let isBroken =
            stood ? failure.code == .unreachable : TransportFailure.isReset(error)
        return isBroken ? BrokenHandshake(failure: failure) : failure
    }
}
