import ArgumentParser
import FTSLCore
import FTSLKit
import FTSLTransport
import NIOCore
import NIOPosix

/// New sessions a second: connection, TLS, OPEN, one byte, both ends closed, `--at-once` at a time.
///
/// Acceptor and initiators have a thread each, so that on two cores each has its own.
struct Sessions: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tls-sessions")

    @Option var count = 2000
    @Option var atOnce = 32
    @Option(help: "Sessions to warm up with.") var first = 200

    func run() throws {
        let plain = try rate(nil)
        let secured = try rate(KeyPair.generate())
        print(
            "{\"plaintext_sessions_s\": \(plain.perSecond), \"tls_sessions_s\": \(secured.perSecond), "
                + "\"tls_acceptor_cpu_us\": \(secured.acceptor), "
                + "\"tls_initiator_cpu_us\": \(secured.initiator), \"count\": \(count)}")
    }

    private struct Rate {
        var perSecond, acceptor, initiator: Int
    }

    private func rate(_ pair: KeyPair?) throws -> Rate {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        defer { try? group.syncShutdownGracefully() }
        let (server, client) = (group.next(), group.next())
        let credentials = try pair.map { try TLSCredentials($0) }
        let load = try SessionLoad(credentials, server: server, client: client)
        try load.run(first, atOnce: atOnce)
        let before = (try CPU.used(server), try CPU.used(client))
        let start = NIODeadline.now()
        try load.run(count, atOnce: atOnce)
        let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        let after = (try CPU.used(server), try CPU.used(client))
        return Rate(
            perSecond: Int(Double(count) / seconds),
            acceptor: Int((after.0 - before.0) / UInt64(count) / 1000),
            initiator: Int((after.1 - before.1) / UInt64(count) / 1000))
    }
}

enum CPU {
    /// Nanoseconds that a loop's thread has used.
    static func used(_ loop: any EventLoop) throws -> UInt64 {
        try loop.submit {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }.wait()
    }
}

/// Initiators that open, say one byte, hear the end, and go.
final class SessionLoad: @unchecked Sendable {
    private let client: any EventLoop
    private let endpoint: Endpoint
    private let credentials: TLSCredentials?
    private let acceptor: NIOLoopBoundBox<AnyObject?>
    private var running: [ObjectIdentifier: InitiatorDriver] = [:]
    private var left = 0
    private var done: EventLoopPromise<Void>?

    private final class Service: SessionService {
        private var applications: [SessionID: Peer] = [:]

        func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
            let application = Peer(handle)
            applications[handle.id] = application
            return application
        }

        func ended(_ handle: SessionHandle, _ outcome: Outcome) { applications[handle.id] = nil }
    }

    /// Takes what comes, and ends its own direction when the other has ended.
    private final class Peer: SessionApplication {
        private let handle: SessionHandle
        init(_ handle: SessionHandle) { self.handle = handle }
        func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
            handle.took(bytes.readableBytes, from: channel)
        }
        func finished(_ channel: ChannelNumber) {
            handle.tookEnd(channel)
            handle.finish(.main)
        }
        func stopped(_ channel: ChannelNumber, at position: UInt64) {}
        func room(on channel: ChannelNumber) {}
        func exited(_ report: ExitReport) {}
        func detached(_ failure: Failure) {}
        func attached(resumed: Bool) {}
        func settled(_ outcome: Outcome) {}
    }

    init(
        _ credentials: TLSCredentials?, server: any EventLoop, client: any EventLoop
    ) throws {
        self.client = client
        self.credentials = credentials
        let acceptor = NIOLoopBoundBox<AnyObject?>.makeBoxSendingValue(nil, eventLoop: server)
        self.acceptor = acceptor
        endpoint = try server.flatSubmit { () -> EventLoopFuture<Endpoint> in
            let driver = AcceptorDriver(
                configuration: AcceptorConfiguration(), service: Service(), on: server)
            acceptor.value = driver
            let security = TransportListener.Security(
                credentials: { credentials }, allowsPlaintext: credentials == nil)
            return driver.listen(on: .tcp(host: "127.0.0.1", port: 0), security: security)
                .map(\.endpoint)
        }.wait()
    }

    func run(_ count: Int, atOnce: Int) throws {
        let done = client.makePromise(of: Void.self)
        client.execute {
            self.left = count
            self.done = done
            for _ in 0..<min(atOnce, count) { self.begin() }
        }
        try done.futureResult.wait()
    }

    private func begin() {
        guard left > 0 else { return }
        left -= 1
        let driver = InitiatorDriver(
            endpoints: [endpoint], configuration: InitiatorConfiguration(),
            security: { [credentials] _, _ in
                credentials.map { .tls($0) { _ in nil } } ?? .plaintext
            }, on: client)
        let key = ObjectIdentifier(driver)
        running[key] = driver
        driver.onOpened = { handle in
            handle.write(ByteBuffer(string: "x"), to: .main)
            handle.finish(.main)
            return Greeter(handle)
        }
        driver.onEnded = { outcome, failure in
            guard case .complete = outcome else {
                fatalError("a session failed: \(String(describing: failure))")
            }
            // Not now: the driver is still on the stack.
            self.client.execute {
                self.running[key]?.whenQuiet { self.ended(key) }
                self.begin()
            }
        }
        driver.start()
    }

    private func ended(_ key: ObjectIdentifier) {
        client.execute {
            self.running[key] = nil
            if self.left == 0, self.running.isEmpty { self.done?.succeed() }
        }
    }

    private final class Greeter: SessionApplication {
        private let handle: SessionHandle
        init(_ handle: SessionHandle) { self.handle = handle }
        func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {}
        func finished(_ channel: ChannelNumber) { handle.tookEnd(channel) }
        func stopped(_ channel: ChannelNumber, at position: UInt64) {}
        func room(on channel: ChannelNumber) {}
        func exited(_ report: ExitReport) {}
        func detached(_ failure: Failure) {}
        func attached(resumed: Bool) {}
        func settled(_ outcome: Outcome) {}
    }
}
