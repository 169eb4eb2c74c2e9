import FTSLCore
import NIOCore

/// An acceptor and its connections, driven by hand.
final class AcceptorBench {
    let core: Acceptor
    var now = Instant.ms(0)
    var events: [AcceptorEvent] = []
    private var lastID: UInt64 = 100

    init(
        _ configure: (inout AcceptorConfiguration) -> Void = { _ in }, instance: UInt64 = 77,
        seed: UInt64? = nil
    ) {
        var configuration = AcceptorConfiguration()
        configure(&configuration)
        core = Acceptor(
            configuration: configuration,
            host: HostIdentity(generation: .first, instance: instance),
            rng: CountingGenerator(seed: seed ?? instance))
    }

    func accept(from source: String = "10.0.0.1") -> ConnectionID {
        lastID += 1
        let id = ConnectionID(lastID)
        core.accepted(id, from: source, now: now)
        drain()
        return id
    }

    /// Gives bytes to the acceptor and returns what it says on the same connection.
    @discardableResult
    func say(_ bytes: ByteBuffer, on id: ConnectionID) -> ByteBuffer {
        core.receive(id, bytes, now: now)
        drain()
        return hear(id)
    }

    func hear(_ id: ConnectionID) -> ByteBuffer {
        var out: [ByteBuffer] = []
        core.transmit(id, into: &out, limit: 1 << 20, now: now)
        drain()
        return joined(out)
    }

    func drain() {
        while let event = core.nextEvent() { events.append(event) }
    }

    func closes(_ id: ConnectionID) -> [Failure?] {
        events.compactMap { if case .close(id, let failure) = $0 { failure } else { nil } }
    }

    func wasClosed(_ id: ConnectionID) -> Bool {
        events.contains { if case .close(id, _) = $0 { true } else { false } }
    }

    var confirmed: Int { events.count { if case .confirmed = $0 { true } else { false } } }
}

/// A dialling end whose connections lead wherever the test wants.
final class InitiatorBench {
    let core: Initiator
    var now = Instant.ms(0)
    var events: [InitiatorEvent] = []

    init(seed: UInt64 = 1, _ configure: (inout InitiatorConfiguration) -> Void = { _ in }) {
        var configuration = InitiatorConfiguration()
        configure(&configuration)
        core = Initiator(configuration: configuration, rng: CountingGenerator(seed: seed))
    }

    func drain() {
        while let event = core.nextEvent() { events.append(event) }
    }

    /// The newest dial that was asked for.
    var dial: (id: ConnectionID, endpoint: Int)? {
        drain()
        return events.reversed().lazy.compactMap {
            if case .dial(let id, let endpoint) = $0 { (id, endpoint) } else { nil }
        }.first
    }

    var dialCount: Int {
        drain()
        return events.count { if case .dial = $0 { true } else { false } }
    }

    func start() {
        core.start(now: now)
        drain()
    }

    /// The newest dial succeeds; returns the question.
    func connect(isVerified: Bool = false) -> ByteBuffer {
        guard let id = dial?.id else { return ByteBuffer() }
        core.connected(id, isVerified: isVerified, now: now)
        return hear(id)
    }

    @discardableResult
    func say(_ bytes: ByteBuffer) -> ByteBuffer {
        guard let id = dial?.id else { return ByteBuffer() }
        core.receive(id, bytes, now: now)
        return hear(id)
    }

    func hear(_ id: ConnectionID) -> ByteBuffer {
        drain()
        var out: [ByteBuffer] = []
        core.transmit(id, into: &out, limit: 1 << 20, now: now)
        drain()
        return joined(out)
    }

    func lose() {
        guard let id = dial?.id else { return }
        core.closed(id, nil, now: now)
        drain()
    }

    /// Waits until the next dial is made.
    func waitForDial() {
        let count = dialCount
        while dialCount == count, core.deadline != .distantFuture, !core.isEnded {
            now = core.deadline
            core.handleTimeout(now: now)
            drain()
        }
    }

    var ending: (outcome: Outcome?, failure: Failure?)? {
        events.lazy.compactMap {
            if case .ended(let outcome, let failure) = $0 { (outcome, failure) } else { nil }
        }.first
    }
}

/// Opens a session over one connection and returns it.
@discardableResult
func open(_ initiator: InitiatorBench, _ acceptor: AcceptorBench) -> ConnectionID {
    talk(initiator, acceptor)
}

/// Resumes over a new connection and returns it.
@discardableResult
func resume(_ initiator: InitiatorBench, _ acceptor: AcceptorBench) -> ConnectionID {
    talk(initiator, acceptor)
}

/// Connects and carries bytes to and fro until neither end has more to say.
private func talk(_ initiator: InitiatorBench, _ acceptor: AcceptorBench) -> ConnectionID {
    let id = acceptor.accept()
    var said = initiator.connect()
    while said.readableBytes > 0 {
        said = initiator.say(acceptor.say(said, on: id))
    }
    return id
}

/// The verdict in what an acceptor said first, if it is one.
func verdict(in bytes: ByteBuffer) -> HandshakeMessage.Verdict? {
    var reader = HandshakeReader()
    reader.append(bytes)
    guard let frame = try? reader.next(), case .verdict(let verdict) = frame.message else {
        return nil
    }
    return verdict
}

/// The kind of the first frame an acceptor said.
func firstKind(in bytes: ByteBuffer) -> FrameKind? {
    bytes.getInteger(at: bytes.readerIndex + Preface.bytes.count + 4)
        .flatMap(FrameKind.init(rawValue:))
}
