import FTSLCore
import FTSLKit
import FTSLTransport
import NIOCore
import Testing

/// The real driver on real sockets, with a client that breaks the rules.
@Suite(.serialized)
struct HostilePeerTests {
    @Test("An ended session that is resumed with nonsense does not hold up the listener")
    func nonsenseForTombstone() throws {
        let host = try Host()
        let client = try RawClient(port: host.port)
        let session = try #require(try client.open())
        try client.send(StreamFrame.exit(.status(1)))  // a violation: the session ends
        try host.loop.expect("the session ends") { host.driver.acceptor.tombstones == 1 }
        // The same session as if it had no channel 1: its reports are incomplete.
        var identity = session.identity
        identity.flags = []
        let crippled = Session(
            identity: identity, host: session.host, budget: SharedBudget(capacity: 1 << 30),
            now: Instant(nanoseconds: 1))
        for number in 1...3 as ClosedRange<UInt64> {
            let other = try RawClient(port: host.port)
            #expect(try other.resume(crippled, as: number), "the tombstone answers")
        }
        #expect(try RawClient(port: host.port).open() != nil, "others get in")
    }
}

/// A listener whose service takes everything and says nothing.
final class Host: @unchecked Sendable {
    let loop = TestLoop()
    let driver: AcceptorDriver
    let port: Int
    private let listener: TransportListener
    let service: QuietService

    init(_ configure: (inout AcceptorConfiguration) -> Void = { _ in }) throws {
        var configuration = AcceptorConfiguration()
        configuration.flags = [.exitStatus, .standardError]
        configure(&configuration)
        let settings = configuration
        let service = QuietService()
        self.service = service
        let loop = loop
        let driver = try loop.run {
            AcceptorDriver(configuration: settings, service: service, on: loop.loop)
        }
        self.driver = driver
        listener = try loop.wait { driver.listen(on: .tcp(host: "127.0.0.1", port: 0)) }
        guard case .tcp(_, let port) = listener.endpoint else {
            preconditionFailure("a TCP endpoint has a port")
        }
        self.port = port
    }

    deinit {
        let carried = Carried((driver, listener))
        loop.loop.execute { carried.value.1.close() }
    }
}

final class QuietService: SessionService {
    private(set) var applications: [Application] = []
    private(set) var outcomes: [Outcome] = []
    /// What arrives stays where it is.
    var isStalled = false

    func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        let application = Application(handle, isStalled: isStalled)
        applications.append(application)
        return application
    }

    func ended(_ handle: SessionHandle, _ outcome: Outcome) { outcomes.append(outcome) }

    final class Application: SessionApplication {
        let handle: SessionHandle
        private(set) var held: [ByteBuffer] = []
        private let isStalled: Bool

        init(_ handle: SessionHandle, isStalled: Bool) {
            self.handle = handle
            self.isStalled = isStalled
        }

        func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
            if isStalled {
                held.append(bytes)
            } else {
                handle.took(bytes.readableBytes, from: channel)
            }
        }
        func finished(_ channel: ChannelNumber) { handle.tookEnd(channel) }
        func stopped(_ channel: ChannelNumber, at position: UInt64) {}
        func room(on channel: ChannelNumber) {}
        func exited(_ report: ExitReport) {}
        func detached(_ failure: Failure) {}
        func attached(resumed: Bool) {}
        func settled(_ outcome: Outcome) {}
    }
}
