import FTSLCore
import NIOCore

/// Two ends of one session and the bytes between them.
final class SessionPair {
    let left: Session
    let right: Session
    var now = Instant.ms(0)
    var leftEvents: [SessionEvent] = []
    var rightEvents: [SessionEvent] = []
    /// What each has been given and not taken; taken at once unless told otherwise.
    var takesAtOnce = true
    var number = AttachmentNumber.opening

    init(
        flags: ServiceFlags = [], window: UInt32 = 1 << 20,
        budget: SharedBudget = SharedBudget(capacity: 1 << 30)
    ) {
        let limits = SessionLimits(initialWindow: window, sessionTimeout: .seconds(100))
        func make(_ role: Role) -> Session {
            Session(
                identity: Session.Identity(
                    role: role, id: SessionID(high: 1, low: 2),
                    secret: SessionSecret(bytes: [UInt8](repeating: 1, count: 32)), version: 1,
                    flags: flags, limits: AgreedLimits(own: limits, peer: limits),
                    maxWindow: 4 << 20),
                host: HostIdentity(generation: .first, instance: 1), budget: budget, now: .ms(0))
        }
        left = make(.initiator)
        right = make(.acceptor)
        left.attach(.opening, reports: [], now: now)
        right.attach(.opening, reports: [], now: now)
    }

    /// Moves bytes both ways until nothing moves any more.
    func exchange() {
        while step() {}
    }

    /// One turn each; true when anything was said.
    func step() -> Bool {
        drain()
        let up = said(by: left)
        let down = said(by: right)
        if up.readableBytes > 0 { right.receive(up, now: now) }
        if down.readableBytes > 0 { left.receive(down, now: now) }
        drain()
        return up.readableBytes + down.readableBytes > 0
    }

    func said(by session: Session) -> ByteBuffer {
        var out: [ByteBuffer] = []
        session.transmit(into: &out, limit: 1 << 20, now: now)
        return joined(out)
    }

    func drain() {
        while let event = left.nextEvent() {
            leftEvents.append(event)
            take(event, left)
        }
        while let event = right.nextEvent() {
            rightEvents.append(event)
            take(event, right)
        }
    }

    private func take(_ event: SessionEvent, _ session: Session) {
        guard takesAtOnce else { return }
        switch event {
        case .data(let channel, let bytes):
            session.took(bytes.readableBytes, from: channel, now: now)
        case .finished(let channel): session.tookEnd(channel)
        case .stopped, .room, .exited, .terminal, .detach, .settled, .over: break
        }
    }

    /// The connection is cut; what was said and not moved is lost.
    func cut() {
        left.detach(now: now)
        right.detach(now: now)
    }

    func resume() {
        number = number.next
        let fromLeft = left.reports
        let fromRight = right.reports
        left.attach(number, reports: fromRight, now: now)
        right.attach(number, reports: fromLeft, now: now)
    }

    func received(_ events: [SessionEvent], on channel: ChannelNumber = .main) -> ByteBuffer {
        var all = ByteBuffer()
        for case .data(channel, let bytes) in events { all.writeImmutableBuffer(bytes) }
        return all
    }
}

extension [SessionEvent] {
    var detachCodes: [FailureCode] {
        compactMap { if case .detach(let failure) = $0 { failure.code } else { nil } }
    }

    var outcomes: [Outcome] {
        compactMap { if case .settled(let outcome) = $0 { outcome } else { nil } }
    }
}
