internal import FTSLCore
internal import NIOCore

/// Drives the accepting process.
extension World {
    /// `cause` is the connection whose input led here; an attacker's must lead to nothing.
    func pumpAcceptor(cause: Link? = nil) {
        let process = acceptor
        while let event = process.core.nextEvent() {
            if let cause { checkEffect(event, of: cause) }
            obey(event)
        }
        var isBusy = true
        while isBusy, checker.failure == nil {
            isBusy = false
            while let event = process.core.nextEvent() {
                isBusy = true
                obey(event)
            }
            for number in process.dirty.sorted() {
                process.dirty.remove(number)
                let link = links[number]
                while link.acceptorHolds, transmit(link, limit: link.down.room) { isBusy = true }
            }
            process.links.removeAll { $0.isOver(for: .acceptor) }
        }
        schedule(process, deadline: process.core.deadline)
    }

    func acceptorTimer(_ serial: UInt64) {
        let process = acceptor
        guard serial == process.timerSerial else { return }
        process.timerAt = .max
        let clock = process.clock(now)
        if process.core.deadline <= clock {
            process.core.handleTimeout(now: clock)
            pumpAcceptor()
            guard process.core.deadline > clock || checker.failure != nil else {
                checker.fail(.live, "the acceptor's deadline stays in the past")
                return
            }
            for client in initiators.indices { inspect(client) }
        }
        schedule(process, deadline: process.core.deadline)
    }

    private func obey(_ event: AcceptorEvent) {
        let process = acceptor
        switch event {
        case .confirmed(let id): startService(id)
        case .attached(let id, let connection, let resumed):
            trace.note(now, "acceptor attached", id.low, connection.value, resumed ? "again" : "")
            let number = process.core.session(id)?.highestAttachment ?? .opening
            if let last = process.highest[id], number <= last {
                checker.fail(.oneOwner, "attachment \(number.value) after \(last.value)")
            }
            process.highest[id] = number
            process.hasNews(on: connection)
            if mutation == .startsTwice, resumed { startService(id) }
        case .detached(let id, let failure):
            trace.note(now, "acceptor detached", id.low, 0, failure.text)
        case .activity(let id):
            drainSession(id)
            process.touched(id, now: now)
        case .close(let connection, let failure):
            trace.note(now, "acceptor closes", connection.value, 0, failure?.text ?? "")
            guard let link = process.link(connection) else { return }
            while transmit(link, limit: Bound.readAhead) {}
            close(link, by: .acceptor)
            if scenario.acceptorResets {
                process.core.closed(connection, nil, now: process.clock(now))
            } else {
                // A socket that is read on goes on saying things for a while.
                queue.push(.closed(link: link.number), at: now + 300_000_000)
            }
        case .forgotten(let id): trace.note(now, "acceptor forgets", id.low)
        case .wrote(let connection): process.hasNews(on: connection)
        case .adopted, .departed:
            checker.fail(.oneOwner, "\(event) where nothing moves")
        case .ended(let id, let outcome):
            trace.note(now, "acceptor ended", id.low, 0, "\(outcome)")
            record(outcome, of: id)
            if mutation == .forgetsTombstones {
                process.core.stopLingering(id, now: process.clock(now))
            }
        }
    }

    private func startService(_ id: SessionID) {
        let process = acceptor
        guard let session = process.core.session(id) else { return }
        // At this point the connection is not bound yet: whoever sent the proof is the client.
        let client = proving?.client ?? -1
        trace.note(now, "confirmed", id.low, UInt64(bitPattern: Int64(client)))
        guard client >= 0 else {
            checker.fail(.proofFirst, "a service was started for a stranger")
            return
        }
        if !services[client].isEmpty {
            checker.fail(.oneOwner, "the service of client \(client) was started twice")
        }
        let application = Application(
            role: .acceptor, client: client, life: services[client].count, session: session,
            script: scenario.clients[client].acceptor, seed: scenario.seed &+ UInt64(client))
        application.mutation = mutation
        services[client].append(
            ServiceRun(id: id, incarnation: process.incarnation, application: application))
        process.applications[id] = application
        application.start(now: process.clock(now))
        sleep(application)
        process.touched(id, now: now)
    }

    private func record(_ outcome: Outcome, of id: SessionID) {
        guard let application = acceptor.applications[id] else { return }
        let runs = services[application.client]
        guard let index = runs.lastIndex(where: { $0.id == id }) else { return }
        services[application.client][index].outcome = outcome
        services[application.client][index].settledAt = now
    }

    private func drainSession(_ id: SessionID) {
        let process = acceptor
        guard let application = process.applications[id] else { return }
        let session = application.session
        let clock = process.clock(now)
        while let event = session.nextEvent() {
            if case .detach(let failure) = event {
                trace.note(now, "acceptor detaches", id.low, 0, failure.text)
                process.core.detachRequested(id, failure, now: clock)
                continue
            }
            note(event, id.low, "acceptor")
            application.handle(event, now: clock)
            sleep(application)
        }
    }

    private func transmit(_ link: Link, limit: Int) -> Bool {
        guard limit > 0 else { return false }
        var out: [ByteBuffer] = []
        acceptor.core.transmit(
            link.acceptorID, into: &out, limit: limit, now: acceptor.clock(now))
        if mutation == .dropsStates, isAttached(link) { out = withoutStates(out) }
        return write(out, to: link, .down)
    }

    private func isAttached(_ link: Link) -> Bool {
        acceptor.applications.keys.contains { acceptor.core.connection(of: $0) == link.acceptorID }
    }

    // MARK: Inputs

    func accepted(_ link: Link) {
        guard link.incarnation == acceptor.incarnation, !link.isBroken else { return }
        trace.note(now, "accepted", UInt64(link.number))
        link.acceptorHolds = true
        acceptor.links.append(link)
        acceptor.dirty.insert(link.number)
        let source = link.client.map { "client \($0)" } ?? "stranger"
        acceptor.core.accepted(link.acceptorID, from: source, now: acceptor.clock(now))
        pumpAcceptor(cause: link)
        scheduleDelivery(link, .up)
    }

    func acceptorReceives(_ bytes: ByteBuffer, _ link: Link) {
        var id = link.acceptorID
        if mutation == .trustsStrangers, link.client == nil,
            let other = acceptor.applications.keys.first,
            let connection = acceptor.core.connection(of: other)
        {
            id = connection
        }
        proving = link
        acceptor.core.receive(id, bytes, now: acceptor.clock(now))
        acceptor.dirty.insert(link.number)
        pumpAcceptor(cause: link)
        proving = nil
        if let client = link.client { inspect(client) }
    }

    func closed(_ link: Link) {
        guard link.incarnation == acceptor.incarnation else { return }
        acceptor.core.closed(link.acceptorID, nil, now: acceptor.clock(now))
        pumpAcceptor()
    }

    func acceptorLoses(_ link: Link, _ failure: Failure?) {
        trace.note(now, "acceptor lost", UInt64(link.number), 0, failure?.text ?? "end")
        acceptor.core.closed(link.acceptorID, failure, now: acceptor.clock(now))
        pumpAcceptor(cause: link)
        if let client = link.client { inspect(client) }
    }

    /// Everything that may tell the peer more than bytes and acknowledgements.
    private func withoutStates(_ buffers: [ByteBuffer]) -> [ByteBuffer] {
        var decoder = FrameDecoder(maxPayload: 1 << 24)
        var out = ByteBuffer()
        for buffer in buffers { decoder.append(buffer) }
        while let element = try? decoder.next() {
            switch element {
            case .data(let channel, let position, let bytes):
                StreamFrame.dataHeader(
                    channel, position: position, count: bytes.readableBytes, into: &out)
                out.writeImmutableBuffer(bytes)
            case .frame(.exit), .frame(.stop), .frame(.bye): continue
            case .frame(let frame): frame.encode(into: &out)
            case .message(let frame): frame.encode(into: &out)
            }
        }
        return out.readableBytes > 0 ? [out] : []
    }
}
