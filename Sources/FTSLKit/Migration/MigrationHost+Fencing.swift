internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// A target that an operator activated while its source lived: the source gives way. [FTSL §10.5]
extension MigrationHost {
    /// Asks, after a roll-back, whether the target serves what was sent to it all the same; until
    /// it answers, or nobody could still be looking for the sessions.
    func watchForced(_ ticket: SourceTicket, _ sessions: [SessionID]) {
        let age = WallClock.milliseconds - min(WallClock.milliseconds, ticket.at)
        guard age < settings.sessionTimeout, questions[ticket.ticket] == nil else { return }
        let question = TicketQuestion(self, ticket.ticket, ticket.moveTarget)
        questions[ticket.ticket] = question
        let bound = NIOLoopBound(self, eventLoop: loop)
        let left = TimeAmount.milliseconds(Int64(settings.sessionTimeout - age))
        let limit = loop.scheduleTask(in: left) {
            bound.value.questions.removeValue(forKey: ticket.ticket)?.cancel()
        }
        question.watch { [weak self] isServed in
            limit.cancel()
            guard let self else { return }
            questions[ticket.ticket] = nil
            if isServed { fence(ticket, sessions) }
        }
    }

    /// What the target serves is not served here any more, whatever happened here meanwhile.
    private func fence(_ ticket: SourceTicket, _ sessions: [SessionID]) {
        let target = ticket.moveTarget
        let failure = Failure(
            .local, .fenced,
            "\(ticket.target) was activated by hand while this host lived: this one gives way")
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
        let (store, id) = (store, ticket.ticket)
        decided[id]?.state = .fenced
        disk.run {
            try store.open().recordFenced(id)
        } then: { [self] in
            if case .failure(let failure) = $0 { onTrouble?(failure) }
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
