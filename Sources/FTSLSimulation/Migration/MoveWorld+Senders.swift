internal import FTSLCore
internal import NIOCore

/// Drives senders of messages: one session after the other, each begun where the sender began.
extension MoveWorld {
    func addSender(_ index: Int) {
        let planned = scenario.senders[index].submissions
        let sender = Sender(
            index: index, outbox: OutboxTables(rng: rng.split()), unsubmitted: planned.count)
        senders.append(sender)
        for submission in planned {
            at(nanoseconds(submission.time)) { [unowned self] in submit(submission, sender) }
        }
    }

    private func submit(_ submission: PlannedSubmission, _ sender: Sender) {
        let messages = submission.messages.map { planned in
            let body = PseudoStream(seed: planned.number).bytes(from: 0, count: planned.size)
            let digest = BodyDigest(of: body)
            return NewMessage(
                envelope: Envelope(id: "", topic: planned.topic, created: planned.number),
                expires: nil, digest: digest,
                body: planned.size > Bound.inlineBody ? .pieces(digest) : .inline(body))
        }
        let change = OutboxChange.submit(messages, to: OutboxTables.destination)
        var tables = sender.outbox.tables
        // Submitting and its disk are somebody else's subject.
        guard (try? OutboxRules.apply(change, in: &tables)) != nil else {
            return fail(.outcome, "a submission was refused")
        }
        if sender.outbox.isWriting {
            return after(5_000_000) { [unowned self] in submit(submission, sender) }
        }
        sender.outbox.tables = tables
        sender.unsubmitted -= 1
        trace.note(now, "submits", UInt64(sender.index), UInt64(messages.count))
        guard let lane = tables.lane else { return }
        if sender.courier == nil {
            sender.courier = ProducerPort(lane: lane, mode: .exactlyOnce, rng: rng.split())
            dial(sender)
        } else {
            sender.courier?.submitted(upTo: lane.end)
            if let dialer = sender.dialer { pump(dialer) }
        }
    }

    private func dial(_ sender: Sender) {
        guard sender.stopped == nil else { return }
        var configuration = InitiatorConfiguration()
        configuration.service = SessionRights.messagesService
        configuration.limits = scenario.session
        configuration.retryFirst = true
        configuration.linger = .seconds(1)
        let dialer = makeDialer(
            configuration, place: scenario.hosts + scenario.clients.count + sender.index,
            endpoints: [0], shape: scenario.senders[sender.index].shape)
        sender.dialer = dialer
        dialer.core.port = sender.courier
        dialer.onAttached = { _ in sender.backoff.reset() }
        dialer.onEvent = { [unowned dialer] in
            if case .finished(let channel) = $0 { dialer.core.session?.tookEnd(channel) }
        }
        dialer.drainPort = { [unowned self] in drain(sender) }
        dialer.onEnded = { [unowned self] outcome, failure in
            if let failure, failure.code.isPermanent || failure.code.isViolation {
                fail(.definite, "sender \(sender.index) ended for good: \(failure)")
            }
            if case .aborted(let failure, _, _) = outcome, failure.code.isViolation {
                fail(.definite, "sender \(sender.index) ended \(failure)")
            }
            let pause = sender.backoff.next(using: &rng)
            after(max(pause.wholeNanoseconds, 1)) { [unowned self] in dial(sender) }
        }
        dialer.core.start(now: dialer.clock(now))
        pump(dialer)
    }

    private func drain(_ sender: Sender) -> Bool {
        var any = false
        while let courier = sender.courier {
            if let (id, request) = courier.nextRequest() {
                ask(id, request, of: sender)
            } else if let event = courier.nextEvent() {
                handle(event, sender)
            } else {
                break
            }
            any = true
        }
        return any
    }

    private func handle(_ event: ProducerEvent, _ sender: Sender) {
        guard case .ended(let failure) = event else { return }
        trace.note(now, "lane ends", UInt64(sender.index), 0, failure.text)
        sender.stopped = failure
        // A sender that had met the empty inbox of a target is told that another one is there now.
        if !scenario.isForced, failure.code != .inboxChanged {
            fail(.durable, "the lane of sender \(sender.index) ends: \(failure)")
        }
    }

    private func ask(_ id: StoreRequestID, _ request: OutboxRequest, of sender: Sender) {
        let outbox = sender.outbox
        if outbox.submit(id, request) { return commit(sender) }
        after(100_000) { [unowned self] in
            guard outbox.readNext(wallClock: 0) else { return }
            tellAnswers(sender)
        }
    }

    private func commit(_ sender: Sender) {
        guard sender.outbox.beginCommit(64, wallClock: 0, isFull: false) else { return }
        after(UInt64(rng.within(100...1_000)) * 1_000) { [unowned self] in
            let before = sender.outbox.tables.lane
            sender.outbox.finishCommit()
            checkAccepted(sender, from: before)
            tellAnswers(sender)
            commit(sender)
        }
    }

    private func tellAnswers(_ sender: Sender) {
        guard let dialer = sender.dialer else { return }
        for (id, reply) in sender.outbox.takeAnswers() {
            sender.courier?.reply(id, reply, now: dialer.clock(now))
        }
        dialer.core.touched(now: dialer.clock(now))
        pump(dialer)
    }
}
