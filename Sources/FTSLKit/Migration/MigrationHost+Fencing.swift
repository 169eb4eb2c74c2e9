internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// A target that an operator activated while its source lived: one of the two gives way.
/// [FTSL §10.5]
extension MigrationHost {
    /// Asks, after a roll-back, whether the target serves what was sent to it all the same; until
    /// it answers, or nobody could still be looking for the sessions.
    func watchForced(_ ticket: SourceTicket, _ sessions: [SessionID]) {
        guard ticket.age < settings.sessionTimeout, questions[ticket.ticket] == nil else { return }
        let question = TicketQuestion(self, ticket.ticket, ticket.moveTarget)
        hold(question, of: ticket)
        question.watch { [weak self] isServed in
            guard let self else { return true }
            // Where things are is known when they have arrived.
            if isServed, isMoving { return false }
            questions[ticket.ticket] = nil
            guard isServed else { return true }
            if let newer = newerPlace(than: ticket) {
                overrule(ticket, newer)
            } else {
                fence(ticket, sessions)
            }
            return true
        }
    }

    /// For as long as somebody could be looking for the sessions.
    private func hold(_ question: TicketQuestion, of ticket: SourceTicket) {
        questions[ticket.ticket] = question
        let left = settings.sessionTimeout - min(settings.sessionTimeout, ticket.age)
        let bound = NIOLoopBound((self, question), eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(Int64(clamping: left))) {
            let (host, question) = bound.value
            guard host.questions[ticket.ticket] === question else { return }
            host.questions[ticket.ticket] = nil
            question.cancel()
        }
    }

    /// The newest generation that came here.
    private var arrivedMoves: UInt64 {
        let now = arrivals.values.filter { $0.machine.state == .active }.map(\.moves)
        return max(now.max() ?? 0, consumed.values.map(\.moves).max() ?? 0)
    }

    // MARK: The source

    /// Where what a ticket would have moved is since, at a newer generation; nil: it stayed here.
    private func newerPlace(than ticket: SourceTicket) -> MoveTarget? {
        if case .moved(let target) = driver.acceptor.absence {
            return target.generation.moves > ticket.moves ? target : nil
        }
        guard arrivedMoves > ticket.moves else { return nil }
        return MoveTarget(
            endpoints: settings.endpoints, key: settings.key,
            generation: Generation(moves: arrivedMoves, starts: 0))
    }

    private func overrule(_ ticket: SourceTicket, _ newer: MoveTarget) {
        onTrouble?(
            Failure(
                .local, .fenced,
                "\(ticket.target) was activated by hand while this host lived; what it serves is "
                    + "at \(newer.endpointList) since, and it is told so"))
        let question = TicketQuestion(self, ticket.ticket, ticket.moveTarget)
        hold(question, of: ticket)
        question.overrule(by: newer) { [weak self] in self?.questions[ticket.ticket] = nil }
    }

    /// What the target serves is not served here any more, whatever happened here meanwhile.
    private func fence(_ ticket: SourceTicket, _ sessions: [SessionID]) {
        let (store, id) = (store, ticket.ticket)
        decided[id]?.state = .fenced
        disk.run {
            try store.open().recordFenced(id)
        } then: { [self] in
            if case .failure(let failure) = $0 { onTrouble?(failure) }
        }
        giveWay(
            to: ticket.moveTarget, sessions,
            "\(ticket.target) was activated by hand while this host lived: this one gives way")
    }

    // MARK: The target

    /// The source of what was activated here by hand lives, and says that all of it went elsewhere
    /// since; nobody else may say so.
    func superseded(
        _ id: TicketID, by newer: MoveTarget, _ identity: PeerIdentity, at peer: String
    ) -> MigrationMessage.Holding {
        let arrival = arrivals[id]
        let isForced = arrival?.isForced ?? (consumed[id]?.state == .forced)
        guard isForced, (arrival?.source.key ?? consumed[id]?.sourceKey) == "\(identity)" else {
            return holding(of: id)
        }
        if isMoving || arrival?.isUnderWay == true {
            return .prepared(digest: [])
        }
        if case .moved = driver.acceptor.absence { return .nothing }
        guard arrivedMoves < newer.generation.moves else { return .nothing }
        let target = Arrival.reachable(newer, from: peer)
        let record = SourceTicket(
            ticket: id, target: target.endpointList, targetKey: target.key,
            moves: target.generation.moves, imageDigest: [], state: .fenced,
            at: WallClock.milliseconds)
        decided[id] = record
        let from = arrival?.source.endpointList ?? consumed[id]?.source ?? "its source"
        let store = store
        disk.run {
            try store.open().recordSuperseded(record)
        } then: { [self] in
            if case .failure(let failure) = $0 { onTrouble?(failure) }
        }
        giveWay(
            to: target, arrival?.served ?? [],
            "\(from) lived when its sessions were activated here by hand, and moved them to "
                + "\(target.endpointList): this host gives way")
        return .nothing
    }

    // MARK: Giving way

    private func giveWay(to target: MoveTarget, _ sessions: [SessionID], _ why: String) {
        let failure = Failure(.local, .fenced, why)
        onTrouble?(failure)
        for id in sessions {
            guard let session = driver.acceptor.session(id), let handle = driver.handle(of: id)
            else { continue }
            let received = session.receivingChannels[0].taken
            let acknowledged = session.sendingChannels[0].acknowledged
            service?.ended(
                handle, .lost(failure, received: received, acknowledged: acknowledged))
        }
        driver.moved { acceptor, now in
            acceptor.absence = .moved(target)
            acceptor.depart(sessions + acceptor.messageSessions, to: target, now: now)
        }
        guard let mover, mover.store != nil else { return }
        onTrouble?(
            Failure(
                .local, .fenced,
                "messages that came to \(mover.path) since then are only there; their senders "
                    + "hold them as accepted"))
        mover.leave(to: target) { [weak self] in if let failure = $0 { self?.onTrouble?(failure) } }
    }
}
