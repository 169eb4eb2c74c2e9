internal import DequeModule
internal import NIOCore

extension ProducerPort {
    package func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        switch frame {
        case .ready(let ready):
            guard phase == .opening else { break }
            return judge(ready)
        case .accepted(let progress):
            switch phase {
            case .open, .judging: return try accepted(progress)
            // It crossed our end.
            case .ended, .waiting: return
            case .detached, .beginning, .opening: break
            }
        case .processed(let processed): return tell(.processed(processed))
        case .refused(.lane, let code, let text):
            switch phase {
            case .opening, .judging, .open: return refused(code, text, now: now)
            case .ended: return
            case .detached, .beginning, .waiting: break
            }
        default: break
        }
        throw .violation(.unexpectedFrame, "a \(frame.kind) that may not come here")
    }

    /// The outbox compares what READY says with what it knows, and takes it over. [FTSL §7.3]
    private func judge(_ ready: MessageFrame.Ready) {
        phase = .judging
        progress = ready.progress
        partial = ready.partial
        sentBelow = ready.progress.next
        let standing = InboxStanding(
            inbox: InboxIdentity(id: ready.inbox, generation: ready.generation),
            next: ready.progress.next, chain: ready.chain,
            exceptions: ready.progress.exceptions)
        ask(
            .change(.ready(standing, mode, destination: lane.destination)),
            .ready(ready, attachment: attachment))
    }

    private func accepted(_ news: MessageFrame.Progress) throws(Failure) {
        guard var newest = progress else { return }
        guard news.next >= newest.next else {
            throw .violation(.contradictoryState, "ACCEPTED goes back to \(news.next.value)")
        }
        // A message may be resolved, as rejected, before all of it was sent.
        let begun = queue.first?.isBegun == true ? 1 : 0
        guard news.next.value <= sentBelow.value + UInt64(begun) else {
            throw .violation(.acknowledgedUnsent, "message \(news.next.value) was not sent yet")
        }
        if news.next > newest.next { succeeded() }
        newest.next = news.next
        newest.exceptions = news.exceptions
        newest.sequenceLimit = max(newest.sequenceLimit, news.sequenceLimit)
        newest.byteLimit = max(newest.byteLimit, news.byteLimit)
        progress = newest
        if let first = queue.first, first.sequence < news.next { removeFirst() }
        resolve()
    }

    /// Puts the newest outcomes on disk, one change at a time. [FTSL §7.4]
    private func resolve() {
        guard phase == .open, !isResolving, let progress, progress.next > lane.settledBelow
        else { return }
        isResolving = true
        ask(
            .change(
                .resolved(
                    below: progress.next, progress.exceptions, destination: lane.destination)),
            .resolved(exceptions: progress.exceptions))
    }

    // MARK: Answers of the outbox

    package func reply(_ id: StoreRequestID, _ reply: OutboxReply, now: Instant) {
        guard let question = questions.removeValue(forKey: id) else { return }
        switch (question, reply) {
        case (.ready(let ready, let asked), .changed(.lane(let lane))):
            took(over: lane, ready.progress.exceptions)
            if asked == attachment, phase == .judging { opened(ready) }
        case (.ready(_, let asked), .changed(.refused(let failure))):
            guard asked == attachment, phase == .judging else { break }
            // What halts the lane is on disk already; what does not, passes.
            if failure.code == .staleGeneration {
                refused(failure.code, failure.text, now: now)
            } else {
                finish(failure)
            }
        case (.resolved(let exceptions), .changed(.lane(let lane))):
            isResolving = false
            took(over: lane, exceptions)
            resolve()
        case (.offering, .changed(.lane(let lane))):
            isOffering = false
            took(over: lane, [])
            readAhead()
        case (.skipping(let reasons), .changed(.done)): skipped(reasons)
        case (.fetch(let asked, let end), .messages(let messages, let wallClock)):
            guard asked == attachment else { break }
            isFetching = false
            // Whoever said that there were more will say so again.
            if messages.isEmpty, self.end == end { self.end = fetchNext }
            // What is beyond was not marked as sent when this was read.
            fetched(messages.prefix { $0.sequence < end }, wallClock: wallClock, now: now)
        case (.piece(let sequence, let asked), .piece(let bytes)):
            guard asked == attachment, queue.first?.sequence == sequence else { break }
            queuedBytes -= queue[0].heldBytes
            queue[0].read(bytes)
            queuedBytes += queue[0].heldBytes
        case (.halted, .changed): break
        case (_, .failed(let failure)), (_, .changed(.refused(let failure))): finish(failure)
        default: finish(Failure(.local, .internalError, "the outbox answered another question"))
        }
    }

    private func took(over newer: OutboxLane, _ exceptions: [LaneException]) {
        let before = lane.settledBelow
        lane = newer
        end = max(end, newer.end)
        // Only now can the inbox forget them. [FTSL §7.4]
        if !exceptions.isEmpty { recordedDue = newer.settledBelow }
        guard newer.settledBelow > before else { return }
        tell(
            .resolved(
                below: newer.settledBelow, exceptions.filter { $0.sequence >= before }))
    }

    private func opened(_ ready: MessageFrame.Ready) {
        phase = .open
        fetchNext = ready.progress.next
        tell(.ready(InboxIdentity(id: ready.inbox, generation: ready.generation)))
        resolve()
        readAhead()
    }

    private func fetched(
        _ messages: ArraySlice<OutboxMessage>, wallClock: UInt64, now: Instant
    ) {
        guard phase == .open else { return }
        for message in messages where message.sequence == fetchNext {
            var outgoing = OutgoingMessage(message, wallClock: wallClock, now: now)
            if let partial, partial.sequence == message.sequence { outgoing.resume(at: partial) }
            fetchNext = message.sequence.next
            queuedBytes += outgoing.heldBytes
            queue.append(outgoing)
        }
        readAhead()
    }
}
