internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// What a target puts on its disk, and what it starts. [FTSL §10.5] [FTSL §10.6]
extension Arrival {
    func recordPrepared() {
        moves = max(image.moves, inboxMoves.map { $0 + 1 } ?? 0)
        let (store, ticket) = (host.store, ticket)
        let record = TargetTicket(
            ticket: ticket, source: source.endpointList, sourceKey: source.key,
            moves: moves,
            digest: Array(digest.prefix(ImageDigest.byteCount)), hasInbox: inboxMoves != nil,
            at: WallClock.milliseconds)
        host.disk.run {
            try store.open().recordPrepared(record)
        } then: { [self] result in
            switch result {
            case .success:
                // It may have come to nothing meanwhile: what discards it is behind this.
                guard machine.state == .storing else { return }
                do {
                    try adopt()
                    handle(.preparedIsOnDisk)
                } catch {
                    handle(.failed(error as? Failure ?? .notThisTicket))
                }
            case .failure(let failure): handle(.failed(failure))
            }
        }
    }

    /// Their clients are told to ask again from here on.
    func adopt() throws(Failure) {
        // A lane must not meet the inbox that is about to be replaced.
        if inboxMoves != nil { host.driver.acceptor.absenceOfInbox = .later }
        for session in image.sessions {
            try host.driver.acceptor.adopt(session, now: MonotonicClock.now)
        }
    }

    func recordActive(forced: Bool) {
        isForced = forced
        let (store, ticket) = (host.store, ticket)
        let known = image.holdings(
            until: WallClock.milliseconds + host.settings.sessionTimeout)
        let ids = image.sessions.map(\.id)
        let inbox = inboxMoves.flatMap { moves in host.mover.map { ($0.path, moves + 1) } }
        host.disk.run {
            var known = known
            if let (path, moves) = inbox {
                let id = try ArrivedInbox(for: path, ticket).check().id
                known.append(KnownGeneration(.inbox(id), moves: moves, until: 0))
            }
            let store = try store.open()
            if forced {
                try store.recordForced(ticket, holding: known)
            } else {
                try store.recordActive(ticket, holding: known)
            }
            try store.removeSignposts(of: ids)
        } then: { [self] result in
            switch result {
            case .success: handle(.activeIsOnDisk)
            case .failure(let failure): handle(.failed(failure))
            }
        }
    }

    func start() {
        host.driver.acceptor.absence = nil
        startInbox()
    }

    /// The source hears that this host is active once the inbox is in its place, too: whoever moves
    /// it on at once would leave it behind.
    private func startSessions() {
        guard !isStarting else { return }
        isStarting = true
        startNext(image.sessions[...], failed: 0)
    }

    /// Until it has its place: a program that looks into the old file may keep it for a while, and
    /// senders are told to ask again.
    private func startInbox() {
        guard let inboxMoves, let mover = host.mover else { return startSessions() }
        let (path, ticket, moves) = (mover.path, ticket, inboxMoves + 1)
        mover.arrive {
            try ArrivedInbox(for: path, ticket).install(moves: moves)
        } then: { [self] failure in
            // Sessions do not wait for a file that somebody else keeps busy.
            startSessions()
            guard let failure else {
                host.driver.acceptor.absenceOfInbox = nil
                return
            }
            host.onTrouble?(failure)
            let bound = NIOLoopBound(self, eventLoop: host.loop)
            host.loop.scheduleTask(in: .seconds(1)) { bound.value.startInbox() }
        }
    }

    /// One session a turn of the loop: whose application runs is served while others start.
    private func startNext(_ rest: ArraySlice<SessionImage>, failed: Int) {
        guard let session = rest.first else { return started(failed) }
        var states: [SessionID: ApplicationState] = [:]
        if let application = session.application {
            states[session.id] = ApplicationState(application, unread: session.unread)
        }
        host.driver.activate(states, [session.id])
        let now = host.driver.acceptor.session(session.id)?.outcome
        let hasFailed = now != nil && session.outcome == nil
        let bound = NIOLoopBound((self, rest.dropFirst()), eventLoop: host.loop)
        host.loop.execute {
            let (arrival, rest) = bound.value
            arrival.startNext(rest, failed: failed + (hasFailed ? 1 : 0))
        }
    }

    private func started(_ failed: Int) {
        served = image.sessions.map(\.id)
        let count = served.count
        host.onNotice?(
            "serving \(count) session\(count == 1 ? "" : "s") that came from elsewhere")
        let (store, ticket) = (host.store, ticket)
        host.disk.run {
            if failed > 0 {
                try store.open().recordFailed(ticket)
            } else {
                try store.open().eraseImage(ticket)
            }
        } then: { [self] in
            if case .failure(let failure) = $0 { host.onTrouble?(failure) }
        }
        bytes = ByteBuffer()
        image = HostImage(ticket: ticket)
        handle(.started(failed: UInt32(failed)))
    }

    func discard() {
        let ids = image.sessions.map(\.id)
        host.driver.moved { acceptor, _ in
            acceptor.discard(ids)
            acceptor.absenceOfInbox = nil
        }
        let (store, ticket, arriving, path) = (host.store, ticket, arriving, host.mover?.path)
        host.disk.run {
            try arriving.discard()
            if let path { try? ArrivedInbox(for: path, ticket).discard() }
            if try store.open().targetTickets().contains(where: {
                $0.ticket == ticket && $0.state == .prepared
            }) {
                try store.open().recordDiscarded(ticket)
            }
            try store.open().eraseImage(ticket)
        } then: { [self] in
            if case .failure(let failure) = $0 { host.onTrouble?(failure) }
        }
    }
}
