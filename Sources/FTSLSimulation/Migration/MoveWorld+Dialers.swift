internal import FTSLCore
internal import NIOCore

/// Drives whoever dials, as the library's own driver does.
extension MoveWorld {
    func makeDialer(
        _ configuration: InitiatorConfiguration, place: Int, endpoints: [Int], shape: LinkShape
    ) -> Dialer {
        var configuration = configuration
        configuration.endpointCount = endpoints.count
        let core = Initiator(configuration: configuration, rng: rng.split())
        let dialer = Dialer(
            number: dialers.count, core: core, place: place, endpoints: endpoints, shape: shape)
        dialers.append(dialer)
        return dialer
    }

    func pump(_ dialer: Dialer) {
        guard !dialer.isGone, !dialer.isPumping else { return }
        dialer.isPumping = true
        defer { dialer.isPumping = false }
        var isBusy = true
        while isBusy, checker.failure == nil, !dialer.isGone {
            isBusy = false
            while let event = dialer.core.nextEvent() {
                isBusy = true
                obey(event, dialer)
            }
            if drainSession(of: dialer) { isBusy = true }
            if dialer.drainPort?() == true {
                isBusy = true
                dialer.core.touched(now: dialer.clock(now))
            }
            for link in dialer.links where link.initiatorHolds {
                if transmit(link, dialer, limit: link.up.room) { isBusy = true }
            }
            dialer.links.removeAll { $0.isOver(for: .initiator) }
        }
        guard !dialer.isGone else { return }
        schedule(dialer, deadline: dialer.core.deadline) { [unowned self] clock in
            guard !dialer.isGone else { return }
            if dialer.core.deadline <= clock { dialer.core.handleTimeout(now: clock) }
            pump(dialer)
            if dialer.core.deadline <= clock, checker.failure == nil, !dialer.isGone {
                fail(.live, "a dialler's deadline stays in the past")
            }
        }
        if clients.indices.contains(dialer.client) { inspect(clients[dialer.client]) }
    }

    private func obey(_ event: InitiatorEvent, _ dialer: Dialer) {
        switch event {
        case .dial(let id, let endpoint): dial(dialer, id, endpoint: endpoint)
        case .close(let id, let failure):
            trace.note(now, "close", UInt64(dialer.client), id.value, failure?.text ?? "")
            guard let link = dialer.links.first(where: { $0.initiatorID == id }) else { return }
            while transmit(link, dialer, limit: Bound.readAhead) {}
            close(link, by: .initiator)
            dialer.core.closed(id, nil, now: dialer.clock(now))
        case .opened:
            trace.note(now, "opened", UInt64(dialer.client))
            if let session = dialer.core.session { dialer.onOpened?(session) }
        case .attached(_, let resumed):
            let host = dialer.core.session?.host
            trace.note(
                now, "attached", UInt64(dialer.client), host?.generation.moves ?? 0,
                resumed ? "again" : "")
            dialer.onAttached?(resumed)
        case .detached(let failure):
            trace.note(now, "detached", UInt64(dialer.client), 0, failure.text)
            dialer.onDetached?()
        case .waiting(_, let failure):
            trace.note(now, "waits", UInt64(dialer.client), 0, failure.text)
        case .activity: break
        case .ended(let outcome, let failure):
            trace.note(
                now, "ended", UInt64(dialer.client), 0, "\(outcome as Any) \(failure as Any)")
            dialer.onEnded?(outcome, failure)
        }
    }

    private func drainSession(of dialer: Dialer) -> Bool {
        guard let session = dialer.core.session else { return false }
        var any = false
        while let event = session.nextEvent() {
            any = true
            if case .detach(let failure) = event {
                trace.note(now, "detaches", UInt64(dialer.client), 0, failure.text)
                dialer.core.detachRequested(failure, now: dialer.clock(now))
            } else {
                dialer.onEvent?(event)
            }
        }
        if any { dialer.core.touched(now: dialer.clock(now)) }
        return any
    }

    private func transmit(_ link: Link, _ dialer: Dialer, limit: Int) -> Bool {
        guard limit > 0, let id = link.initiatorID else { return false }
        var out: [ByteBuffer] = []
        dialer.core.transmit(id, into: &out, limit: limit, now: dialer.clock(now))
        return write(out, to: link, .up)
    }

    // MARK: Clients

    func addClient(_ index: Int) {
        let settings = scenario.clients[index]
        var configuration = InitiatorConfiguration()
        configuration.limits = settings.client.limits
        configuration.maxWindow = settings.client.maxWindow
        configuration.retryFirst = true
        configuration.linger = .seconds(20)
        let dialer = makeDialer(
            configuration, place: scenario.hosts + index, endpoints: settings.endpoints,
            shape: settings.client.shape)
        let client = StreamClient(index: index, dialer: dialer)
        clients.append(client)
        dialer.onOpened = { [unowned self] in opened(client, $0) }
        dialer.onEvent = { [unowned self] event in
            client.application?.handle(event, now: dialer.clock(now))
            sleep(client)
        }
        dialer.onAttached = { [unowned self] _ in checkOwner(of: client) }
        dialer.onEnded = { client.ending = ($0, $1) }
        at(nanoseconds(settings.client.start)) { [unowned self] in
            dialer.core.start(now: dialer.clock(now))
            pump(dialer)
        }
    }

    private func opened(_ client: StreamClient, _ session: Session) {
        if client.application != nil { fail(.oneOwner, "client \(client.index) opened twice") }
        client.session = session.identity.id
        let application = Application(
            role: .initiator, client: client.index, life: 0, session: session,
            script: scenario.clients[client.index].client.initiator,
            seed: scenario.seed &+ UInt64(client.index))
        client.application = application
        application.start(now: client.dialer.clock(now))
        sleep(client)
        client.dialer.core.touched(now: client.dialer.clock(now))
    }

    private func sleep(_ client: StreamClient) {
        guard let application = client.application else { return }
        for (wake, delay) in application.wakes {
            after(delay) { [unowned self] in
                application.woken(wake, now: client.dialer.clock(now))
                sleep(client)
                client.dialer.core.touched(now: client.dialer.clock(now))
                pump(client.dialer)
            }
        }
        application.wakes.removeAll()
    }
}
