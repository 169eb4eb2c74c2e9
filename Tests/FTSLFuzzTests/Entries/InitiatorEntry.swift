internal import FTSLCore
internal import NIOCore

/// A client between its user and a listener that lies: what arrives can be damaged, invented or
/// withheld.
func fuzzInitiator(_ bytes: UnsafeRawBufferPointer) throws(Broken) {
    var input = FuzzInput(bytes)
    let ambush = Ambush(options: input.byte())
    try ambush.pump()
    var steps = 0
    while !input.isEmpty, steps < 200 {
        try ambush.step(&input)
        steps += 1
    }
}

final class Ambush {
    private let initiator: Initiator
    /// A real listener: its answers pass through the adversary's hands.
    private let acceptor: Acceptor
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var dialled: ConnectionID?
    private var connection: ConnectionID?
    private var fromAcceptor: [ByteBuffer] = []
    /// Something was changed or invented on this connection before it was attached.
    private var isTainted = false
    private var application: FuzzApplication?
    private var service: FuzzApplication?
    private var hasEnded = false
    private var dialsNow = 0

    init(options: UInt8) {
        var configuration = InitiatorConfiguration()
        configuration.limits = SessionLimits(
            initialWindow: 65_536, heartbeat: .seconds(1), sessionTimeout: .seconds(60))
        configuration.maxWindow = 256 << 10
        configuration.maxMemory = 8 << 20
        configuration.endpointCount = 1 + Int(options % 3)
        configuration.retryFirst = options & 4 == 0
        configuration.giveUpAfter = options & 8 == 0 ? nil : .seconds(40)
        configuration.firstTimeout = options & 16 == 0 ? nil : .seconds(20)
        initiator = Initiator(configuration: configuration, rng: FuzzRandom(seed: 3))
        var other = AcceptorConfiguration()
        other.flags = options & 32 == 0 ? [.exitStatus, .standardError] : []
        other.limits = configuration.limits
        acceptor = Acceptor(
            configuration: other, host: HostIdentity(generation: .first, instance: 9),
            rng: FuzzRandom(seed: 4))
        initiator.start(now: now)
    }

    func step(_ input: inout FuzzInput) throws(Broken) {
        dialsNow = 0
        switch input.choice(14) {
        case 0, 1: answerDial(&input)
        case 2: receive(input.take(Int(input.byte())), isHonest: false)
        case 3, 4, 5: passDown(&input)
        case 6: hangUp()
        case 7: try wait(milliseconds: 1 << input.choice(16))
        case 8, 9:
            let known =
                Craft.positions(of: initiator.session)
                + Craft.positions(of: service?.session)
            receive(Craft.frame(from: &input, near: known), isHonest: false)
        case 10: receive(Craft.verdict(&input), isHonest: false)
        case 11:
            application?.act(&input, now: now)
            initiator.touched(now: now)
        case 12:
            service?.act(&input, now: now)
            if let id = service?.session.identity.id { acceptor.touched(id, now: now) }
        default:
            if input.byte() == 0 {
                initiator.giveUp(Failure(.local, .killedByOperator, "given up"))
            } else {
                initiator.retryNow(now: now)
            }
        }
        try pump()
    }

    private func answerDial(_ input: inout FuzzInput) {
        guard let id = dialled else { return }
        dialled = nil
        guard input.choice(4) > 0 else {
            let codes: [FailureCode] = [.unreachable, .hostUnknown, .timedOut]
            let code = codes[input.choice(codes.count)]
            initiator.dialFailed(id, Failure(.local, code, "no"), now: now)
            return
        }
        connection = id
        (isTainted, fromAcceptor) = (false, [])
        acceptor.accepted(id, from: "client", now: now)
        initiator.connected(id, now: now)
    }

    private func receive(_ bytes: ByteBuffer, isHonest: Bool) {
        guard let connection, bytes.readableBytes > 0 else { return }
        if !isHonest { isTainted = true }
        initiator.receive(connection, bytes, now: now)
    }

    /// What the real listener said goes on its way, damaged or whole.
    private func passDown(_ input: inout FuzzInput) {
        let waiting = fromAcceptor
        fromAcceptor = []
        for var bytes in waiting {
            let changed = bytes.mutate(by: &input)
            receive(bytes, isHonest: !changed)
        }
    }

    private func hangUp() {
        guard let id = connection else { return }
        connection = nil
        initiator.closed(id, nil, now: now)
        acceptor.closed(id, nil, now: now)
    }

    private func wait(milliseconds: Int) throws(Broken) {
        let target = now + .milliseconds(milliseconds)
        var rounds = 0
        while now < target, rounds < 400 {
            rounds += 1
            let due = min(target, min(initiator.deadline, acceptor.deadline))
            now = max(due, Instant(nanoseconds: now.nanoseconds + 1))
            dialsNow = 0
            initiator.handleTimeout(now: now)
            acceptor.handleTimeout(now: now)
            try pump()
            try hold(initiator.deadline > now, "the initiator's deadline does not move on")
        }
    }

    // MARK: The driver

    func pump() throws(Broken) {
        var rounds = 0
        repeat {
            while let event = initiator.nextEvent() { try handle(event) }
            try transmit()
            while let event = acceptor.nextEvent() { try handle(event) }
            rounds += 1
            try hold(rounds < 100, "the initiator does not come to rest")
        } while initiator.hasEvents || acceptor.hasEvents
        if let session = initiator.session {
            try hold(session.heldBytes <= 8 << 20, "\(session.heldBytes) bytes are held")
        }
    }

    private func transmit() throws(Broken) {
        guard let connection else { return }
        var out: [ByteBuffer] = []
        initiator.transmit(connection, into: &out, limit: 64 << 10, now: now)
        for bytes in out { acceptor.receive(connection, bytes, now: now) }
        acceptor.transmit(connection, into: &fromAcceptor, limit: 64 << 10, now: now)
    }

    private func handle(_ event: InitiatorEvent) throws(Broken) {
        // A dial that succeeds too late is still closed.
        if case .close = event {} else { try hold(!hasEnded, "after the end: \(event)") }
        switch event {
        case .dial(let id, _):
            dialsNow += 1
            try hold(dialsNow <= 8, "it dials and dials at one moment")
            dialled = id
        case .close(let id, _):
            guard connection == id else { break }
            try transmit()
            connection = nil
            initiator.closed(id, nil, now: now)
            acceptor.closed(id, nil, now: now)
        case .opened:
            if let session = initiator.session {
                application = FuzzApplication(session, takesAtOnce: false)
            }
        case .attached:
            try hold(!isTainted, "a damaged answer was believed")
        case .activity:
            for failure in try application?.drain(now: now) ?? [] {
                initiator.detachRequested(failure, now: now)
            }
            initiator.touched(now: now)
        case .ended:
            hasEnded = true
            try hold(
                initiator.session?.outcome != nil || application == nil, "an end without outcome")
        case .detached, .waiting: break
        }
    }

    private func handle(_ event: AcceptorEvent) throws(Broken) {
        switch event {
        case .confirmed(let id):
            if let session = acceptor.session(id) {
                service = FuzzApplication(session, takesAtOnce: true)
            }
        case .activity(let id):
            guard let service, service.session.identity.id == id else { return }
            for failure in try service.drain(now: now) {
                acceptor.detachRequested(id, failure, now: now)
            }
            acceptor.touched(id, now: now)
        case .close(let id, _):
            guard connection == id else { return }
            acceptor.transmit(id, into: &fromAcceptor, limit: 64 << 10, now: now)
            acceptor.closed(id, nil, now: now)
        case .attached, .detached, .ended, .forgotten, .wrote, .adopted, .departed: break
        }
    }
}
