internal import FTSLCore
internal import NIOCore

/// A listener between an honest client, which must notice nothing, and an adversary, which may do
/// anything.
///
/// The adversary knows the secrets of its own sessions, so it gets behind the MACs; what it sends
/// can be damaged before or after they are computed.
func fuzzAcceptor(_ bytes: UnsafeRawBufferPointer) throws(Broken) {
    var input = FuzzInput(bytes)
    let attack = Attack(options: input.byte())
    try attack.welcomeHonestClient()
    var steps = 0
    while !input.isEmpty, steps < 200 {
        try attack.step(&input)
        steps += 1
        if steps % 4 == 0 { try attack.exchange() }
        try attack.check()
    }
    try attack.exchange()
    try attack.exchange()
}

/// One connection of the adversary.
struct Slot {
    var id: ConnectionID?
    var handshake: InitiatorHandshake?
    /// The adversary's own end of the session that this connection carries.
    var session: Session?
    /// Something was sent that no honest client would have sent: it must not get through.
    var isTainted = false
    /// The adversary does not read: the listener cannot write.
    var isBlocked = false
    var number = AttachmentNumber.opening
    /// What the listener sent and the adversary has not looked at.
    var inbox: [ByteBuffer] = []
}

final class Attack {
    let acceptor: Acceptor
    var now = Instant(nanoseconds: 1_000_000_000)
    var rng = FuzzRandom(seed: 42)
    var slots = [Slot](repeating: Slot(), count: 4)
    /// Sessions of which the adversary knows the secret.
    var owned: [Session] = []
    var applications: [SessionID: FuzzApplication] = [:]
    private var nextConnection: UInt64 = 1
    private let takesAtOnce: Bool
    let honest: HonestClient
    private var closing: [ConnectionID] = []

    static let memory: UInt64 = 8 << 20
    static let unproven = 3

    init(options: UInt8) {
        var configuration = AcceptorConfiguration()
        configuration.flags = options & 1 == 0 ? [.exitStatus, .standardError] : []
        configuration.limits = SessionLimits(
            initialWindow: 65_536, heartbeat: .seconds(1), sessionTimeout: .seconds(60))
        configuration.maxWindow = 256 << 10
        configuration.maxMemory = Self.memory
        configuration.parkedMemory = 64 << 10
        configuration.maxSessions = 6
        configuration.maxSessionsPerSource = 4
        configuration.maxTombstones = 6
        configuration.maxUnprovenConnections = Self.unproven
        takesAtOnce = options & 2 == 0
        acceptor = Acceptor(
            configuration: configuration,
            host: HostIdentity(generation: .first, instance: 7), rng: FuzzRandom(seed: 1))
        honest = HonestClient()
    }

    func newConnection(from source: String) -> ConnectionID {
        let id = ConnectionID(nextConnection)
        nextConnection += 1
        acceptor.accepted(id, from: source, now: now)
        return id
    }

    // MARK: The driver

    /// Drains every effect, as the real driver does, and watches that this comes to an end.
    func pump() throws(Broken) {
        var rounds = 0
        repeat {
            while let event = acceptor.nextEvent() { try handle(event) }
            for index in slots.indices where !slots[index].isBlocked { flush(index) }
            try honest.collect(from: acceptor, now: now)
            for id in closing { acceptor.closed(id, nil, now: now) }
            closing = []
            rounds += 1
            try hold(rounds < 100, "the acceptor does not come to rest")
        } while acceptor.hasEvents
    }

    private func flush(_ index: Int) {
        guard let id = slots[index].id else { return }
        var out: [ByteBuffer] = []
        acceptor.transmit(id, into: &out, limit: 64 << 10, now: now)
        slots[index].inbox += out
    }

    private func handle(_ event: AcceptorEvent) throws(Broken) {
        switch event {
        case .confirmed(let id):
            guard let session = acceptor.session(id) else { return }
            applications[id] = FuzzApplication(
                session, takesAtOnce: takesAtOnce || id == honest.id)
        case .attached(let id, let connection, _): try attached(id, connection)
        case .activity(let id): try drain(id)
        case .close(let connection, _):
            if let index = slots.firstIndex(where: { $0.id == connection }) {
                if !slots[index].isBlocked { flush(index) }
                slots[index].id = nil
            }
            try hold(connection != honest.connection, "the honest client was thrown out")
            closing.append(connection)
        case .ended(let id, let outcome):
            applications[id] = nil
            try hold(id != honest.id, "the honest session ended: \(outcome)")
        case .forgotten(let id), .departed(let id): applications[id] = nil
        case .wrote: break
        case .adopted: try hold(false, "\(event) where nothing moves")
        case .detached(let id, let failure):
            try hold(id != honest.id, "the honest session was detached: \(failure.text)")
        }
    }

    private func attached(_ id: SessionID, _ connection: ConnectionID) throws(Broken) {
        if id == honest.id {
            try hold(connection == honest.connection, "somebody took the honest session over")
            return
        }
        guard let slot = slots.first(where: { $0.id == connection }) else {
            throw Broken("a connection that nobody has was attached")
        }
        try hold(!slot.isTainted, "a damaged handshake was accepted")
        try hold(owned.contains { $0.identity.id == id }, "a session of a stranger was attached")
    }

    private func drain(_ id: SessionID) throws(Broken) {
        guard let application = applications[id] else {
            // A tombstone: nobody hears it any more, and still its events must be taken.
            while let event = acceptor.session(id)?.nextEvent() {
                if case .detach(let failure) = event {
                    acceptor.detachRequested(id, failure, now: now)
                }
            }
            acceptor.touched(id, now: now)
            return
        }
        for failure in try application.drain(now: now) {
            acceptor.detachRequested(id, failure, now: now)
        }
        if id == honest.id { try honest.serve(application.session) }
        acceptor.touched(id, now: now)
    }

    // MARK: Promises

    func check() throws(Broken) {
        try hold(
            acceptor.unprovenConnections <= Self.unproven, "too many unproven connections")
        try hold(acceptor.reservedMemory <= Self.memory, "more memory granted than there is")
        let held = acceptor.sessionIDs.reduce(0) { $0 + (acceptor.session($1)?.heldBytes ?? 0) }
        try hold(UInt64(held) <= Self.memory, "\(held) bytes are held")
        try hold(acceptor.activeSessions <= 6, "\(acceptor.activeSessions) sessions are active")
        try hold(acceptor.tombstones <= 6 + 6, "\(acceptor.tombstones) tombstones")
        try hold(
            acceptor.sessionIDs.count <= 6 + 6 + Self.unproven + Bound.unconfirmedPerAddress,
            "\(acceptor.sessionIDs.count) sessions are kept")
    }

    func welcomeHonestClient() throws(Broken) {
        honest.connection = newConnection(from: "honest")
        try honest.open(acceptor, now: now)
        try pump()
        try exchange()
        try hold(honest.id != nil, "an honest client cannot get in")
    }

    /// The honest client and its service go on as if they were alone.
    func exchange() throws(Broken) {
        honest.say(now: now)
        for _ in 0..<2 {
            try honest.deliver(to: acceptor, now: now)
            try pump()
        }
        try honest.check()
    }

    /// Time passes; everything due is done on its way.
    func wait(until target: Instant) throws(Broken) {
        var rounds = 0
        while now < target, rounds < 400 {
            rounds += 1
            let due = min(target, min(acceptor.deadline, honest.deadline))
            now = max(due, Instant(nanoseconds: now.nanoseconds + 1))
            acceptor.handleTimeout(now: now)
            honest.handleTimeout(now: now)
            try pump()
            try honest.deliver(to: acceptor, now: now)
            try pump()
            // Deadlines are never in the past once everything was handled: the alarm would ring for
            // ever.
            try hold(acceptor.deadline > now, "the acceptor's deadline does not move on")
        }
    }
}
