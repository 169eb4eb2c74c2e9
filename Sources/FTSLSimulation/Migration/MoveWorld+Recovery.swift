internal import FTSLCore
internal import NIOCore

/// What a host knows of moves after a restart, as in `FTSLKit`.
extension MoveWorld {
    func recover(_ host: MovingHost) {
        let tables = host.disk.tables
        putUp(tables.signposts, at: host)
        host.decided = tables.sources
        host.consumed = tables.targets.filter {
            $0.value.state == .active || $0.value.state == .forced
        }.mapValues(\.moves)
        recoverMoved(host, tables)
        for ticket in tables.order {
            if let source = tables.sources[ticket] {
                switch source.state {
                case .frozen: decideAgain(ticket, source, at: host)
                case .thawed: watchForced(ticket, source, [], at: host)
                case .moved, .fenced: break
                }
            }
            if let target = tables.targets[ticket] { goOn(ticket, target, tables, at: host) }
        }
    }

    private func putUp(
        _ signposts: [SessionID: HostTables.Signpost], at host: MovingHost
    ) {
        guard mutation != .forgetsSignposts else { return }
        for (id, signpost) in signposts {
            host.core.point(
                id,
                to: Redirection(
                    secret: SessionSecret(bytes: signpost.secret), target: signpost.target,
                    until: host.clock(now) + .seconds(300)))
        }
    }

    /// Everything of this host is elsewhere, unless something came after it left.
    private func recoverMoved(_ host: MovingHost, _ tables: HostTables) {
        let left = tables.order.lastIndex {
            tables.sources[$0]?.state == .moved || tables.sources[$0]?.state == .fenced
        }
        let came = tables.order.lastIndex {
            tables.targets[$0]?.state == .active || tables.targets[$0]?.state == .forced
        }
        guard let left, came ?? -1 <= left, let source = tables.sources[tables.order[left]],
            !tables.signposts.isEmpty || !tables.inboxSignposts.isEmpty
                || source.state == .fenced
        else { return }
        let target = MoveTarget(
            endpoints: ["\(source.target)"], key: "",
            generation: Generation(moves: source.moves, starts: 0))
        host.core.absence = .moved(target)
        if let here = host.lanes?.identity, let signpost = tables.inboxSignposts[here.id],
            signpost.generation.moves > here.generation.moves
        {
            leaveInbox(host, moves: source.moves)
        }
    }

    /// The last process froze and was lost: nothing of the ticket is served before it is known
    /// whether its target has it. [FTSL §10.5]
    private func decideAgain(
        _ ticket: TicketID, _ source: HostTables.Source, at host: MovingHost
    ) {
        if mutation != .servesUndecided { host.core.absence = .later }
        let question = Question(self, host, .query(ticket), of: source.target)
        host.questions[ticket] = question
        after(.seconds(10), of: host) { [unowned self] in
            conclude(ticket, source, .nothing, at: host)
        }
        question.begin { [unowned self] message in
            guard case .holding(let holding) = message else { return false }
            conclude(ticket, source, holding, at: host)
            return true
        }
    }

    private func conclude(
        _ ticket: TicketID, _ source: HostTables.Source, _ holding: MigrationMessage.Holding,
        at host: MovingHost
    ) {
        guard let question = host.questions.removeValue(forKey: ticket) else { return }
        after(0) { question.cancel() }
        let isThere =
            switch holding {
            case .nothing: false
            case .prepared(let digest): source.digest == digest
            case .active: true
            }
        settle(ticket, source, isThere, at: host)
    }

    private func settle(
        _ ticket: TicketID, _ source: HostTables.Source, _ isThere: Bool, at host: MovingHost
    ) {
        disk(host) {
            if isThere { try $0.move(ticket) } else { try $0.thaw(ticket) }
        } then: { [unowned self] failure in
            if failure != nil {
                return after(.seconds(1), of: host) { [unowned self] in
                    settle(ticket, source, isThere, at: host)
                }
            }
            host.decided[ticket]?.state = isThere ? .moved : .thawed
            guard isThere else {
                host.core.absence = nil
                return watchForced(ticket, source, [], at: host)
            }
            putUp(host.disk.tables.signposts, at: host)
            host.core.absence = .moved(
                MoveTarget(
                    endpoints: ["\(source.target)"], key: "",
                    generation: Generation(moves: source.moves, starts: 0)))
            leaveInbox(host, moves: source.moves)
        }
    }

    /// A ticket that is prepared here stays so until its source has answered.
    private func goOn(
        _ ticket: TicketID, _ target: HostTables.Target, _ tables: HostTables,
        at host: MovingHost
    ) {
        let isAgain = mutation == .usesImageTwice && target.state == .active
        guard target.state == .prepared || isAgain, let bytes = tables.images[ticket] else {
            return
        }
        do {
            let image = try HostImage(bytes)
            let arrival = Arriving(self, host, ticket, target, image)
            host.arrivals[ticket] = arrival
            try arrival.adopt()
            if isAgain { return arrival.start() }
            arrival.handle(.sourceIsAway)
        } catch {
            fail(.definite, "an image on disk is of no use: \(error)")
        }
    }
}
