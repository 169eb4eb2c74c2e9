internal import DequeModule
package import NIOCore

/// One end of a session: streams, states and liveness. It does no I/O and reads no clock. [FTSL §5]
///
/// Four kinds of calls: the application's (`write finish took tookEnd stopReading abort exit`), the
/// transport's (`attach detach receive`), time's (`deadline handleTimeout`), and the drains
/// (`transmit nextEvent`), which are emptied after every other call.
package final class Session {
    struct Attachment {
        var number: AttachmentNumber
        var decoder: FrameDecoder
        var liveness: Liveness
        var owed: Owed
    }

    /// States still to be told on this attachment. [FTSL §5.8]
    struct Owed: OptionSet {
        let rawValue: UInt8
        static let stop = Owed(rawValue: 1)
        static let abort = Owed(rawValue: 2)
        static let exit = Owed(rawValue: 4)
        static let bye = Owed(rawValue: 8)
        static let terminal = Owed(rawValue: 16)
    }

    enum Phase: Equatable {
        case open
        case settled(Outcome)
        case over(Outcome)
    }

    package let identity: Identity
    private var reserved: UInt64
    private var mark = WindowShare.Mark()
    package internal(set) var host: HostIdentity
    /// The newest attachment number proven (acceptor) or used (initiator).
    package internal(set) var highestAttachment = AttachmentNumber.opening
    package internal(set) var exitReport: ExitReport?

    /// The initiator's terminal; nil: the service has none, or the acceptor was not told yet.
    package internal(set) var terminal: TerminalState?
    /// Nil: what is outstanding is bounded by the windows only.
    var promptWindow: PromptWindow?

    var sends: [SendChannel]
    var receives: [ReceiveChannel]
    var attachment: Attachment?
    var phase = Phase.open
    var events = Deque<SessionEvent>()
    var ownAbort: StreamFrame.Abort?
    var ownFailure: Failure?
    var peerAbort: StreamFrame.Abort?
    var byeSent = false
    var byeReceived = false
    var detachedAt: Instant?
    var nextToServe = 0
    /// On its way to another host; what arrives meanwhile waits, bounded by the peer's credit.
    var isFrozen = false
    var frozenInput: [ByteBuffer] = []
    /// An initiator was told that the session lives there now, or will if this host is lost.
    package internal(set) var redirect: MoveTarget?
    package internal(set) var nextHome: MoveTarget?
    /// Lanes and subscriptions; nil: this session carries streams only. [FTSL §7]
    package var port: (any MessagePort)?
    var roomWanted: [Bool]
    /// Bytes each sending channel may retain; grows within the process's budget.
    private var allowance: UInt64
    let budget: SharedBudget
    /// The buffer of frame headers, used again once what was sent is gone.
    var headers = ByteBuffer()

    package internal(set) var statistics = Statistics()

    package struct Statistics: Sendable, Equatable {
        package var attachments: UInt64 = 0
        package var framesSent: UInt64 = 0
        package var framesReceived: UInt64 = 0
        package var acknowledgements: UInt64 = 0
    }

    /// Reserves the initial windows in `budget`; the owner has checked that there is room.
    package init(identity: Identity, host: HostIdentity, budget: SharedBudget, now: Instant) {
        self.identity = identity
        self.host = host
        self.budget = budget
        let limits = identity.limits
        let stderr = identity.flags.contains(.standardError)
        var sending: [ChannelNumber] = [.main]
        var receiving: [ChannelNumber] = [.main]
        if stderr, identity.role == .acceptor { sending.append(.standardError) }
        if stderr, identity.role == .initiator { receiving.append(.standardError) }
        sends = sending.map { SendChannel(number: $0, window: limits.sendWindow) }
        receives = receiving.map {
            ReceiveChannel(
                number: $0, window: limits.receiveWindow, maxWindow: identity.maxWindow)
        }
        roomWanted = sends.map { _ in false }
        detachedAt = now
        allowance = limits.receiveWindow
        reserved = Self.reservation(window: limits.receiveWindow, flags: identity.flags)
        if !budget.budget.reserve(reserved) { reserved = 0 }
        if identity.flags.contains(.terminal) { beginTerminal() }
    }

    deinit { budget.budget.release(reserved) }

    /// What a session with this window reserves at once: receive and send side of each channel.
    package static func reservation(window: UInt64, flags: ServiceFlags) -> UInt64 {
        flags.contains(.standardError) ? 3 * window : 2 * window
    }

    /// Asks the process for more; false when the cap would be passed. [FTSL §5.3]
    func reserve(_ bytes: UInt64) -> Bool {
        guard budget.budget.reserveMore(bytes) else { return false }
        reserved += bytes
        return true
    }

    /// Counts as busy with it.
    func moved(_ bytes: UInt64, now: Instant) { budget.share.moved(bytes, &mark, now: now) }

    // MARK: What is known

    package var isAttached: Bool { attachment != nil }
    package var isOver: Bool {
        if case .over = phase { return true }
        return false
    }
    /// The fixed outcome, once known.
    package var outcome: Outcome? {
        switch phase {
        case .open: nil
        case .settled(let outcome), .over(let outcome): outcome
        }
    }
    package var sendingChannels: [SendChannel] { sends }
    package var receivingChannels: [ReceiveChannel] { receives }
    /// Bytes this session holds or has promised to hold, for the process-wide cap.
    package var heldBytes: Int {
        let retained = sends.reduce(0) { $0 + $1.retention.byteCount }
        return receives.reduce(retained) { $0 + Int($1.buffered) }
    }

    /// Grows whenever anything gets through, in either direction. [FTSL §6]
    var progress: UInt64 {
        let reported = sends.reduce(statistics.acknowledgements) { $0 + $1.reported }
        return receives.reduce(reported) { $0 + $1.received }
    }

    /// What to say in RESUME or RESUMED. [FTSL §4.3]
    package var reports: [ChannelReport] {
        var reports: [ChannelReport] = []
        for number in Set(sends.map(\.number) + receives.map(\.number)).sorted() {
            let (received, digest) =
                receives.first { $0.number == number }?.report ?? (0, StreamDigest().value)
            let oldest = sends.first { $0.number == number }.map { min($0.acknowledged, $0.end) }
            reports.append(
                ChannelReport(
                    channel: number, received: received, digest: digest, oldestRetained: oldest ?? 0
                ))
        }
        return reports
    }

    // MARK: The application's calls

    /// Bytes the application may write now without holding more than the read-ahead. [FTSL §2-7]
    package func room(on channel: ChannelNumber) -> Int {
        guard case .open = phase, let index = sendIndex(channel), !sends[index].finished else {
            return 0
        }
        let held = UInt64(sends[index].retention.byteCount)
        let share = budget.share.each
        if held >= allowance / 2, allowance < min(identity.maxWindow, share) {
            let more = min(allowance, identity.maxWindow - allowance)
            if reserve(more) { allowance += more }
        }
        let ahead = Int(Bound.readAhead) - Int(clamping: sends[index].unsent)
        let fair = min(allowance, share)
        let most = index == 0 ? min(fair, promptWindow?.bytes ?? .max) : fair
        let room = max(0, min(ahead, Int(clamping: most) - Int(clamping: held)))
        // Others may have become busy since there was some: whoever finds none is told of more.
        if room == 0 { roomWanted[index] = true }
        return room
    }

    /// Adds bytes to a stream; ignored once the stream was stopped or the outcome is fixed.
    package func write(_ bytes: ByteBuffer, to channel: ChannelNumber) {
        guard case .open = phase, let index = sendIndex(channel), !sends[index].finished else {
            return
        }
        sends[index].append(bytes)
        roomWanted[index] = true
    }

    /// Ends a stream: half-close.
    package func finish(_ channel: ChannelNumber) {
        guard let index = sendIndex(channel) else { return }
        sends[index].finish()
        evaluate()
    }

    /// The application has taken `count` bytes of `data`.
    package func took(_ count: Int, from channel: ChannelNumber, now: Instant) {
        guard let index = receiveIndex(channel), receives[index].stoppedAt == nil else { return }
        moved(UInt64(count), now: now)
        receives[index].share = budget.share.each
        receives[index].took(count, now: now)
        evaluate()
    }

    /// The application has taken the end: output closed without error.
    package func tookEnd(_ channel: ChannelNumber) {
        guard let index = receiveIndex(channel) else { return }
        receives[index].tookEnd()
        evaluate()
    }

    /// The application's reader went away; of what it took, `unread` bytes never reached it.
    /// [FTSL §5.5]
    package func stopReading(_ channel: ChannelNumber, unread: UInt64 = 0, now: Instant) {
        guard let index = receiveIndex(channel), receives[index].stoppedAt == nil,
            !receives[index].endTaken
        else { return }
        let taken = receives[index].taken
        receives[index].stop(at: taken - min(taken, unread), now: now)
        attachment?.owed.insert(.stop)
        evaluate()
    }

    /// Gives the session up: the peer gets what was written so far, then the reason. [FTSL §5.6]
    ///
    /// Refused, and false, once this end both acknowledged the peer's last FIN and sent its own:
    /// then the peer may already know success, and a later failure is local. Without `keepingData`,
    /// what the peer has not received is dropped at once, to make room.
    @discardableResult
    package func abort(_ failure: Failure, keepingData: Bool = true) -> Bool {
        guard case .open = phase, ownAbort == nil else { return false }
        let peerMayKnow =
            receives.allSatisfy(\.isDone) && sends.allSatisfy { $0.sentHigh > $0.end }
        guard !peerMayKnow else { return false }
        ownFailure = failure
        let rows =
            keepingData
            ? sends.map { StreamFrame.Abort.Row(channel: $0.number, position: $0.end) } : []
        ownAbort = StreamFrame.Abort(
            code: failure.code.rawValue, positions: rows, text: failure.text)
        attachment?.owed.insert(.abort)
        evaluate()
        return true
    }

    /// How the acceptor's command ended. [FTSL §5.7]
    package func exit(_ report: ExitReport) {
        guard exitReport == nil, identity.flags.contains(.exitStatus) else { return }
        exitReport = report
        attachment?.owed.insert(.exit)
        evaluate()
    }

    /// Stops waiting for the peer's last word; the outcome stays what it is.
    package func stopLingering() {
        guard case .settled(let outcome) = phase else { return }
        phase = .over(outcome)
        events.append(.over)
    }

    /// Nobody is left to ask: fixes the outcome as lost. [FTSL §2-2]
    package func giveUp(_ failure: Failure) {
        guard case .open = phase else { return }
        settle(
            .lost(failure, received: receives[0].bytesReceived, acknowledged: acknowledgedMain))
        stopLingering()
    }

    package func nextEvent() -> SessionEvent? { events.popFirst() }

    // MARK: Outcome

    var acknowledgedMain: UInt64 { min(sends[0].acknowledged, sends[0].end) }

    /// Fixes the outcome when it is known; told once. [FTSL §5.8]
    func evaluate() {
        if case .open = phase, let outcome = knownOutcome { settle(outcome) }
        if case .settled(let outcome) = phase, byeSent, byeReceived {
            phase = .over(outcome)
            events.append(.over)
        }
    }

    private var knownOutcome: Outcome? {
        if let ownFailure, ownAbort != nil {
            return .aborted(
                ownFailure, received: receives[0].bytesReceived, acknowledged: acknowledgedMain)
        }
        if let peerAbort, deliveredAll(of: peerAbort) {
            let code = FailureCode(rawValue: peerAbort.code) ?? .internalError
            return .aborted(
                Failure(.peer, code, peerAbort.text), received: receives[0].bytesReceived,
                acknowledged: acknowledgedMain)
        }
        guard sends[0].finished, sends.allSatisfy(\.isDone), receives.allSatisfy(\.isDone) else {
            return nil
        }
        if identity.flags.contains(.exitStatus), exitReport == nil { return nil }
        if let at = sends.compactMap(\.stoppedAt).first { return .stopped(at: at) }
        return .complete
    }

    private func deliveredAll(of abort: StreamFrame.Abort) -> Bool {
        abort.positions.allSatisfy { row in
            guard let index = receiveIndex(row.channel) else { return true }
            return receives[index].taken >= row.position
        }
    }

    func settle(_ outcome: Outcome) {
        phase = .settled(outcome)
        attachment?.owed.insert(.bye)
        // What an aborting end wrote is still delivered, unless the peer gave up first and takes
        // nothing; nothing else is needed any more.
        let isOwed = ownAbort?.positions.isEmpty == false && peerAbort == nil && !byeReceived
        if !isOwed { abandonSends() }
        events.append(.settled(outcome))
    }

    /// A peer whose outcome is fixed takes nothing more: what is left here is of no use.
    func abandonSends() {
        for index in sends.indices { sends[index].abandon() }
    }

    func sendIndex(_ channel: ChannelNumber) -> Int? {
        sends.firstIndex { $0.number == channel }
    }

    func receiveIndex(_ channel: ChannelNumber) -> Int? {
        receives.firstIndex { $0.number == channel }
    }
}
