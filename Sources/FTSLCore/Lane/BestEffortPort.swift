internal import DequeModule
internal import NIOCore

/// The sender's end of an *at-most-once* lane: what cannot leave now is dropped, and counted.
/// [FTSL §7.1]
package final class BestEffortPort: MessagePort {
    package struct Counts: Hashable, Sendable {
        /// Offered messages that were put on an attachment whole.
        package var sent: UInt64 = 0
        /// Of these, what the inbox said it stored.
        package var accepted: UInt64 = 0
        package var rejected: UInt64 = 0
        /// No attachment, no credit, or cut before all of it was sent.
        package var dropped: UInt64 = 0
    }

    private enum Phase: Equatable {
        case detached
        case beginning
        case opening
        case open
        case waiting(until: Instant)
        case ended
    }

    package private(set) var counts = Counts()
    private let producer: ProducerID
    private let payload: Int
    private var rng: any RandomNumberGenerator
    private var backoff = Backoff()
    private var phase = Phase.detached
    private var events = Deque<ProducerEvent>()
    private var queue = Deque<OutgoingMessage>()
    private var queuedBytes: UInt64 = 0
    /// Of the next message that is offered.
    private var next = LaneSequence.first
    /// Everything below was sent whole.
    private var sentBelow = LaneSequence.first
    private var progress: MessageFrame.Progress?
    private var bytesSent: UInt64 = 0
    private var recordedDue: LaneSequence?

    /// `payload` is what was agreed for frames to the peer; at least `Bound.messagePayload`.
    package init(
        producer: ProducerID, payload: Int = Int(Bound.maxPayload),
        rng: some RandomNumberGenerator
    ) {
        self.producer = producer
        self.payload = payload
        self.rng = rng
        if payload < Bound.messagePayload {
            phase = .ended
            events.append(
                .ended(Failure(.peer, .limits, "frames of \(payload) bytes are too small")))
        }
    }

    package func nextEvent() -> ProducerEvent? { events.popFirst() }

    /// Everything that was not dropped is answered.
    package var isDrained: Bool {
        guard queue.isEmpty else { return false }
        return phase != .open || (progress?.next ?? next) >= next
    }

    /// Takes a message to send now; false, and counted as dropped, when it cannot leave.
    ///
    /// A body larger than all credit is taken when nothing else waits.
    package func offer(_ message: NewMessage, now: Instant) -> Bool {
        let count = message.digest.count
        guard phase == .open, let progress, next < progress.sequenceLimit,
            queuedBytes == 0 || bytesSent + queuedBytes + count <= progress.byteLimit,
            case .inline = message.body
        else {
            counts.dropped += 1
            return false
        }
        queue.append(
            OutgoingMessage(
                OutboxMessage(
                    sequence: next, envelope: message.envelope, expires: nil,
                    digest: message.digest, body: message.body, chain: .empty),
                wallClock: 0, now: now))
        queuedBytes += count
        next = next.next
        return true
    }

    // MARK: Attachments

    package func attached(now: Instant) {
        if phase != .ended { phase = .beginning }
    }

    package func detached(now: Instant) {
        drop()
        if phase != .ended { phase = .detached }
    }

    /// What was not sent whole never will be; the next lane goes on after what was.
    private func drop() {
        counts.dropped += UInt64(queue.count)
        queue = []
        queuedBytes = 0
        next = sentBelow
        progress = nil
        recordedDue = nil
        bytesSent = 0
    }

    package var deadline: Instant {
        if case .waiting(let until) = phase { return until }
        return .distantFuture
    }

    package func handleTimeout(now: Instant) {
        if case .waiting(let until) = phase, until <= now { phase = .beginning }
    }

    // MARK: Frames

    package func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        switch (frame, phase) {
        case (.ready(let ready), .opening):
            phase = .open
            progress = ready.progress
            next = max(sentBelow, ready.progress.next)
            sentBelow = next
            events.append(
                .ready(InboxIdentity(id: ready.inbox, generation: ready.generation)))
        case (.accepted(let news), .open): try accepted(news)
        case (.refused(.lane, let code, let text), .opening),
            (.refused(.lane, let code, let text), .open):
            drop()
            let failure = Failure(.peer, code, text)
            if code == .inboxUnavailable || code == .superseded || code == .limits {
                phase = .waiting(until: now + backoff.next(using: &rng))
                events.append(.waiting(failure))
            } else {
                phase = .ended
                events.append(.ended(failure))
            }
        case (_, .ended): break
        default: throw .violation(.unexpectedFrame, "a \(frame.kind) that may not come here")
        }
    }

    private func accepted(_ news: MessageFrame.Progress) throws(Failure) {
        guard var newest = progress, news.next >= newest.next else {
            throw .violation(.contradictoryState, "ACCEPTED goes back to \(news.next.value)")
        }
        guard news.next.value <= sentBelow.value + (queue.first?.isBegun == true ? 1 : 0) else {
            throw .violation(.acknowledgedUnsent, "message \(news.next.value) was not sent yet")
        }
        let rejected = news.exceptions.count { $0.sequence >= newest.next }
        counts.rejected += UInt64(rejected)
        counts.accepted += news.next.value - newest.next.value - UInt64(rejected)
        if news.next > newest.next { backoff.reset() }
        if !news.exceptions.isEmpty { recordedDue = news.next }
        newest.next = news.next
        newest.sequenceLimit = max(newest.sequenceLimit, news.sequenceLimit)
        newest.byteLimit = max(newest.byteLimit, news.byteLimit)
        progress = newest
        if let first = queue.first, first.sequence < news.next { removeFirst() }
    }

    package func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        if phase == .beginning {
            phase = .opening
            writer.write(
                .lane(
                    MessageFrame.Lane(
                        producer: producer, mode: .atMostOnce, inbox: nil, generation: .first,
                        oldestRetained: sentBelow, settledBelow: sentBelow)))
        }
        guard phase == .open, let progress else { return }
        if let below = recordedDue {
            writer.write(.recorded(below))
            recordedDue = nil
        }
        let stop = writer.byteCount + limit
        while writer.byteCount < stop, !queue.isEmpty,
            let count = queue[0].nextCount(payload: payload),
            UInt64(count) <= progress.byteLimit - min(bytesSent, progress.byteLimit)
        {
            bytesSent += UInt64(count)
            writer.write(.message(queue[0].takePart(count, now: now)))
            if queue[0].isSent { removeFirst() }
        }
    }

    private func removeFirst() {
        let first = queue.removeFirst()
        counts.sent += 1
        queuedBytes -= first.digest.count
        sentBelow = first.sequence.next
    }
}
