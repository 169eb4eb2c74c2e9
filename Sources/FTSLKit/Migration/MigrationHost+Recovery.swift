package import FTSLCore
package import FTSLStore
internal import FTSLTransport
internal import NIOCore

/// What a listener knows of moves after a restart. [FTSL §10.5]
extension MigrationHost {
    /// An inbox whose ticket was consumed before it took its place takes it now; call before the
    /// inbox at `path` is opened. Throws `StoreFailure`.
    package static func finishArrivals(records: HostRecordsFile, inbox path: String) throws {
        let consumed = try records.open().targetTickets().filter {
            $0.hasInbox && [.active, .forced, .failed].contains($0.state)
        }
        for ticket in consumed {
            let arrived: ArrivedInbox
            do {
                arrived = try ArrivedInbox(for: path, ticket.ticket)
            } catch let failure as StoreFailure where failure.reason == .missing {
                continue
            }
            try arrived.install(moves: ticket.moves)
        }
    }

    /// Reads the records and goes on where the last process stopped; call before listening. Throws
    /// `StoreFailure`.
    package func recover() throws {
        let store = try self.store.open()
        try store.removeSignposts(expiredAt: WallClock.milliseconds)
        putUp(try store.signposts())
        let sources = try store.sourceTickets()
        let targets = try store.targetTickets()
        for ticket in sources { decided[ticket.ticket] = ticket }
        for ticket in targets where [.active, .forced, .failed].contains(ticket.state) {
            consumed[ticket.ticket] = ticket
        }
        try recoverMoved(sources, targets)
        for ticket in sources where ticket.state == .frozen { decideAgain(ticket) }
        for ticket in sources where ticket.state == .thawed { watchForced(ticket, []) }
        for ticket in targets where ticket.state == .prepared { try wait(for: ticket) }
    }

    private func putUp(_ signposts: [Signpost]) {
        let (wall, now) = (WallClock.milliseconds, MonotonicClock.now)
        for signpost in signposts {
            let left = signpost.until - min(signpost.until, wall)
            driver.acceptor.point(
                signpost.session,
                to: Redirection(
                    secret: SessionSecret(bytes: signpost.secret), target: signpost.moveTarget,
                    until: now + .milliseconds(Int64(clamping: left))))
        }
    }

    /// Everything of this listener is elsewhere, unless something came after it left.
    private func recoverMoved(_ sources: [SourceTicket], _ targets: [TargetTicket]) throws {
        guard let left = sources.last(where: { $0.state == .moved || $0.state == .fenced })
        else { return }
        let came = targets.last { $0.state == .active || $0.state == .forced }
        guard (came?.at ?? 0) <= left.at else { return }
        let inboxes = try store.open().inboxSignposts()
        // Nobody is looked for any more: whoever starts here begins anew.
        let isFenced =
            left.state == .fenced && (mover != nil || left.age < settings.sessionTimeout)
        guard isFenced || driver.acceptor.signpostCount > 0 || mover != nil && !inboxes.isEmpty
        else { return }
        driver.acceptor.absence = .moved(left.moveTarget)
        onNotice?(
            "what was here moved to \(left.target): clients are sent there; remove "
                + "\(recordsPath) to begin anew here")
        guard let mover, let here = mover.store?.identity,
            let signpost = inboxes.first(where: { $0.inbox == here.id }),
            signpost.generation.moves > here.generation.moves
        else { return }
        mover.leave(to: left.moveTarget) { [weak self] in
            if let failure = $0 { self?.onTrouble?(failure) }
        }
    }

    /// The last process froze and was lost: nothing of the ticket is served before it is known
    /// whether its target has it. [FTSL §10.5]
    private func decideAgain(_ ticket: SourceTicket) {
        driver.acceptor.absence = .later
        let question = TicketQuestion(self, ticket.ticket, ticket.moveTarget)
        questions[ticket.ticket] = question
        let bound = NIOLoopBound(self, eventLoop: loop)
        let limit = loop.scheduleTask(in: .seconds(10)) {
            bound.value.conclude(ticket, .nothing)
        }
        question.query { [weak self] holding in
            limit.cancel()
            self?.conclude(ticket, holding)
        }
    }

    private func conclude(_ ticket: SourceTicket, _ holding: MigrationMessage.Holding) {
        // Undecided until the disk has it.
        guard let question = questions.removeValue(forKey: ticket.ticket) else { return }
        question.cancel()
        let isThere =
            switch holding {
            case .nothing: false
            case .prepared(let digest): ticket.imageDigest.starts(with: digest)
            case .active: true
            }
        settle(ticket, isThere)
    }

    /// Nothing is served before the disk has it, however often it must be asked.
    private func settle(_ ticket: SourceTicket, _ isThere: Bool) {
        let store = store
        disk.run { () throws -> [Signpost] in
            guard isThere else {
                try store.open().recordThawed(ticket.ticket)
                return []
            }
            try store.open().recordMoved(ticket.ticket)
            return try store.open().signposts()
        } then: { [self] result in
            switch result {
            case .success(let signposts):
                decided[ticket.ticket]?.state = isThere ? .moved : .thawed
                if isThere { return left(ticket, signposts) }
                driver.acceptor.absence = nil
                watchForced(ticket, [])
            case .failure(let failure):
                onTrouble?(failure)
                let bound = NIOLoopBound(self, eventLoop: loop)
                loop.scheduleTask(in: .seconds(1)) { bound.value.settle(ticket, isThere) }
            }
        }
    }

    private func left(_ ticket: SourceTicket, _ signposts: [Signpost]) {
        onNotice?("what was here moved to \(ticket.target), as was decided now")
        putUp(signposts)
        driver.acceptor.absence = .moved(ticket.moveTarget)
        guard mover?.store != nil else { return }
        mover?.leave(to: ticket.moveTarget) { [weak self] in
            if let failure = $0 { self?.onTrouble?(failure) }
        }
    }

    /// A ticket that is prepared here stays so until its source has answered.
    private func wait(for ticket: TargetTicket) throws {
        let image: HostImage
        do {
            image = try HostImage(try store.open().image(ticket.ticket))
            let arrival = Arrival(self, ticket, image)
            arrivals[ticket.ticket] = arrival
            try arrival.adopt()
            arrival.handle(.sourceIsAway)
        } catch let failure as Failure {
            throw StoreFailure(.damaged, failure.text)
        }
    }

    /// An operator vouches that the source of a prepared ticket is dead for good, or that nobody
    /// wants it any more. Nil: there is no such ticket.
    package func resolve(activate: Bool) -> TicketID? {
        guard let ticket = undecided.first, let arrival = arrivals[ticket] else { return nil }
        arrival.handle(activate ? .forced : .decided(.aborted))
        return ticket
    }

    /// Before the source counts as dead: nil, it does not answer.
    package func askSource(
        of ticket: TicketID, within limit: Duration,
        then: @escaping (MigrationMessage.Decision?) -> Void
    ) {
        guard let arrival = arrivals[ticket] else { return then(nil) }
        let question = TicketQuestion(self, ticket, arrival.source)
        let bound = NIOLoopBound((question, then), eventLoop: loop)
        let nanoseconds = Int64(limit.wholeNanoseconds)
        let alarm = loop.scheduleTask(in: .nanoseconds(nanoseconds)) {
            bound.value.0.cancel()
            bound.value.1(nil)
        }
        question.askOnce { decision in
            alarm.cancel()
            then(decision)
        }
    }
}

extension Signpost {
    var moveTarget: MoveTarget {
        MoveTarget(
            endpoints: endpoints.split(separator: ",").map(String.init), key: key,
            generation: generation)
    }
}

extension SourceTicket {
    /// Milliseconds.
    var age: UInt64 { WallClock.milliseconds - min(WallClock.milliseconds, at) }

    var moveTarget: MoveTarget {
        MoveTarget(
            endpoints: target.split(separator: ",").map(String.init), key: targetKey,
            generation: Generation(moves: moves, starts: 0))
    }
}
