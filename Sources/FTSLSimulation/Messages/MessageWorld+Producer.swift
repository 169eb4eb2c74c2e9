internal import FTSLCore
internal import NIOCore

/// Submitters, and the couriers that deliver for them.
extension MessageWorld {
    // MARK: Submitting

    func submit(_ client: Int, _ submission: Int) {
        let clock = wallClock(clients[client])
        let planned = scenario.producers[client].submissions[submission].messages
        let messages = planned.map { planned in
            let body = PseudoStream(seed: planned.number).bytes(from: 0, count: planned.size)
            let digest = BodyDigest(of: body)
            return NewMessage(
                envelope: Envelope(
                    id: planned.id, topic: planned.topic, created: planned.number),
                expires: planned.ttl.map { clock + $0 }, digest: digest,
                body: planned.size > Bound.inlineBody ? .pieces(digest) : .inline(body))
        }
        let id = submissionID()
        submissions[id] = (client, submission)
        trace.note(now, "submits", UInt64(client), UInt64(submission))
        let isOffered = clients[client].courier?.isOpen == true
        let change = OutboxChange.submit(
            messages, to: OutboxTables.destination, isOffered: isOffered)
        ask(id, .change(change), of: clients[client])
    }

    func submitted(_ client: Int, _ submission: Int, _ reply: OutboxReply) {
        switch reply {
        case .changed(.submitted(let submitted)):
            unsubmitted -= 1
            let planned = scenario.producers[client].submissions[submission].messages
            for (message, sequence) in zip(planned, submitted.sequences) {
                guard let after = message.cancelAfter else { continue }
                let place = LanePlace(producer: submitted.producer, sequence: sequence)
                queue.push(.cancel(client, place), at: now + nanoseconds(after))
            }
            let process = clients[client]
            guard process.isUp else { return }
            if process.courier == nil {
                startCourier(process)
            } else if let end = submitted.sequences.max()?.next {
                process.recent.append(submitted.fresh)
                process.courier?.submitted(upTo: end, offeredBelow: submitted.offeredBelow)
            }
        case .failed:
            // The user tries again when there is room.
            queue.push(.submit(client, submission: submission), at: now + 500_000_000)
        default: fail(.outcome, "submission \(submission) of \(client): \(reply)")
        }
    }

    /// Whoever waited for an answer asks again if that is safe: what may be there is not submitted
    /// under another number.
    func resubmit(_ client: Int) {
        let lost = submissions.filter { $0.value.client == client }
        for (id, submission) in lost.sorted(by: { $0.key.value < $1.key.value }) {
            submissions[id] = nil
            let messages = scenario.producers[client].submissions[submission.submission].messages
            if messages.contains(where: { checker.isSubmitted($0.number, by: client) }) {
                unsubmitted -= 1
            } else {
                queue.push(
                    .submit(client, submission: submission.submission), at: now + 700_000_000)
            }
        }
    }

    func cancel(_ client: Int, _ place: LanePlace) {
        guard let outbox = clients[client].outbox, outbox.tables.lane?.producer == place.producer
        else { return }
        checker.cancelled(place)
        trace.note(now, "cancels", UInt64(client), place.sequence.value)
        let change = OutboxChange.cancel(
            place.sequence, destination: OutboxTables.destination)
        ask(submissionID(), .change(change), of: clients[client])
        clients[client].courier?.cancelRequested(place.sequence)
    }

    // MARK: Delivering

    func startCourier(_ process: ClientProcess) {
        guard let lane = process.outbox?.tables.lane else { return }
        let courier = ProducerPort(lane: lane, mode: .exactlyOnce, rng: rng.split())
        process.courier = courier
        process.recent = RecentMessages()
        if let watched = scenario.producers[process.client].watches {
            courier.watch(cursor: watched)
        }
        dial(process)
    }

    func drainCourier(_ process: ClientProcess) -> Bool {
        var any = false
        while let courier = process.courier {
            if let (id, request) = courier.nextRequest() {
                if !answerFromMemory(id, request, process) {
                    ask(id, mutated(request), of: process)
                }
            } else if let event = courier.nextEvent() {
                handle(event, process)
            } else {
                break
            }
            any = true
        }
        return any
    }

    private func answerFromMemory(
        _ id: StoreRequestID, _ request: OutboxRequest, _ process: ClientProcess
    ) -> Bool {
        guard case .fetch(let from, let maxMessages, let maxBytes) = request,
            let messages = process.recent.take(
                from: from, maxMessages: maxMessages, maxBytes: maxBytes)
        else { return false }
        process.courier?.reply(
            id, .messages(messages, wallClock: wallClock(process)), now: process.clock(now))
        return true
    }

    private func mutated(_ request: OutboxRequest) -> OutboxRequest {
        guard mutation == .sendsSkipped, case .change(.skipping(_, let destination)) = request
        else { return request }
        return .change(.skipping([:], destination: destination))
    }

    private func handle(_ event: ProducerEvent, _ process: ClientProcess) {
        let client = UInt64(process.client)
        switch event {
        case .ready(let inbox): trace.note(now, "lane ready", client, inbox.generation.starts)
        case .resolved(let below, let exceptions):
            trace.note(now, "resolved", client, below.value, "\(exceptions)")
            checker.told(process.client, below: below, process.outbox?.tables)
        case .processed(let processed):
            trace.note(now, "processed", client, processed.floor.value)
            process.processed = processed
        case .waiting(let failure): trace.note(now, "lane waits", client, 0, failure.text)
        case .ended(let failure):
            trace.note(now, "lane ends", client, 0, failure.text)
            if failure.fault == .local {
                // Whoever supervises the courier starts it again.
                crash(process, downFor: 1_000)
            } else {
                process.stopped = failure
                stop(process)
            }
        }
    }

    /// What a user does about a named error: the lane begins anew.
    package func renew(_ client: Int) {
        guard let outbox = clients[client].outbox else { return }
        let producer = ProducerID.random(using: &rng)
        let before = outbox.tables
        do {
            let change = OutboxChange.renew(
                destination: OutboxTables.destination, producer: producer)
            _ = try outbox.tables.apply(.change(change))
        } catch {
            fail(.outcome, "\(error)")
        }
        checker.outboxCommitted(client, from: before, to: outbox.tables)
        clients[client].stopped = nil
        start(client)
    }
}
