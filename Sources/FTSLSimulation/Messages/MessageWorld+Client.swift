internal import FTSLCore
internal import NIOCore

/// Drives couriers and consumers, as the library's own driver and clients do.
extension MessageWorld {
    // MARK: Lives

    func start(_ client: Int) {
        let process = clients[client]
        guard !process.isUp, process.stopped == nil else { return }
        process.isUp = true
        process.life += 1
        process.backoff = Backoff()
        trace.note(now, "process starts", UInt64(client), UInt64(process.life))
        if client < scenario.producers.count {
            startCourier(process)
        } else {
            startConsumer(process)
        }
    }

    /// The process is gone; nothing of it counts any more. It is started again later.
    func crash(_ process: ClientProcess, downFor milliseconds: Int) {
        guard process.isUp else { return }
        trace.note(now, "process dies", UInt64(process.client), UInt64(process.life))
        stop(process)
        queue.push(.start(process.client), at: now + nanoseconds(milliseconds))
        if let outbox = process.outbox {
            let before = outbox.tables
            outbox.crash(keepsCommit: rng.chance(50))
            checker.outboxCommitted(process.client, from: before, to: outbox.tables)
            resubmit(process.client)
        }
    }

    /// Ends the process, with its connections.
    func stop(_ process: ClientProcess) {
        process.isUp = false
        process.core = nil
        process.courier = nil
        process.consumer = nil
        process.application = nil
        process.timerAt = .max
        process.timerSerial += 1
        checker.consumerStopped(process.client)
        for link in process.links where !link.isOver(for: .initiator) {
            reset(link, by: .initiator)
        }
        process.links = []
    }

    /// A session, and after it the next.
    func dial(_ process: ClientProcess) {
        var configuration = InitiatorConfiguration()
        configuration.service = SessionRights.messagesService
        configuration.limits = scenario.session
        configuration.retryFirst = true
        configuration.linger = .seconds(1)
        let core = Initiator(configuration: configuration, rng: rng.split())
        core.port = process.port
        process.core = core
        for link in process.links where !link.isOver(for: .initiator) {
            reset(link, by: .initiator)
        }
        process.links = []
        core.start(now: process.clock(now))
        pump(process)
    }

    // MARK: The loop

    func pump(_ process: ClientProcess) {
        let life = process.life
        var isBusy = true
        while isBusy, checker.failure == nil, process.isUp, process.life == life {
            isBusy = false
            while let event = process.core?.nextEvent() {
                isBusy = true
                obey(event, process)
            }
            for link in process.links where link.initiatorHolds {
                if transmit(link, process, limit: link.up.room) { isBusy = true }
            }
            process.links.removeAll { $0.isOver(for: .initiator) }
            if drainPort(process) {
                isBusy = true
                process.core?.touched(now: process.clock(now))
            }
        }
        if let core = process.core { schedule(process, deadline: core.deadline) }
    }

    private func drainPort(_ process: ClientProcess) -> Bool {
        process.outbox == nil ? drainConsumer(process) : drainCourier(process)
    }

    func timer(_ process: ClientProcess, _ serial: UInt64) {
        guard serial == process.timerSerial else { return }
        process.timerAt = .max
        let clock = process.clock(now)
        guard let core = process.core else { return }
        if core.deadline <= clock {
            core.handleTimeout(now: clock)
            pump(process)
        }
        guard let core = process.core else { return }
        guard core.deadline > clock || checker.failure != nil else {
            return fail(.live, "the deadline of client \(process.client) stays in the past")
        }
        schedule(process, deadline: core.deadline)
    }

    private func obey(_ event: InitiatorEvent, _ process: ClientProcess) {
        let client = UInt64(process.client)
        switch event {
        case .dial(let id, _):
            trace.note(now, "dial", client, id.value)
            dial(process, id)
        case .close(let id, let failure):
            trace.note(now, "close", client, id.value, failure?.text ?? "")
            guard let link = process.links.first(where: { $0.initiatorID == id }) else { return }
            while transmit(link, process, limit: Bound.readAhead) {}
            close(link, by: .initiator)
            process.core?.closed(id, nil, now: process.clock(now))
        case .opened: trace.note(now, "opened", client)
        case .attached(let id, let resumed):
            trace.note(now, "attached", client, id.value, resumed ? "again" : "")
            process.backoff.reset()
        case .detached(let failure): trace.note(now, "detached", client, 0, failure.text)
        case .waiting(let delay, let failure):
            trace.note(now, "waiting", client, delay.wholeNanoseconds, failure.text)
        case .activity: drainSession(process)
        case .ended(let outcome, let failure): ended(process, outcome, failure)
        }
    }

    private func ended(_ process: ClientProcess, _ outcome: Outcome?, _ failure: Failure?) {
        let text = "\(outcome as Any) \(failure as Any)"
        trace.note(now, "session ended", UInt64(process.client), 0, text)
        if let failure, failure.code.isPermanent {
            fail(.definite, "client \(process.client) ended for good: \(failure)")
        }
        if case .aborted(let failure, _, _) = outcome, failure.code.isViolation {
            fail(.definite, "client \(process.client) ended \(failure)")
        }
        let pause = process.backoff.next(using: &rng)
        queue.push(
            .redial(process.client, life: process.life), at: now + pause.wholeNanoseconds)
    }

    private func drainSession(_ process: ClientProcess) {
        guard let session = process.core?.session else { return }
        while let event = session.nextEvent() {
            switch event {
            case .detach(let failure):
                trace.note(now, "client detaches", UInt64(process.client), 0, failure.text)
                if failure.code.isViolation {
                    fail(.definite, "client \(process.client) found a violation: \(failure)")
                }
                process.core?.detachRequested(failure, now: process.clock(now))
            case .finished(let channel): session.tookEnd(channel)
            case .data, .stopped, .room, .exited, .terminal, .settled, .over: break
            }
        }
        process.core?.touched(now: process.clock(now))
    }

    private func transmit(_ link: Link, _ process: ClientProcess, limit: Int) -> Bool {
        guard limit > 0, let id = link.initiatorID, let core = process.core else { return false }
        var out: [ByteBuffer] = []
        core.transmit(id, into: &out, limit: limit, now: process.clock(now))
        return write(out, to: link, .up)
    }
}
