internal import FTSLCore
internal import NIOCore

/// Drives the process that hosts the inbox, as the library's own driver and service do.
extension MessageWorld {
    static func makeInbox(
        _ scenario: MessageScenario, _ mutation: MessageMutation?,
        using rng: inout SimulationRandom
    ) -> InboxTables {
        var tables = InboxTables(id: .random(using: &rng))
        tables.limits = scenario.limits
        tables.keep = scenario.keep
        tables.mutation = mutation
        tables.identity.generation.starts = 1
        return tables
    }

    static func makeHost(
        _ scenario: MessageScenario, _ identity: InboxIdentity, incarnation: Int,
        rng: SimulationRandom
    ) -> HostProcess {
        var rng = rng
        var configuration = AcceptorConfiguration()
        configuration.offered = .messages
        configuration.limits = scenario.session
        let host = HostIdentity(generation: .first, instance: rng.next())
        let core = Acceptor(configuration: configuration, host: host, rng: rng)
        let queue = InboxQueue()
        let inbox = InboxHost(
            identity: identity, limits: scenario.limits, queue: queue,
            consumers: ConsumerHost(identity: identity, queue: queue))
        return HostProcess(core: core, inbox: inbox, incarnation: incarnation)
    }

    /// The start is counted on disk before anybody is answered. [FTSL §7.6]
    func startHost() {
        if mutation != .tokenWithoutStarts { inbox.tables.identity.generation.starts += 1 }
        let before = host
        host = Self.makeHost(
            scenario, inbox.tables.identity, incarnation: before.incarnation + 1,
            rng: rng.split())
        host.clockOffset = before.clockOffset
        host.timerSerial = before.timerSerial
        serve()
        trace.note(now, "host starts", UInt64(host.incarnation))
    }

    func serve() {
        host.core.makePort = { [unowned self] session, _ in makePort(session) }
    }

    private func makePort(_ session: SessionID) -> any MessagePort {
        let port = host.inbox.makePort(
            session: session, owner: "somebody",
            permissions: InboxPermissions(send: scenario.sendable, consume: .everything))
        host.ports[session] = port
        host.clients[session] = proving?.client ?? -1
        return SpyPort(port, client: proving?.client ?? -1, session: session, world: self)
    }

    func crashHost(downFor milliseconds: Int) {
        guard host.isUp else { return }
        trace.note(now, "host crashes", UInt64(host.incarnation))
        host.isUp = false
        queue.push(.start(-1), at: now + nanoseconds(milliseconds))
        let keeps = rng.chance(50)
        let before = inbox.tables
        if mutation == .diskLies { inbox.loseLastCommit() }
        inbox.crash(keepsCommit: keeps)
        checker.inboxCommitted(from: before, to: inbox.tables)
        checker.hostCrashed()
        for link in links where link.incarnation == host.incarnation && !link.isOver(for: .acceptor)
        {
            reset(link, by: .acceptor)
        }
        host.links = []
        host.timerAt = .max
        host.timerSerial += 1
        answeredEarly = []
    }

    // MARK: The loop

    func pumpHost() {
        guard host.isUp else { return }
        let process = host
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
                while link.acceptorHolds, transmitHost(link, limit: link.down.room) {
                    isBusy = true
                }
            }
            while let (id, request) = process.inbox.nextRequest() { ask(id, request) }
            for session in process.inbox.takeAwake() {
                process.core.touched(session, now: process.clock(now))
                guard let connection = process.core.connection(of: session),
                    let link = process.link(connection)
                else { continue }
                process.dirty.insert(link.number)
                isBusy = true
            }
        }
        process.links.removeAll { $0.isOver(for: .acceptor) }
        schedule(process, deadline: min(process.core.deadline, process.inbox.deadline))
    }

    func hostTimer(_ serial: UInt64) {
        let process = host
        guard serial == process.timerSerial, process.isUp else { return }
        process.timerAt = .max
        let clock = process.clock(now)
        if process.inbox.deadline <= clock { process.inbox.handleTimeout(now: clock) }
        if process.core.deadline <= clock {
            process.core.handleTimeout(now: clock)
        }
        pumpHost()
        let next = min(process.core.deadline, process.inbox.deadline)
        if next <= clock, checker.failure == nil {
            fail(.live, "the host's deadline stays in the past")
        }
    }

    private func obey(_ event: AcceptorEvent) {
        let process = host
        let clock = process.clock(now)
        switch event {
        case .confirmed(let id):
            trace.note(
                now, "confirmed", id.low, UInt64(bitPattern: Int64(process.clients[id] ?? -1)))
            process.core.session(id)?.finish(.main)
            process.core.touched(id, now: clock)
        case .attached(let id, let connection, let resumed):
            trace.note(now, "host attached", id.low, connection.value, resumed ? "again" : "")
            checker.attached(id, now: clock)
            if let link = process.link(connection) { process.dirty.insert(link.number) }
        case .detached(let id, let failure):
            trace.note(now, "host detached", id.low, 0, failure.text)
            checker.detached(id, now: clock)
        case .activity(let id): drainSession(id)
        case .close(let connection, let failure):
            trace.note(now, "host closes", connection.value, 0, failure?.text ?? "")
            if let failure, failure.code.isViolation {
                fail(.definite, "the host found a violation: \(failure)")
            }
            guard let link = process.link(connection) else { return }
            while transmitHost(link, limit: Bound.readAhead) {}
            close(link, by: .acceptor)
            if scenario.acceptorResets {
                process.core.closed(connection, nil, now: clock)
            } else {
                queue.push(.closed(link: link.number), at: now + 300_000_000)
            }
        case .forgotten(let id): trace.note(now, "host forgets", id.low)
        case .wrote(let connection):
            if let link = process.link(connection) { process.dirty.insert(link.number) }
        case .adopted, .departed: fail(.definite, "\(event) where nothing moves")
        case .ended(let id, let outcome):
            trace.note(now, "host ended", id.low, 0, "\(outcome)")
            process.ports.removeValue(forKey: id)?.ended(now: clock)
            checker.ended(id)
        }
    }

    private func drainSession(_ id: SessionID) {
        let process = host
        let clock = process.clock(now)
        guard let session = process.core.session(id) else { return }
        while let event = session.nextEvent() {
            switch event {
            case .detach(let failure):
                trace.note(now, "host detaches", id.low, 0, failure.text)
                if failure.code.isViolation {
                    fail(.definite, "the host found a violation: \(failure)")
                }
                process.core.detachRequested(id, failure, now: clock)
            case .finished(let channel): session.tookEnd(channel)
            case .data, .stopped, .room, .exited, .terminal, .settled, .over: break
            }
        }
        process.core.touched(id, now: clock)
        if let connection = process.core.connection(of: id), let link = process.link(connection) {
            process.dirty.insert(link.number)
        }
    }

    private func transmitHost(_ link: Link, limit: Int) -> Bool {
        guard limit > 0 else { return false }
        var out: [ByteBuffer] = []
        host.core.transmit(link.acceptorID, into: &out, limit: limit, now: host.clock(now))
        if let session = host.clients.keys.first(where: {
            host.core.connection(of: $0) == link.acceptorID
        }) {
            inspect(out, to: link, session)
        }
        return write(out, to: link, .down)
    }

    // MARK: Inputs

    func accepted(_ link: Link) {
        guard link.incarnation == host.incarnation, host.isUp, !link.isBroken else { return }
        trace.note(now, "accepted", UInt64(link.number))
        link.acceptorHolds = true
        host.links.append(link)
        host.core.accepted(link.acceptorID, from: "here", now: host.clock(now))
        host.dirty.insert(link.number)
        pumpHost()
        scheduleDelivery(link, .up)
    }

    func hostReceives(_ bytes: ByteBuffer, _ link: Link) {
        guard host.isUp else { return }
        proving = link
        host.core.receive(link.acceptorID, bytes, now: host.clock(now))
        host.dirty.insert(link.number)
        pumpHost()
        proving = nil
    }

    func closed(_ link: Link) {
        guard link.incarnation == host.incarnation else { return }
        host.core.closed(link.acceptorID, nil, now: host.clock(now))
        pumpHost()
    }

    func hostLoses(_ link: Link, _ failure: Failure?) {
        guard link.incarnation == host.incarnation, host.isUp else { return }
        trace.note(now, "host lost", UInt64(link.number), 0, failure?.text ?? "end")
        host.core.closed(link.acceptorID, failure, now: host.clock(now))
        pumpHost()
    }
}
