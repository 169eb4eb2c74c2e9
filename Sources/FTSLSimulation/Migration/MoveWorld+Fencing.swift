internal import FTSLCore
internal import NIOCore

/// A target that an operator activated while its source lived: one of the two gives way, as in
/// `FTSLKit`. [FTSL §10.5]
extension MoveWorld {
    /// Asks, after a roll-back, whether the target serves what was sent to it all the same.
    func watchForced(
        _ ticket: TicketID, _ record: HostTables.Source, _ sessions: [SessionID],
        at host: MovingHost
    ) {
        guard host.questions[ticket] == nil else { return }
        let question = Question(self, host, .query(ticket), of: record.target)
        host.questions[ticket] = question
        question.begin { [unowned self] message in
            // Where things are is known when they have arrived.
            guard !host.isMoving else { return false }
            switch message {
            case .holding(.active):
                host.questions[ticket] = nil
                if let newer = newerPlace(than: record, at: host) {
                    if mutation == .forgetsOverruled { return true }
                    overrule(ticket, record, newer, at: host)
                } else {
                    fence(ticket, record, sessions, at: host)
                }
            case .holding(.nothing): host.questions[ticket] = nil
            default: return false
            }
            return true
        }
    }

    /// Where what a ticket would have moved is since, at a newer generation; nil: it stayed here.
    private func newerPlace(
        than record: HostTables.Source, at host: MovingHost
    ) -> MoveTarget? {
        if case .moved(let target) = host.core.absence {
            return target.generation.moves > record.moves ? target : nil
        }
        guard host.arrivedMoves > record.moves else { return nil }
        return MoveTarget(
            endpoints: ["\(host.index)"], key: "",
            generation: Generation(moves: host.arrivedMoves, starts: 0))
    }

    private func overrule(
        _ ticket: TicketID, _ record: HostTables.Source, _ newer: MoveTarget, at host: MovingHost
    ) {
        trace.note(now, "overrules", UInt64(host.index), UInt64(record.target))
        let question = Question(self, host, .superseded(ticket, newer), of: record.target)
        host.questions[ticket] = question
        question.begin { message in
            guard case .holding(.nothing) = message else { return false }
            host.questions[ticket] = nil
            return true
        }
    }

    private func fence(
        _ ticket: TicketID, _ record: HostTables.Source, _ sessions: [SessionID],
        at host: MovingHost
    ) {
        host.decided[ticket]?.state = .fenced
        disk(host) { $0.sources[ticket]?.state = .fenced }
        giveWay(
            to: MoveTarget(
                endpoints: ["\(record.target)"], key: "",
                generation: Generation(moves: record.moves, starts: 0)),
            sessions, at: host)
    }

    /// The source of what was activated here by hand lives, and says that it went elsewhere since.
    func superseded(
        _ ticket: TicketID, _ target: MoveTarget, at host: MovingHost
    ) -> MigrationMessage.Holding {
        let arrival = host.arrivals[ticket]
        let isForced = arrival?.isForced ?? (host.disk.tables.targets[ticket]?.state == .forced)
        guard isForced, let place = target.endpoints.first.flatMap({ Int($0) }) else {
            return holding(of: ticket, at: host)
        }
        if host.isMoving || arrival?.isUnderWay == true { return .prepared(digest: []) }
        if case .moved = host.core.absence { return .nothing }
        guard host.arrivedMoves < target.generation.moves else { return .nothing }
        let moves = target.generation.moves
        host.decided[ticket] = HostTables.Source(
            state: .fenced, target: place, moves: moves, digest: [], signposts: [:])
        disk(host) { $0.supersede(ticket, place, moves) }
        let came = arrival?.image.sessions.map(\.id) ?? []
        giveWay(to: target, came.filter { host.core.session($0) != nil }, at: host)
        return .nothing
    }

    private func giveWay(to target: MoveTarget, _ sessions: [SessionID], at host: MovingHost) {
        trace.note(now, "fenced", UInt64(host.index))
        host.core.absence = .moved(target)
        host.core.depart(
            sessions + host.core.messageSessions, to: target, now: host.clock(now))
        leaveInbox(host, moves: target.generation.moves)
        pump(host)
    }
}
