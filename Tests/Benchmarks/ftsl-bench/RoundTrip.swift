import ArgumentParser
import FTSLCore
import FTSLKit
import FTSLTransport
import NIOCore
import NIOPosix

/// 64 bytes there and back: a session of ours against a plain NIO TCP echo, by turns in one run.
struct RoundTrip: ParsableCommand {
    @Option var size = 64
    @Option var rounds = 2000
    @Option var pairs = 9

    func run() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let (server, client) = (group.next(), group.next())
        let plain = try PlainEcho(server: server, client: client, size: size)
        let session = try SessionEcho(server: server, client: client, size: size)
        _ = try plain.measure(rounds)
        _ = try session.measure(rounds)
        var ratios: [Double] = []
        var (plainMedians, sessionMedians): ([Double], [Double]) = ([], [])
        for _ in 0..<pairs {
            let a = median(try plain.measure(rounds))
            let b = median(try session.measure(rounds))
            plainMedians.append(a)
            sessionMedians.append(b)
            ratios.append(b / a)
        }
        let plainText = "\"nio_us\": \(median(plainMedians) / 1000)"
        let sessionText = "\"ftsl_us\": \(median(sessionMedians) / 1000)"
        print("{\(plainText), \(sessionText), \"ratio\": \(median(ratios)), \"pairs\": \(pairs)}")
    }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// Sends one message, waits for its echo, and notes how long it took.
final class Pinger: @unchecked Sendable {
    private let message: ByteBuffer
    private let loop: any EventLoop
    var send: ((ByteBuffer) -> Void)?
    private var awaited = 0
    private var sentAt = NIODeadline.now()
    private var times: [Double] = []
    private var left = 0
    private var promise: EventLoopPromise<[Double]>?

    init(size: Int, on loop: any EventLoop) {
        message = ByteBuffer(repeating: 0x55, count: size)
        self.loop = loop
    }

    func measure(_ rounds: Int) throws -> [Double] {
        let promise = loop.makePromise(of: [Double].self)
        loop.execute {
            self.left = rounds
            self.times = []
            self.promise = promise
            self.ping()
        }
        return try promise.futureResult.wait()
    }

    private func ping() {
        awaited = message.readableBytes
        sentAt = .now()
        send?(message)
    }

    func received(_ count: Int) {
        awaited -= count
        guard awaited == 0 else { return }
        times.append(Double((NIODeadline.now() - sentAt).nanoseconds))
        left -= 1
        if left > 0 { ping() } else { promise?.succeed(times) }
    }
}

/// The yardstick: what NIO needs without us.
final class PlainEcho {
    private let pinger: Pinger

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(data, promise: nil)
        }
    }

    private final class Client: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let pinger: Pinger
        init(_ pinger: Pinger) { self.pinger = pinger }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            pinger.received(unwrapInboundIn(data).readableBytes)
        }
    }

    init(server: any EventLoop, client: any EventLoop, size: Int) throws {
        let pinger = Pinger(size: size, on: client)
        self.pinger = pinger
        let bound = try ServerBootstrap(group: server)
            .childChannelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Echo())
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        let channel = try ClientBootstrap(group: client)
            .channelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Client(pinger))
                }
            }
            .connect(host: "127.0.0.1", port: bound.localAddress?.port ?? 0).wait()
        pinger.send = { channel.writeAndFlush($0, promise: nil) }
    }

    func measure(_ rounds: Int) throws -> [Double] { try pinger.measure(rounds) }
}

/// The same through a session: framing, digest, retention, acknowledgement.
final class SessionEcho {
    private let pinger: Pinger
    private let kept: [NIOLoopBoundBox<AnyObject?>]

    private final class EchoService: SessionService {
        func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
            Application(handle) { [unowned handle] bytes in
                handle.write(bytes, to: .main)
                handle.took(bytes.readableBytes, from: .main)
            }
        }
        func ended(_ handle: SessionHandle, _ outcome: Outcome) {}
    }

    private final class Application: SessionApplication {
        private let body: (ByteBuffer) -> Void
        init(_ handle: SessionHandle, _ body: @escaping (ByteBuffer) -> Void) { self.body = body }
        func received(_ bytes: ByteBuffer, on channel: ChannelNumber) { body(bytes) }
        func finished(_ channel: ChannelNumber) {}
        func stopped(_ channel: ChannelNumber, at position: UInt64) {}
        func room(on channel: ChannelNumber) {}
        func exited(_ report: ExitReport) {}
        func detached(_ failure: Failure) {}
        func attached(resumed: Bool) {}
        func settled(_ outcome: Outcome) {}
    }

    init(server: any EventLoop, client: any EventLoop, size: Int) throws {
        let pinger = Pinger(size: size, on: client)
        self.pinger = pinger
        let acceptor = NIOLoopBoundBox<AnyObject?>.makeBoxSendingValue(nil, eventLoop: server)
        let initiator = NIOLoopBoundBox<AnyObject?>.makeBoxSendingValue(nil, eventLoop: client)
        let endpoint = try server.flatSubmit { () -> EventLoopFuture<Endpoint> in
            let driver = AcceptorDriver(
                configuration: AcceptorConfiguration(), service: EchoService(), on: server)
            acceptor.value = driver
            return driver.listen(on: .tcp(host: "127.0.0.1", port: 0), security: .plaintext)
                .map { $0.endpoint }
        }.wait()
        let opened = client.makePromise(of: Void.self)
        client.execute {
            let driver = InitiatorDriver(
                endpoints: [endpoint], configuration: InitiatorConfiguration(), on: client)
            initiator.value = driver
            driver.onOpened = { handle in
                pinger.send = { handle.write($0, to: .main) }
                opened.succeed()
                return Application(handle) { [unowned handle] bytes in
                    // Taken first, so that the acknowledgement rides on the next ping.
                    handle.session.took(
                        bytes.readableBytes, from: .main, now: MonotonicClock.now)
                    pinger.received(bytes.readableBytes)
                }
            }
            driver.start()
        }
        try opened.futureResult.wait()
        kept = [acceptor, initiator]
    }

    func measure(_ rounds: Int) throws -> [Double] { try pinger.measure(rounds) }
}
