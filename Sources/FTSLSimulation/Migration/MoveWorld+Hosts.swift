internal import FTSLCore
internal import NIOCore

/// Drives the process of a host, as the library's own driver and services do.
extension MoveWorld {
    func makeCore(_ index: Int) -> Acceptor {
        var configuration = AcceptorConfiguration()
        configuration.offered = [.streams, .messages, .migration]
        configuration.flags = scenario.flags
        configuration.limits = scenario.session
        configuration.maxWindow = 1 << 20
        // Some moves lie behind everything here, so that a host could fall back.
        let identity = HostIdentity(
            generation: Generation(moves: 1, starts: 0), instance: rng.next())
        let core = Acceptor(configuration: configuration, host: identity, rng: rng.split())
        core.makePort = { [unowned self] session, _ in
            guard let lanes = hosts[index].lanes else { return nil }
            let port = lanes.makePort(session: session, owner: "somebody", permissions: .everything)
            hosts[index].ports[session] = port
            return port
        }
        return core
    }

    // MARK: The loop

    func pump(_ host: MovingHost) {
        guard host.isUp, !host.isPumping else { return }
        host.isPumping = true
        defer { host.isPumping = false }
        let life = host.life
        var isBusy = true
        while isBusy, checker.failure == nil, host.isUp, host.life == life {
            isBusy = false
            while let event = host.core.nextEvent() {
                isBusy = true
                obey(event, host)
            }
            while let (id, request) = host.lanes?.nextRequest() { ask(id, request, of: host) }
            for session in host.lanes?.takeAwake() ?? [] {
                host.core.touched(session, now: host.clock(now))
            }
            for link in host.links where link.acceptorHolds {
                if transmit(link, host, limit: link.down.room) { isBusy = true }
            }
            host.links.removeAll { $0.isOver(for: .acceptor) }
        }
        if !scenario.isForced { checkInboxAlone() }
        let deadline = min(host.core.deadline, host.lanes?.deadline ?? .distantFuture)
        schedule(host, deadline: deadline) { [unowned self] in timer(host, $0) }
    }

    private func timer(_ host: MovingHost, _ clock: Instant) {
        guard host.isUp else { return }
        if let lanes = host.lanes, lanes.deadline <= clock { lanes.handleTimeout(now: clock) }
        if host.core.deadline <= clock { host.core.handleTimeout(now: clock) }
        pump(host)
        if host.core.deadline <= clock, checker.failure == nil {
            fail(.live, "the deadline of host \(host.index) stays in the past")
        }
    }

    private func transmit(_ link: Link, _ host: MovingHost, limit: Int) -> Bool {
        guard limit > 0 else { return false }
        var out: [ByteBuffer] = []
        host.core.transmit(link.acceptorID, into: &out, limit: limit, now: host.clock(now))
        return write(out, to: link, .down)
    }

    private func obey(_ event: AcceptorEvent, _ host: MovingHost) {
        switch event {
        case .confirmed(let id): confirmed(id, host)
        case .attached(let id, _, let resumed):
            let moves = host.core.session(id)?.host.generation.moves ?? 0
            trace.note(now, "host attaches", UInt64(host.index), moves, resumed ? "again" : "")
            checkServed(id, by: host)
            host.talks[id]?.isAttached = true
        case .detached(let id, let failure):
            trace.note(now, "host detaches", UInt64(host.index), id.low, failure.text)
            host.talks[id]?.isAttached = false
            host.talks[id]?.onDetached?()
        case .activity(let id): drain(id, host)
        case .close(let connection, let failure):
            trace.note(now, "host closes", UInt64(host.index), 0, failure?.text ?? "")
            guard let link = host.link(connection) else { return }
            while transmit(link, host, limit: Bound.readAhead) {}
            close(link, by: .acceptor)
            host.core.closed(connection, nil, now: host.clock(now))
        case .wrote: break
        case .adopted(let id): adopted(id, host)
        case .departed(let id):
            trace.note(now, "departed", UInt64(host.index), id.low)
            host.services.removeValue(forKey: id)?.die()
            host.ports.removeValue(forKey: id)?.ended(now: host.clock(now))
        case .ended(let id, let outcome):
            trace.note(now, "host ended", UInt64(host.index), id.low, "\(outcome)")
            host.ports.removeValue(forKey: id)?.ended(now: host.clock(now))
            ghost.outcomes[id] = outcome
        case .forgotten(let id):
            host.talks.removeValue(forKey: id)?.ended()
        }
    }

    private func drain(_ id: SessionID, _ host: MovingHost) {
        guard let session = host.core.session(id) else { return }
        let clock = host.clock(now)
        while let event = session.nextEvent() {
            if case .detach(let failure) = event {
                trace.note(now, "host detaches", UInt64(host.index), id.low, failure.text)
                host.core.detachRequested(id, failure, now: clock)
            } else if let talk = host.talks[id] {
                do {
                    try talk.handle(event)
                } catch {
                    fail(.definite, "hosts do not understand each other: \(error)")
                }
            } else if let service = host.services[id] {
                service.handle(event, now: clock)
                sleep(service, id, host)
            } else if case .finished(let channel) = event {
                session.tookEnd(channel)
            }
        }
        host.core.touched(id, now: clock)
    }

    // MARK: Services

    private func confirmed(_ id: SessionID, _ host: MovingHost) {
        guard let session = host.core.session(id) else { return }
        let flags = session.identity.flags
        let clock = host.clock(now)
        if flags.contains(.migration) {
            let talk = Talk(
                session, clock: { [unowned self] in host.clock(now) },
                touch: { [unowned self] in
                    host.core.touched(id, now: host.clock(now))
                    pump(host)
                })
            host.talks[id] = talk
            answer(talk, at: host)
        } else if flags.contains(.messages) {
            session.finish(.main)
        } else {
            startService(id, session, host)
        }
        host.core.touched(id, now: clock)
    }

    private func startService(_ id: SessionID, _ session: Session, _ host: MovingHost) {
        guard let client = clients.first(where: { $0.dialer.client == proving?.client }) else {
            return fail(.proofFirst, "a service was started for a stranger")
        }
        trace.note(now, "service", UInt64(host.index), UInt64(client.index))
        if !client.services.isEmpty {
            fail(.oneOwner, "the service of client \(client.index) was started twice")
        }
        run(client, id, session, host, from: nil)
    }

    /// It came from another host: goes on with what its program left there.
    private func adopted(_ id: SessionID, _ host: MovingHost) {
        guard let session = host.core.session(id), let client = client(of: id) else { return }
        let moves = session.host.generation.moves
        trace.note(now, "adopted", UInt64(host.index), moves)
        if !ghost.adopted.insert(Place(session: id, moves: moves)).inserted {
            fail(.oneOwner, "session of client \(client.index) came twice at \(moves)")
        }
        guard let token = arrivingToken(of: id, host) else { return }
        restart(id, host, from: token)
    }

    /// Of the newest ticket that brought the session.
    private func arrivingToken(of id: SessionID, _ host: MovingHost) -> UInt64? {
        let images = host.arrivals.values.flatMap { $0.image.sessions.filter { $0.id == id } }
        let newest = images.max { $0.generation < $1.generation }
        guard let application = newest?.application else { return nil }
        return application.getInteger(at: application.readerIndex)
    }

    /// Starts a program from what another left: here after a roll-back, or where it came.
    func restart(_ id: SessionID, _ host: MovingHost, from token: UInt64) {
        guard let session = host.core.session(id), let client = client(of: id),
            let left = checkpoints[token]
        else { return }
        run(client, id, session, host, from: left)
    }

    func client(of id: SessionID) -> StreamClient? { clients.first { $0.session == id } }

    private func run(
        _ client: StreamClient, _ id: SessionID, _ session: Session, _ host: MovingHost,
        from left: Application.Checkpoint?
    ) {
        checkAlone(id, client, host)
        let application = Application(
            role: .acceptor, client: client.index, life: client.services.count, session: session,
            script: scenario.clients[client.index].client.acceptor,
            seed: scenario.seed &+ UInt64(client.index))
        client.services.append(application)
        host.services[id] = application
        let clock = host.clock(now)
        if let left {
            application.goOn(from: left)
            if mutation != .losesUnread { session.takeBack(left.unread, from: .main) }
            drain(id, host)
            application.awake(now: clock)
        } else {
            application.start(now: clock)
        }
        sleep(application, id, host)
        host.core.touched(id, now: clock)
    }

    private func sleep(_ application: Application, _ id: SessionID, _ host: MovingHost) {
        for (wake, delay) in application.wakes {
            after(delay) { [unowned self] in
                guard !application.isDead, host.isUp, host.services[id] === application else {
                    return
                }
                application.woken(wake, now: host.clock(now))
                sleep(application, id, host)
                host.core.touched(id, now: host.clock(now))
                pump(host)
            }
        }
        application.wakes.removeAll()
    }
}
