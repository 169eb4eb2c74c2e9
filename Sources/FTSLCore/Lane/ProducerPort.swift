internal import DequeModule
internal import NIOCore

/// The sender's end of a lane, over any number of sessions of one destination's courier: reads the
/// outbox ahead, sends as far as credit goes, and records what became of each message. [FTSL §7.2]
///
/// Whoever owns it drains `nextRequest` and `nextEvent` after every call of it and of its session,
/// brings each answer of the outbox to `reply`, and lets the session send after that.
package final class ProducerPort: MessagePort {
    enum Phase: Equatable {
        case detached
        /// LANE is to be sent.
        case beginning
        case opening
        /// READY is before the outbox.
        case judging
        case open
        /// Refused for now.
        case waiting(until: Instant)
        case ended
    }

    enum Question {
        case ready(MessageFrame.Ready, attachment: UInt64)
        case resolved(exceptions: [LaneException])
        case skipping([LaneSequence: SkipReason])
        case fetch(attachment: UInt64, end: LaneSequence)
        case piece(LaneSequence, attachment: UInt64)
        case offering
        case halted
    }

    /// As the outbox last said.
    package internal(set) var lane: OutboxLane
    package let mode: DeliveryMode
    private let payload: Int
    private var rng: any RandomNumberGenerator
    private var backoff = Backoff()
    var phase = Phase.detached
    /// Counts attachments and LANEs: what an earlier one asked is for nobody.
    var attachment: UInt64 = 0

    // What is asked of the outbox.
    private var requests = Deque<(id: StoreRequestID, request: OutboxRequest)>()
    var questions: [StoreRequestID: Question] = [:]
    private var nextID: UInt64 = 1
    private var events = Deque<ProducerEvent>()
    var isResolving = false
    var isOffering = false
    private var isSkipping = false
    var isFetching = false

    // What is on its way.
    var queue = Deque<OutgoingMessage>()
    var queuedBytes = 0
    /// The next to read from the outbox, and where that ends as far as known.
    var fetchNext = LaneSequence.first
    var end: LaneSequence
    var partial: MessageFrame.Partial?
    /// Everything below was sent or skipped on this lane.
    var sentBelow = LaneSequence.first
    private var bytesSent: UInt64 = 0

    // What the inbox said on this lane.
    var progress: MessageFrame.Progress?
    var recordedDue: LaneSequence?
    private var watched: (cursor: String, from: LaneSequence)?
    private var owesWatch = false

    /// `payload` is what was agreed for frames to the peer.
    package init(
        lane: OutboxLane, mode: DeliveryMode, payload: Int = Int(Bound.maxPayload),
        rng: some RandomNumberGenerator
    ) {
        precondition(mode != .atMostOnce, "what is sent at most once needs no outbox")
        self.lane = lane
        self.mode = mode
        self.payload = payload
        self.rng = rng
        end = lane.end
        if let halted = lane.halted { finish(.halted(halted)) }
        if payload < Bound.messagePayload {
            finish(Failure(.peer, .limits, "frames of \(payload) bytes are too small"))
        }
    }

    // MARK: Drains and inputs

    package func nextRequest() -> (id: StoreRequestID, request: OutboxRequest)? {
        requests.popFirst()
    }

    package func nextEvent() -> ProducerEvent? { events.popFirst() }

    /// Everything submitted so far is resolved, and that is on disk.
    package var isDrained: Bool { lane.settledBelow >= end }

    /// Messages below `end` were submitted, and those below `offered` marked as sent.
    package func submitted(upTo end: LaneSequence, offeredBelow offered: LaneSequence = .first) {
        self.end = max(self.end, end)
        lane.offeredBelow = max(lane.offeredBelow, offered)
        readAhead()
    }

    /// What is submitted now is sent at once, or soon: a burst may be ahead by some commits.
    package var isOpen: Bool { phase == .open && behind < 2 * Bound.offeredAhead }

    /// Messages that wait although the way is open.
    package var behind: UInt64 {
        phase == .open ? end.value - min(fetchNext, end).value : 0
    }

    /// The user no longer wants a message; too late if it was begun. [FTSL §7.4]
    package func cancelRequested(_ sequence: LaneSequence) {
        guard let index = queue.firstIndex(where: { $0.sequence == sequence }) else { return }
        queue[index].cancelRequested = true
    }

    /// Asks how far a cursor is with this producer's messages; empty: every durable one.
    /// Dead letters are told from a sequence on.
    package func watch(cursor: String, from: LaneSequence = .first) {
        watched = (cursor, from)
        owesWatch = true
    }

    func ask(_ request: OutboxRequest, _ question: Question) {
        let id = StoreRequestID(value: nextID)
        nextID += 1
        questions[id] = question
        requests.append((id, request))
    }

    func tell(_ event: ProducerEvent) { events.append(event) }

    /// No more is sent.
    func finish(_ failure: Failure) {
        guard phase != .ended else { return }
        phase = .ended
        forgetQueue()
        tell(.ended(failure))
    }

    func forgetQueue() {
        queue = []
        queuedBytes = 0
    }

    // MARK: Attachments

    package func attached(now: Instant) { begin() }

    /// LANE comes first on every attachment, and again after a refusal.
    private func begin() {
        guard phase != .ended else { return }
        attachment += 1
        phase = .beginning
        forgetQueue()
        isFetching = false
        progress = nil
        recordedDue = nil
        partial = nil
        bytesSent = 0
        owesWatch = watched != nil
    }

    package func detached(now: Instant) {
        guard phase != .ended else { return }
        phase = .detached
        attachment += 1
        forgetQueue()
    }

    package var deadline: Instant {
        if case .waiting(let until) = phase { return until }
        return .distantFuture
    }

    package func handleTimeout(now: Instant) {
        if case .waiting(let until) = phase, until <= now { begin() }
    }

    /// Refusals that pass are waited for, longer each time until something is accepted. [FTSL §7.3]
    func refused(_ code: FailureCode, _ text: String, now: Instant) {
        let failure = Failure(.peer, code, text)
        switch code {
        case .inboxUnavailable, .superseded, .tooManyProducers, .staleGeneration, .limits, .busy,
            .shuttingDown:
            forgetQueue()
            attachment += 1
            phase = .waiting(until: now + backoff.next(using: &rng))
            tell(.waiting(failure))
        case .inboxChanged, .historyLost, .outboxRolledBack, .foreignProducer:
            if mode == .exactlyOnce {
                ask(.change(.halted(code, destination: lane.destination)), .halted)
            }
            finish(failure)
        default: finish(failure)
        }
    }

    func succeeded() { backoff.reset() }

    // MARK: Sending

    package func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        if phase == .beginning {
            phase = .opening
            writer.write(
                .lane(
                    MessageFrame.Lane(
                        producer: lane.producer, mode: mode,
                        inbox: mode == .exactlyOnce ? lane.inbox : nil,
                        generation: lane.generation, oldestRetained: lane.settledBelow,
                        settledBelow: lane.settledBelow)))
        }
        guard phase == .open, let progress else { return }
        if let below = recordedDue {
            writer.write(.recorded(below))
            recordedDue = nil
        }
        if owesWatch, let watched {
            let wanted = MessageFrame.Watch(
                producer: lane.producer, from: watched.from, cursor: watched.cursor)
            writer.write(.watch(wanted))
            owesWatch = false
        }
        let stop = writer.byteCount + limit
        while writer.byteCount < stop, let sequence = queue.first?.sequence,
            sequence < progress.sequenceLimit, sendFirst(&writer, progress, now: now)
        {}
        readAhead()
    }

    /// Sends part of the first message, or SKIP; false when that has to wait.
    private func sendFirst(
        _ writer: inout FrameWriter, _ progress: MessageFrame.Progress, now: Instant
    ) -> Bool {
        if let reason = queue[0].skipped {
            writer.write(.skip(queue[0].sequence, reason, queue[0].chain))
            removeFirst()
            return true
        }
        if queue[0].skipReason(now: now) != nil {
            skip(now: now)
            return false
        }
        if let read = queue[0].nextRead() {
            ask(
                .fetchPiece(queue[0].sequence, offset: read.offset, maxBytes: read.maxBytes),
                .piece(queue[0].sequence, attachment: attachment))
        }
        guard let count = queue[0].nextCount(payload: payload),
            UInt64(count) <= progress.byteLimit - min(bytesSent, progress.byteLimit)
        else { return false }
        bytesSent += UInt64(count)
        let held = queue[0].heldBytes
        writer.write(.message(queue[0].takePart(count, now: now)))
        queuedBytes -= held - queue[0].heldBytes
        if queue[0].isSent { removeFirst() }
        return true
    }

    func removeFirst() {
        let first = queue.removeFirst()
        queuedBytes -= first.heldBytes
        sentBelow = max(sentBelow, first.sequence.next)
    }

    /// What is not worth sending any more is so on disk before SKIP leaves. [FTSL §7.4]
    private func skip(now: Instant) {
        guard !isSkipping else { return }
        var reasons: [LaneSequence: SkipReason] = [:]
        for message in queue where message.skipped == nil {
            reasons[message.sequence] = message.skipReason(now: now)
        }
        isSkipping = true
        ask(
            .change(.skipping(reasons, destination: lane.destination)), .skipping(reasons))
    }

    func skipped(_ reasons: [LaneSequence: SkipReason]) {
        isSkipping = false
        for index in queue.indices where !queue[index].isBegun {
            guard let reason = reasons[queue[index].sequence] else { continue }
            queue[index].skipped = reason
        }
    }

    /// Reads on while half of what may wait is used up.
    func readAhead() {
        offer()
        let end = min(end, lane.offeredBelow)
        guard phase == .open, !isFetching, fetchNext < end,
            queue.count < Bound.batchMessages / 2, queuedBytes < Bound.batchBytes / 2
        else { return }
        isFetching = true
        ask(
            .fetch(
                from: fetchNext, maxMessages: Bound.batchMessages,
                maxBytes: UInt64(Bound.batchBytes)), .fetch(attachment: attachment, end: end))
    }

    /// What is to be sent soon is so on the disk first: the rest can be cancelled at once.
    private func offer() {
        let ahead = fetchNext.advanced(by: Bound.offeredAhead / 2)
        guard phase == .open, !isOffering, lane.offeredBelow < min(end, ahead) else { return }
        isOffering = true
        // More may have been submitted than is known here: who submits goes on from there.
        let below = fetchNext.advanced(by: Bound.offeredAhead)
        ask(.change(.offering(below: below, destination: lane.destination)), .offering)
    }
}
