internal import DequeModule
package import NIOCore

/// The dialling end: opens a session, and finds a new connection whenever the last one dies. [FTSL
/// §6]
///
/// No I/O, no clock: connections are numbers, time is an argument, effects are `InitiatorEvent`s.
package final class Initiator {
    enum State {
        case idle
        /// A connection is being made.
        case dialling(ConnectionID, endpoint: Int, since: Instant)
        /// The peer is being asked.
        case asking(
            ConnectionID, endpoint: Int, InitiatorHandshake, AttachmentNumber, since: Instant)
        case attached(ConnectionID, endpoint: Int)
        case waiting(until: Instant)
        case ended
    }

    package let configuration: InitiatorConfiguration
    package private(set) var session: Session?
    package private(set) var reconnects: UInt64 = 0
    /// Why the last attempt failed.
    package internal(set) var lastFailure: Failure?

    package let budget: SharedBudget
    /// The lane or subscription that the session carries.
    package var port: (any MessagePort)?
    var rng: any RandomNumberGenerator
    var state = State.idle
    var backoff = Backoff()
    var events = Deque<InitiatorEvent>()
    var startedAt = Instant(nanoseconds: 0)
    var settledAt: Instant?
    /// CONFIRM may have reached the acceptor: starting over could run its service twice. [FTSL
    /// §4.1]
    var confirmHandedOut = false
    var nextConnection: UInt64 = 1
    var nextEndpoint = 0
    var failuresThisPass = 0
    private var brokenFirst = 0
    var gone = GoneCount()
    /// When a host first said *later* since the session was attached last.
    private var putOffSince: Instant?
    /// Endpoints that hosts of this session have named, after those of the configuration.
    package internal(set) var learned: [LearnedEndpoint] = []
    /// How often it was sent on since it was attached last.
    var hops = 0
    /// The newest generation that a host has pointed to: nobody but the one that has it can know
    /// more of the session.
    var heir: UInt64?
    /// The transport has verified that the peer is the one the session belongs to.
    private var isVerified = false
    private var usedAttachment = AttachmentNumber.opening
    var progressAtAttach: UInt64 = 0
    /// Bytes for a connection that is being closed.
    private var lastBytes: [ConnectionID: [ByteBuffer]] = [:]

    package init(configuration: InitiatorConfiguration, rng: some RandomNumberGenerator) {
        self.configuration = configuration
        self.rng = rng
        budget = SharedBudget(capacity: configuration.maxMemory)
    }

    // MARK: The driver's calls

    package func start(now: Instant) {
        startedAt = now
        dial(now: now)
    }

    /// The transport connection stands; the question can be asked.
    package func connected(_ id: ConnectionID, isVerified: Bool = false, now: Instant) {
        self.isVerified = isVerified
        guard case .dialling(id, let endpoint, _) = state else {
            events.append(.close(id, nil))
            return
        }
        let handshake: InitiatorHandshake
        if let session, confirmHandedOut {
            usedAttachment = max(usedAttachment, session.highestAttachment).next
            handshake = .resuming(session, as: usedAttachment, using: &rng)
        } else {
            session = nil
            handshake = .opening(
                service: configuration.service, limits: configuration.limits,
                maxWindow: configuration.maxWindow, using: &rng)
        }
        state = .asking(id, endpoint: endpoint, handshake, usedAttachment, since: now)
    }

    package func dialFailed(_ id: ConnectionID, _ failure: Failure, now: Instant) {
        guard case .dialling(id, _, _) = state else { return }
        failed(failure, permanent: failure.code.isPermanent, now: now)
    }

    /// A connection was made, and reset before the transport had verified the peer.
    package func handshakeBroke(_ id: ConnectionID, _ failure: Failure, now: Instant) {
        guard case .dialling(id, _, _) = state else { return }
        broke(failure, now: now)
    }

    package func receive(_ id: ConnectionID, _ bytes: ByteBuffer, now: Instant) {
        switch state {
        case .attached(id, _):
            session?.receive(bytes, now: now)
            drain(now: now)
            if let session, session.redirect != nil || session.nextHome != nil {
                followFrames(of: session, on: id, now: now)
            }
        case .asking(id, let endpoint, var handshake, let number, let since):
            do {
                let result = try handshake.receive(bytes)
                state = .asking(id, endpoint: endpoint, handshake, number, since: since)
                if let result { conclude(result, id, endpoint, now: now) }
            } catch {
                events.append(.close(id, error))
                failed(error, permanent: error.code.isViolation, now: now)
            }
        case .idle, .dialling, .asking, .attached, .waiting, .ended:
            return  // bytes of a connection that was given up
        }
    }

    package func closed(_ id: ConnectionID, _ failure: Failure?, now: Instant) {
        lastBytes[id] = nil
        switch state {
        case .attached(id, _):
            lost(failure ?? Failure(.peer, .unreachable, "the connection was closed"), now: now)
        case .asking(id, _, let handshake, _, _):
            let text =
                handshake.heardAnything
                ? "the connection was closed during the handshake"
                : "the peer closed the connection without a word"
            broke(failure ?? Failure(.peer, .unreachable, text), now: now)
        case .idle, .dialling, .asking, .attached, .waiting, .ended:
            return
        }
    }

    /// Somebody listens there: the network may break the first handshake as well as any other.
    private func broke(_ failure: Failure, now: Instant) {
        guard session == nil, brokenFirst < Bound.brokenFirstHandshakes else {
            failed(failure, permanent: false, now: now)
            return
        }
        brokenFirst += 1
        lastFailure = failure
        wait(backoff.next(using: &rng), failure, now: now)
    }

    /// Bytes that should leave on this connection now.
    package func transmit(
        _ id: ConnectionID, into out: inout [ByteBuffer], limit: Int, now: Instant
    ) {
        if let bytes = lastBytes.removeValue(forKey: id) { out += bytes }
        switch state {
        case .asking(id, let endpoint, var handshake, let number, let since):
            if let bytes = handshake.takeOutgoing() { out.append(bytes) }
            state = .asking(id, endpoint: endpoint, handshake, number, since: since)
        case .attached(id, _):
            session?.transmit(into: &out, limit: limit, now: now)
            drain(now: now)
        case .idle, .dialling, .asking, .attached, .waiting, .ended:
            return
        }
    }

    /// Dials now instead of later: a signal, a key, or a change of the network. [FTSL §6]
    package func retryNow(now: Instant) {
        guard case .waiting = state else { return }
        backoff.reset()
        dial(now: now)
    }

    /// Call after the application changed the session, before `transmit`.
    package func touched(now: Instant) { drain(now: now) }

    package var hasEvents: Bool { !events.isEmpty }

    package func nextEvent() -> InitiatorEvent? { events.popFirst() }

    package var isEnded: Bool { if case .ended = state { true } else { false } }

    package var connection: ConnectionID? {
        if case .attached(let id, _) = state { id } else { nil }
    }

    // MARK: Handshake

    private func conclude(
        _ result: InitiatorHandshake.Result, _ id: ConnectionID, _ endpoint: Int, now: Instant
    ) {
        switch result {
        case .opened(let identity, let host, _):
            let session = Session(identity: identity, host: host, budget: budget, now: now)
            // Before the session is attached: LANE goes out in the same flight as CONFIRM.
            session.port = port
            self.session = session
            attach(id, endpoint, .opening, [], now: now)
        case .resumed(let host, let reports):
            session?.host = host
            reconnects += 1
            attach(id, endpoint, usedAttachment, reports, now: now)
        case .verdict(let verdict):
            events.append(.close(id, Failure(.peer, verdict.code, verdict.text)))
            obey(verdict, from: endpoint, now: now)
        }
    }

    private func attach(
        _ id: ConnectionID, _ endpoint: Int, _ number: AttachmentNumber,
        _ reports: [ChannelReport], now: Instant
    ) {
        guard case .asking(_, _, var handshake, _, _) = state, let session else { return }
        // CONFIRM or PROOF goes out before anything of the session.
        if let bytes = handshake.takeOutgoing() { lastBytes[id, default: []].append(bytes) }
        let rest = handshake.takeRest()
        confirmHandedOut = true
        gone = GoneCount()
        putOffSince = nil
        failuresThisPass = 0
        hops = 0
        progressAtAttach = session.progress
        state = .attached(id, endpoint: endpoint)
        session.attach(number, reports: reports, now: now)
        if number == .opening { events.append(.opened) }
        events.append(.attached(id, resumed: number != .opening))
        if rest.readableBytes > 0 { session.receive(rest, now: now) }
        drain(now: now)
    }

    private func obey(_ verdict: HandshakeMessage.Verdict, from endpoint: Int, now: Instant) {
        let failure = Failure(.peer, verdict.code, verdict.text)
        switch verdict.kind {
        case .later:
            gone.interrupt()
            lastFailure = failure
            wait(patience(asked: verdict.retryAfter, now: now), failure, now: now)
        case .gone:
            heardGone(from: endpoint, failure, now: now)
        case .refused:
            // A stale number is ours to fix: the next dial has a higher one.
            let permanent = verdict.code != .staleAttachment
            if permanent, session != nil {
                end(losing: failure)
            } else {
                failed(failure, permanent: permanent, now: now)
            }
        case .moved: follow(verdict, from: endpoint, now: now)
        case .final: failed(failure, permanent: false, now: now)
        }
    }

    /// As long as the peer asks for, and longer the longer it has been: what takes a moment is not
    /// overslept by more than a quarter, and what takes long is not asked for all the time.
    private func patience(asked: Duration, now: Instant) -> Duration {
        let since = putOffSince ?? now
        putOffSince = since
        return max(asked, .milliseconds(5), min(now.since(since) / 4, Bound.laterCap))
    }

    /// Final only when all endpoints said so in one pass, and again 30 s later. [FTSL §4.4]
    ///
    /// One pass is enough once BYE was said: the acceptor forgets a session whose BYE it heard, and
    /// the outcome is fixed anyway. So it is when the peer is verified: nobody else can have said
    /// it.
    func heardGone(from endpoint: Int, _ failure: Failure, now: Instant) {
        guard let session else {
            failed(failure, permanent: true, now: now)
            return
        }
        // A lane or subscription loses nothing with its session: it begins again on the next.
        let isCertain =
            isVerified || (session.outcome != nil && session.byeSent) || session.port != nil
        if gone.hear(
            from: endpoint, of: endpointCount, isCertain: isCertain, now: now)
        {
            end(losing: failure)
        } else {
            failed(failure, permanent: false, isGone: true, now: now)
        }
    }

    // MARK: Ending

    func drain(now: Instant) {
        // What the session still had to tell was announced before the end.
        guard !isEnded, let session else { return }
        if !session.events.isEmpty { events.append(.activity) }
        if session.outcome != nil, settledAt == nil { settledAt = now }
        guard session.isOver else { return }
        end(session.outcome, nil)
    }

    /// The driver saw a `detach` among the session's events.
    package func detachRequested(_ failure: Failure, now: Instant) {
        guard case .attached(let id, _) = state, let session else { return }
        if failure.code.isViolation {
            session.transmit(into: &lastBytes[id, default: []], limit: Bound.readAhead, now: now)
        }
        events.append(.close(id, failure))
        lost(failure, now: now)
    }

    func end(losing failure: Failure) {
        guard !isEnded else { return }
        session?.giveUp(failure)
        session?.stopLingering()
        if let session, !session.events.isEmpty { events.append(.activity) }
        end(session?.outcome, failure)
    }

    func end(_ outcome: Outcome?, _ failure: Failure?) {
        switch state {
        case .ended: return
        case .dialling(let id, _, _), .asking(let id, _, _, _, _):
            events.append(.close(id, failure))
        case .attached(let id, _):
            session?.transmit(
                into: &lastBytes[id, default: []], limit: Bound.readAhead, now: .distantFuture)
            events.append(.close(id, failure))
        case .idle, .waiting: break
        }
        state = .ended
        events.append(.ended(outcome, failure))
    }

    /// Gives the session up for good, for example because the user said so twice.
    package func giveUp(_ failure: Failure) { end(losing: failure) }
}
