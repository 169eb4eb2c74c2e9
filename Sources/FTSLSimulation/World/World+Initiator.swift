internal import FTSLCore
internal import NIOCore

/// Drives the dialling processes, as the library's own driver does.
extension World {
    func pump(_ process: InitiatorProcess) {
        var isBusy = true
        while isBusy, checker.failure == nil {
            isBusy = false
            while let event = process.core.nextEvent() {
                isBusy = true
                obey(event, process)
            }
            if drainSession(of: process) { isBusy = true }
            for link in process.links where link.initiatorHolds {
                if transmit(link, process, limit: link.up.room) { isBusy = true }
            }
            process.links.removeAll { $0.isOver(for: .initiator) }
        }
        schedule(process, deadline: process.core.deadline)
    }

    func timer(_ process: InitiatorProcess, _ serial: UInt64) {
        guard serial == process.timerSerial else { return }
        process.timerAt = .max
        let clock = process.clock(now)
        if mutation == .ignoresTime, process.core.session != nil { return }
        if process.core.deadline <= clock {
            process.core.handleTimeout(now: clock)
            pump(process)
            guard process.core.deadline > clock || checker.failure != nil else {
                checker.fail(.live, "the initiator's deadline stays in the past")
                return
            }
            inspect(process.client)
        }
        schedule(process, deadline: process.core.deadline)
    }

    private func obey(_ event: InitiatorEvent, _ process: InitiatorProcess) {
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
            process.core.closed(id, nil, now: process.clock(now))
        case .opened:
            trace.note(now, "opened", client)
            guard let session = process.core.session else { return }
            let application = Application(
                role: .initiator, client: process.client, life: 0, session: session,
                script: scenario.clients[process.client].initiator,
                seed: scenario.seed &+ client)
            application.mutation = mutation
            if process.application != nil {
                checker.fail(.oneOwner, "client \(client) was opened twice")
            }
            process.application = application
            application.start(now: process.clock(now))
            sleep(application)
            process.core.touched(now: process.clock(now))
        case .attached(let id, let resumed):
            trace.note(now, "attached", client, id.value, resumed ? "again" : "")
            process.attachedTimes.append(now)
        case .detached(let failure):
            trace.note(now, "detached", client, 0, failure.text)
            process.detachedTimes.append(now)
        case .waiting(let delay, let failure):
            trace.note(now, "waiting", client, delay.wholeNanoseconds, failure.text)
        case .activity: break
        case .ended(let outcome, let failure):
            trace.note(now, "initiator ended", client, 0, "\(outcome as Any) \(failure as Any)")
            process.ending = (outcome, failure)
            process.endedAt = now
        }
    }

    private func drainSession(of process: InitiatorProcess) -> Bool {
        guard let session = process.core.session else { return false }
        var any = false
        let clock = process.clock(now)
        while let event = session.nextEvent() {
            any = true
            if case .detach(let failure) = event {
                trace.note(now, "initiator detaches", UInt64(process.client), 0, failure.text)
                process.core.detachRequested(failure, now: clock)
                continue
            }
            note(event, UInt64(process.client), "initiator")
            if case .settled = event { process.settledAt = now }
            guard let application = process.application else { continue }
            application.handle(event, now: clock)
            sleep(application)
        }
        if any { process.core.touched(now: clock) }
        return any
    }

    func note(_ event: SessionEvent, _ client: UInt64, _ who: StaticString) {
        switch event {
        case .data(let channel, let bytes):
            trace.note(now, who, client, UInt64(channel.value) << 56 | UInt64(bytes.readableBytes))
        case .settled(let outcome): trace.note(now, who, client, 1 << 60, "\(outcome)")
        case .finished, .stopped, .room, .exited, .terminal, .detach, .over:
            trace.note(now, who, client, 1 << 61, "\(event)")
        }
    }

    private func transmit(_ link: Link, _ process: InitiatorProcess, limit: Int) -> Bool {
        guard limit > 0, let id = link.initiatorID else { return false }
        var out: [ByteBuffer] = []
        process.core.transmit(id, into: &out, limit: limit, now: process.clock(now))
        return write(out, to: link, .up)
    }

    // MARK: Inputs

    func connected(_ link: Link) {
        guard let client = link.client, !link.isAbandoned, let id = link.initiatorID else { return }
        guard link.incarnation == acceptor.incarnation, !link.isBroken else {
            dialFailed(link)
            return
        }
        trace.note(now, "connected", UInt64(client), id.value)
        let process = initiators[client]
        link.initiatorHolds = true
        process.core.connected(id, now: process.clock(now))
        pump(process)
        inspect(client)
    }

    func dialFailed(_ link: Link) {
        guard let client = link.client, !link.isAbandoned, let id = link.initiatorID else { return }
        trace.note(now, "refused", UInt64(client), id.value)
        let process = initiators[client]
        link.isAbandoned = true
        let failure = Failure(.peer, .unreachable, "connection refused")
        process.core.dialFailed(id, failure, now: process.clock(now))
        pump(process)
    }

    func initiatorReceives(_ bytes: ByteBuffer, _ link: Link, _ client: Int) {
        let process = initiators[client]
        guard let id = link.initiatorID else { return }
        process.core.receive(id, bytes, now: process.clock(now))
        pump(process)
        inspect(client)
    }

    func initiatorLoses(_ link: Link, _ client: Int, _ failure: Failure?) {
        let process = initiators[client]
        guard let id = link.initiatorID else { return }
        trace.note(now, "initiator lost", UInt64(client), id.value, failure?.text ?? "end")
        if mutation == .believesClosing, failure == nil {
            process.application?.handle(.finished(.main), now: process.clock(now))
        }
        process.core.closed(id, failure, now: process.clock(now))
        pump(process)
        inspect(client)
    }
}
