package import FTSLCore
package import FTSLTransport
package import NIOCore

#if canImport(Glibc)
    internal import Glibc
#endif

/// Makes what runs on each new session.
package protocol SessionService: AnyObject {
    /// Called once per confirmed session; the application is kept until the session is forgotten.
    func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication
    /// The session's outcome is fixed and its application is done with it.
    func ended(_ handle: SessionHandle, _ outcome: Outcome)
}

/// Runs an `Acceptor` on an event loop: accepts, carries bytes, rings its alarm, starts services.
package final class AcceptorDriver {
    package let acceptor: Acceptor
    let service: any SessionService
    /// Begins sessions that carry messages; nil: there are none.
    package var inbox: (any SessionService)?
    /// Begins sessions in which another host talks about a ticket; nil: there are none.
    package var migrations: (any SessionService)?
    /// Answers what the listener itself is asked.
    package var controls: (any SessionService)?
    /// How applications of sessions that came from elsewhere begin.
    var beginnings: [SessionID: (SessionHandle) -> any SessionApplication] = [:]
    private let loop: any EventLoop
    private var connections: [ConnectionID: TransportConnection] = [:]
    private var sources: [ConnectionID: String] = [:]
    var sessions: [SessionID: Running] = [:]
    private var closing: Set<ConnectionID> = []
    private var dirty: Set<ConnectionID> = []
    private var onQuiet: (() -> Void)?
    private var nextConnection: UInt64 = 1
    private var alarm: Alarm?
    private var isPumping = false
    /// The session whose events are being handled: its calls need nothing extra.
    private var drained: SessionID?
    private var heartbeat: Duration

    /// A connection was refused, by TLS or by the acceptor, or condemned; `source` is its address.
    package var onRefused: ((Failure, _ source: String) -> Void)?
    package var onEvent: ((AcceptorEvent) -> Void)?
    /// Called after each pass: ports may have asked for something.
    package var onPumped: (() -> Void)?
    /// What an identity that TLS has verified may open and resume.
    package var rights: (PeerIdentity) -> SessionRights = { _ in .everything }

    struct Running {
        let handle: SessionHandle
        let application: any SessionApplication
    }

    package init(
        configuration: AcceptorConfiguration, service: any SessionService,
        inbox: (any SessionService)? = nil, on loop: any EventLoop
    ) {
        var rng = SystemRandomNumberGenerator()
        let host = HostIdentity(generation: .first, instance: rng.next())
        acceptor = Acceptor(configuration: configuration, host: host, rng: rng)
        heartbeat = .milliseconds(Int64(configuration.limits.heartbeatMilliseconds))
        self.service = service
        self.inbox = inbox
        self.loop = loop
        alarm = Alarm(on: loop) { [weak self] in self?.rings() }
    }

    /// Call on the event loop.
    ///
    /// - Parameter inherited: A listening socket at this endpoint, where somebody else made it.
    package func listen(
        on endpoint: Endpoint, security: TransportListener.Security = .plaintext,
        inherited: CInt? = nil
    ) -> EventLoopFuture<TransportListener> {
        TransportListener.bind(
            endpoint, security: security, userTimeout: heartbeat * 5 / 2, inherited: inherited,
            on: loop
        ) {
            [weak self] _, source in self?.accept(from: source)
        }
    }

    package var sessionCount: Int { sessions.count }

    private func accept(from source: String) -> TransportConnection {
        let id = ConnectionID(nextConnection)
        nextConnection += 1
        let connection = TransportConnection(id: id, delegate: self)
        connections[id] = connection
        sources[id] = source
        acceptor.accepted(
            id, from: SourcePrefix.of(source), address: source, now: MonotonicClock.now)
        pump()
        return connection
    }

    private func rings() {
        acceptor.handleTimeout(now: MonotonicClock.now)
        pump()
    }

    /// Calls back once no connection is open any more: what was sent has arrived, or never will.
    package func whenQuiet(_ body: @escaping () -> Void) {
        onQuiet = body
        tellQuiet()
    }

    private func tellQuiet() {
        guard connections.isEmpty, closing.isEmpty, let tell = onQuiet else { return }
        onQuiet = nil
        tell()
    }

    // MARK: For the operator

    package func abort(_ id: SessionID, _ failure: Failure) {
        acceptor.abort(id, failure, now: MonotonicClock.now)
        touched(id)
    }

    /// Ends every session and takes no more.
    package func stop(_ failure: Failure) {
        acceptor.isDraining = true
        for id in acceptor.sessionIDs { abort(id, failure) }
    }

    /// Forgets a session that has no connection; false: there is none such.
    @discardableResult
    package func expire(_ id: SessionID, _ failure: Failure) -> Bool {
        defer { pump() }
        return acceptor.expire(id, failure, now: MonotonicClock.now)
    }

    package func stopLingering(_ id: SessionID) {
        acceptor.stopLingering(id, now: MonotonicClock.now)
        pump()
    }

    /// The ports of these sessions have something to send.
    package func portsTouched(_ ids: [SessionID]) {
        guard !ids.isEmpty else { return }
        for id in ids {
            acceptor.touched(id, now: MonotonicClock.now)
            if let connection = acceptor.connection(of: id) { dirty.insert(connection) }
        }
        pump()
    }

    func touched(_ id: SessionID) {
        if isPumping, id == drained { return }
        acceptor.touched(id, now: MonotonicClock.now)
        if let connection = acceptor.connection(of: id) { dirty.insert(connection) }
        pump()
    }

    // MARK: The loop: drain every effect before the next input

    func pump() {
        // Calls from below arrive while events are handled, before anything is transmitted.
        guard !isPumping else { return }
        isPumping = true
        repeat {
            while let event = acceptor.nextEvent() { handle(event) }
            while let id = dirty.popFirst() { flush(id) }
        } while acceptor.hasEvents
        isPumping = false
        setAlarm()
        onPumped?()
    }

    /// With many sessions some deadline is always near; a few milliseconds of lateness keep the
    /// alarm cheap.
    private func setAlarm() {
        let pause = UInt64(min(20_000_000, 2_000 * connections.count))
        alarm?.set(for: max(acceptor.deadline, MonotonicClock.now.advanced(nanoseconds: pause)))
    }

    private func handle(_ event: AcceptorEvent) {
        switch event {
        case .confirmed(let id): begin(id)
        case .attached(let id, let connection, let resumed):
            dirty.insert(connection)
            sessions[id]?.application.attached(resumed: resumed)
        case .detached(let id, let failure): sessions[id]?.application.detached(failure)
        case .activity(let id):
            drained = id
            drain(id)
            drained = nil
            acceptor.touched(id, now: MonotonicClock.now)
            if let connection = acceptor.connection(of: id) { dirty.insert(connection) }
        case .close(let id, let failure):
            let hasLastWords = flush(id)
            if let connection = connections.removeValue(forKey: id) {
                closing.insert(id)
                // Whoever is thrown out without a word need not be waited for, and many cannot be.
                let isPatient =
                    (failure == nil || hasLastWords)
                    && closing.count <= acceptor.configuration.maxUnprovenConnections
                if isPatient { connection.finish() } else { connection.close() }
            }
            if let failure { onRefused?(failure, sources[id] ?? "") }
        case .ended(let id, let outcome):
            guard let running = sessions.removeValue(forKey: id) else { break }
            running.handle.drain { _ in }
            self.service(of: running.handle.session).ended(running.handle, outcome)
        case .forgotten: break
        case .wrote(let id): dirty.insert(id)
        case .adopted(let id): resume(id)
        case .departed(let id): sessions[id] = nil
        }
        onEvent?(event)
    }

    /// Every event is taken, also where nobody is left to hear it: what stays would be announced
    /// for ever.
    private func drain(_ id: SessionID) {
        let detach: (Failure) -> Void = { [acceptor] in
            acceptor.detachRequested(id, $0, now: MonotonicClock.now)
        }
        if let running = sessions[id] { return running.handle.drain(detach: detach) }
        // A tombstone: its outcome was told, only its connection still matters.
        while let event = acceptor.session(id)?.nextEvent() {
            if case .detach(let failure) = event { detach(failure) }
        }
    }

    private func begin(_ id: SessionID) {
        guard let session = acceptor.session(id) else { return }
        let handle = SessionHandle(session: session) { [weak self] in self?.touched($0.id) }
        handle.peer = acceptor.identity(of: id)
        let application = self.service(of: session).begin(handle, peer: acceptor.address(of: id))
        handle.application = application
        sessions[id] = Running(handle: handle, application: application)
    }

    private func service(of session: Session) -> any SessionService {
        let flags = session.identity.flags
        if flags.contains(.messages) { return inbox ?? service }
        if flags.contains(.control) { return controls ?? service }
        return flags.contains(.migration) ? migrations ?? service : service
    }

    /// True when there was anything to send.
    @discardableResult
    private func flush(_ id: ConnectionID) -> Bool {
        guard let connection = connections[id] else { return false }
        var hasSent = false
        let now = MonotonicClock.now
        var count = Pump.chunk
        // Less than a chunk: there was no more.
        while count >= Pump.chunk, connection.isWritable {
            var out: [ByteBuffer] = []
            acceptor.transmit(id, into: &out, limit: Pump.chunk, now: now)
            guard !out.isEmpty else { break }
            count = out.reduce(0) { $0 + $1.readableBytes }
            connection.send(out)
            hasSent = true
        }
        return hasSent
    }
}

extension AcceptorDriver: TransportDelegate {
    package func connection(_ id: ConnectionID, isWith identity: PeerIdentity) {
        acceptor.authenticated(id, as: identity, rights: rights(identity))
    }

    package func connectionLacksTLS(_ id: ConnectionID) {
        acceptor.authenticated(id, as: .plaintext, rights: [])
    }

    package func connection(_ id: ConnectionID, received bytes: ByteBuffer) {
        acceptor.receive(id, bytes, now: MonotonicClock.now)
        dirty.insert(id)
        pump()
    }

    package func connectionIsWritable(_ id: ConnectionID) {
        dirty.insert(id)
        pump()
    }

    package func connection(_ id: ConnectionID, closed failure: Failure?) {
        let source = sources.removeValue(forKey: id)
        if let failure, connections[id]?.identity == .plaintext, acceptor.isStranger(id) {
            acceptor.countRefusal(failure)
            onRefused?(failure, source ?? "")
        }
        connections[id] = nil
        closing.remove(id)
        acceptor.closed(id, failure, now: MonotonicClock.now)
        pump()
        tellQuiet()
    }
}

/// Strangers are told apart by network, not by address: an attacker has many of those. [FTSL §6]
package enum SourcePrefix {
    /// The /24 of an IPv4 or the /64 of an IPv6 address.
    package static func of(_ address: String) -> String {
        if address.contains(":") {
            var bytes = [UInt8](repeating: 0, count: 16)
            guard inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
            return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
        }
        let parts = address.split(separator: ".")
        guard parts.count == 4 else { return address }
        return parts.prefix(3).joined(separator: ".") + ".0/24"
    }
}
