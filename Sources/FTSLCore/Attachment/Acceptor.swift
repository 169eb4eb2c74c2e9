internal import DequeModule
internal import HeapModule
package import NIOCore

/// The accepting host: opens, confirms and resumes sessions, and bounds what strangers can make it
/// hold.
///
/// No I/O, no clock: connections are numbers, time is an argument, effects are `AcceptorEvent`s.
/// [FTSL §4]
package final class Acceptor {
    enum Standing {
        case unconfirmed(since: Instant)
        case confirmed
        /// The outcome is told to whoever resumes, until the peer's BYE or the session time-out.
        case tombstone
        /// It came from another host and is not served before that one has let it go. [FTSL §10.5]
        indirect case prepared(then: Standing)
    }

    final class Entry {
        let session: Session
        /// Whose limits it counts against.
        let source: String
        let identity: PeerIdentity
        /// Where it was opened from, for people.
        var address = ""
        var standing: Standing
        var connection: ConnectionID?
        let openedAt: Instant
        var parkedSince: Instant
        /// What it held while parked, when last looked at.
        var parkedBytes = 0
        /// Order of arrival: what is due at the same time is done in this order.
        let serial: UInt64
        /// It came from another host: its identity need not be known here otherwise. [FTSL §10.7]
        var isAdopted = false
        /// The earliest timer of this session in the heap.
        var timerAt = Instant.distantFuture

        init(
            session: Session, source: String, identity: PeerIdentity, serial: UInt64, now: Instant
        ) {
            self.identity = identity
            self.session = session
            self.source = source
            self.serial = serial
            standing = .unconfirmed(since: now)
            openedAt = now
            parkedSince = now
        }

        /// What using this session takes.
        var needs: SessionRights {
            let flags = session.identity.flags
            if flags.contains(.messages) { return .messages }
            if flags.contains(.control) { return .control }
            return flags.contains(.migration) ? .migration : .streams
        }

        var isParked: Bool {
            // With a fixed outcome it holds nothing any more, and cannot be evicted again.
            if case .confirmed = standing { return connection == nil && session.outcome == nil }
            return false
        }

        var deadline: Instant {
            switch standing {
            case .unconfirmed(let since): return since + Bound.unconfirmed
            case .prepared: return .distantFuture
            case .confirmed, .tombstone: return session.deadline
            }
        }
    }

    /// When to look at a session; may be early, because a deadline moves on without its timer.
    struct Timer: Comparable {
        let at: Instant
        let serial: UInt64
        let id: SessionID

        static func < (a: Self, b: Self) -> Bool { (a.at, a.serial) < (b.at, b.serial) }
    }

    package let host: HostIdentity
    package var configuration: AcceptorConfiguration
    /// True once no new session is welcome; resumes go on.
    package var isDraining = false
    package internal(set) var refusals: [FailureCode: UInt64] = [:]

    package let budget: SharedBudget
    var rng: any RandomNumberGenerator
    var connections: [ConnectionID: AcceptorConnection] = [:]
    /// Connections that have proven nothing yet, oldest first.
    var unproven = Deque<ConnectionID>()
    var parkedBytes = 0
    var parkedBytesPerSource: [String: Int] = [:]
    var entries: [SessionID: Entry] = [:]
    var unconfirmed: Set<SessionID> = []
    var sessionsPerSource: [String: Int] = [:]
    var timers = Heap<Timer>()
    var nextSerial: UInt64 = 0
    /// Running sessions: confirmed and without a fixed outcome.
    package internal(set) var activeSessions = 0
    /// Of those, the ones that carry streams.
    package internal(set) var activeStreams = 0
    /// Makes an inbox's end of a session that carries messages.
    package var makePort: ((SessionID, PeerIdentity) -> (any MessagePort)?)?
    package internal(set) var tombstones = 0
    var events = Deque<AcceptorEvent>()
    let decoySecret: SessionSecret
    /// Sessions that live elsewhere now.
    var signposts: [SessionID: Redirection] = [:]
    /// The whole listener is on its way, or gone: what new sessions are told. [FTSL §10]
    package var absence: Absence?
    /// The same for sessions that carry messages only: another inbox is about to be here.
    package var absenceOfInbox: Absence?

    package init(
        configuration: AcceptorConfiguration, host: HostIdentity,
        rng: some RandomNumberGenerator
    ) {
        var rng = rng
        self.configuration = configuration
        self.host = host
        decoySecret = SessionSecret(bytes: randomBytes(32, using: &rng))
        self.rng = rng
        budget = SharedBudget(
            capacity: configuration.maxMemory, sharedWindow: configuration.sharedWindow)
    }

    // MARK: The driver's calls

    /// `source` is whose limits a stranger's connection counts against; `address` is for people.
    package func accepted(
        _ id: ConnectionID, from source: String, address: String = "", now: Instant
    ) {
        let connection = AcceptorConnection(source: source, address: address, now: now)
        connections[id] = connection
        unproven.append(id)
        shedUnproven(newcomer: connection)
    }

    package func receive(_ id: ConnectionID, _ bytes: ByteBuffer, now: Instant) {
        guard let connection = connections[id] else { return }
        switch connection.state {
        case .closing: return
        case .attached(let entry): feed(entry, bytes, now: now)
        case .asking, .opened, .resumed:
            connections[id]?.reader.append(bytes)
            do {
                try advance(id, now: now)
            } catch {
                condemn(id, error)
            }
        }
    }

    package func closed(_ id: ConnectionID, _ failure: Failure?, now: Instant) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        settle(id)
        guard case .attached(let entry) = connection.state, entry.connection == id else { return }
        let why = failure ?? Failure(.peer, .unreachable, "the connection was closed")
        detach(entry, why, now: now)
    }

    /// Bytes that should leave on this connection now.
    package func transmit(
        _ id: ConnectionID, into out: inout [ByteBuffer], limit: Int, now: Instant
    ) {
        guard let connection = connections[id] else { return }
        if connection.outgoing.readableBytes > 0 {
            out.append(connection.outgoing)
            connection.outgoing = ByteBuffer()
        }
        guard case .attached(let entry) = connection.state, entry.connection == id else { return }
        entry.session.transmit(into: &out, limit: limit, now: now)
        drain(entry, now: now)
    }

    package var hasEvents: Bool { !events.isEmpty }

    package func nextEvent() -> AcceptorEvent? { events.popFirst() }

    package func session(_ id: SessionID) -> Session? { entries[id]?.session }

    /// Call after the application changed a session, before `transmit`.
    package func touched(_ id: SessionID, now: Instant) {
        if let entry = entries[id] { drain(entry, now: now) }
    }

    package var unprovenConnections: Int { unproven.count }

    package func address(of id: SessionID) -> String { entries[id]?.address ?? "" }

    package func identity(of id: SessionID) -> PeerIdentity {
        entries[id]?.identity ?? .plaintext
    }

    /// Alarms that were set, outdated ones included.
    package var timerCount: Int { timers.count }

    package var reservedMemory: UInt64 { budget.budget.reserved }

    /// All sessions that are known here, oldest first.
    package var sessionIDs: [SessionID] {
        entries.values.sorted { $0.serial < $1.serial }.map(\.session.identity.id)
    }

    /// Whom a session belongs to, for its service.
    package func source(of id: SessionID) -> String { entries[id]?.source ?? "" }

    /// The connection that carries a session now.
    package func connection(of id: SessionID) -> ConnectionID? { entries[id]?.connection }

    // MARK: Handshake

    private func advance(_ id: ConnectionID, now: Instant) throws(Failure) {
        while let connection = connections[id], !connection.isClosing,
            let frame = try connection.reader.next()
        {
            switch (connection.state, frame.message) {
            case (.opened(let session), _) where isAway(session),
                (.resumed(let session, _, _), _) where isAway(session):
                throw Failure(.local, .busy, "the session is on its way to another host")
            case (.opened(let session), _) where !mayUse(session, connection),
                (.resumed(let session, _, _), _) where !mayUse(session, connection):
                throw Failure(
                    .peer, .authorityRefused, "\(connection.identity) is no longer trusted here")
            case (.asking, .open(let open)): self.open(id, open, now: now)
            case (.asking, .resume(let resume)): self.resume(id, resume, frame, now: now)
            case (.opened(let session), .confirm):
                try confirm(id, session, frame, now: now)
                return
            case (.resumed(let session, let number, let reports), .proof):
                try prove(id, session, number, reports, frame, now: now)
                return
            default:
                throw .violation(.unexpectedFrame, "an unexpected \(frame.kind) in the handshake")
            }
        }
    }

    private func confirm(
        _ id: ConnectionID, _ sessionID: SessionID, _ frame: HandshakeReader.Frame, now: Instant
    ) throws(Failure) {
        guard let entry = entries[sessionID], case .unconfirmed = entry.standing,
            entry.session.identity.secret.verify(
                frame.mac, by: .initiator, kind: .confirm, transcript: frame.transcript)
        else { throw .violation(.authenticationFailed, "a CONFIRM that does not verify") }
        begin(entry)
        attach(entry, id, .opening, [], now: now)
    }

    private func prove(
        _ id: ConnectionID, _ sessionID: SessionID, _ number: AttachmentNumber,
        _ reports: [ChannelReport], _ frame: HandshakeReader.Frame, now: Instant
    ) throws(Failure) {
        guard let entry = entries[sessionID],
            entry.session.identity.secret.verify(
                frame.mac, by: .initiator, kind: .proof, transcript: frame.transcript)
        else { throw .violation(.authenticationFailed, "a PROOF that does not verify") }
        // Checked at RESUME too, but another attachment may have been proven since. [FTSL §4.6]
        guard number > entry.session.highestAttachment else {
            throw Failure(.peer, .staleAttachment, "a newer attachment was proven meanwhile")
        }
        supersede(entry, now: now)
        begin(entry)
        attach(entry, id, number, reports, now: now)
    }

    func begin(_ entry: Entry) {
        guard case .unconfirmed = entry.standing else { return }
        entry.standing = .confirmed
        unconfirmed.remove(entry.session.identity.id)
        count(entry, 1)
        // Before the session is attached: a LANE may come in the same flight as CONFIRM.
        if entry.needs == .messages {
            entry.session.port = makePort?(entry.session.identity.id, entry.identity) ?? nil
        }
        events.append(.confirmed(entry.session.identity.id))
    }

    private func attach(
        _ entry: Entry, _ id: ConnectionID, _ number: AttachmentNumber,
        _ reports: [ChannelReport], now: Instant
    ) {
        let sessionID = entry.session.identity.id
        entry.connection = id
        entry.session.attach(number, reports: reports, now: now)
        events.append(.attached(sessionID, id, resumed: number != .opening))
        connections[id]?.state = .attached(entry)
        settle(id)
        let rest = connections[id]?.reader.takeRest() ?? ByteBuffer()
        if rest.readableBytes > 0 { entry.session.receive(rest, now: now) }
        drain(entry, now: now)
    }

    /// The newest proven attachment wins; whatever lies in the old one's socket is not read. [FTSL
    /// §4.6]
    private func supersede(_ entry: Entry, now: Instant) {
        guard let old = entry.connection else { return }
        var bytes = ByteBuffer()
        StreamFrame.superseded.encode(into: &bytes)
        connections[old]?.outgoing.writeImmutableBuffer(bytes)
        connections[old]?.state = .closing
        entry.session.detach(now: now)
        entry.connection = nil
        let why = Failure(.peer, .superseded, "a newer connection of the same session")
        events.append(.close(old, why))
    }

    private func feed(_ entry: Entry, _ bytes: ByteBuffer, now: Instant) {
        entry.session.receive(bytes, now: now)
        drain(entry, now: now)
    }

    /// Handles what concerns the host, and announces the rest.
    func drain(_ entry: Entry, now: Instant) {
        let session = entry.session
        countParked(entry)
        // One whose outcome is fixed is about to be buried: it makes no room by being evicted
        // again.
        if entry.isParked { shedParked(of: entry.source, now: now) }
        arm(entry)
        if !session.events.isEmpty { events.append(.activity(session.identity.id)) }
        guard session.outcome != nil else { return }
        bury(entry, now: now)
    }

    /// The driver saw a `detach` among the session's events.
    package func detachRequested(_ id: SessionID, _ failure: Failure, now: Instant) {
        guard let entry = entries[id], let connection = entry.connection else { return }
        var bytes: [ByteBuffer] = []
        if failure.code.isViolation {
            entry.session.transmit(into: &bytes, limit: Bound.readAhead, now: now)
        }
        for buffer in bytes { connections[connection]?.outgoing.writeImmutableBuffer(buffer) }
        connections[connection]?.state = .closing
        detach(entry, failure, now: now)
        events.append(.close(connection, nil))
    }

    func detach(_ entry: Entry, _ failure: Failure, now: Instant) {
        entry.connection = nil
        entry.parkedSince = now
        entry.session.detach(now: now)
        events.append(.detached(entry.session.identity.id, failure))
        drain(entry, now: now)
    }
}
