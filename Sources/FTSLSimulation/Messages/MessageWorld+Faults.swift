internal import FTSLCore

/// Makes the plan's faults happen, and says when all is done.
extension MessageWorld {
    func bytesToNextFault(_ link: Link, _ direction: Direction) -> Int {
        guard let client = link.client else { return .max }
        let seen = paths[client].delivered[direction, default: 0]
        var limit = Int.max
        for index in waitingFaults {
            let fault = scenario.plan.faults[index]
            if case .bytes(direction, let count) = fault.trigger, fault.client == client,
                count > seen
            {
                limit = min(limit, Int(clamping: count - seen))
            }
        }
        return limit
    }

    func strikeByteFaults(_ link: Link, _ direction: Direction) {
        guard let client = link.client else { return }
        let seen = paths[client].delivered[direction, default: 0]
        strike { fault in
            guard case .bytes(direction, let count) = fault.trigger else { return false }
            return fault.client == client && count <= seen
        }
    }

    func strikeCommitFaults(_ role: Role, _ process: Int, _ commits: UInt64) {
        strike { fault in
            guard case .commit(role, let count) = fault.trigger else { return false }
            return (process < 0 || fault.client == process) && UInt64(count) <= commits
        }
    }

    /// Faults strike as events of their own: what they hit is not in the middle of something.
    private func strike(where isDue: (Fault) -> Bool) {
        waitingFaults.removeAll { index in
            guard isDue(scenario.plan.faults[index]) else { return false }
            queue.push(.fault(index), at: now)
            return true
        }
    }

    func strike(_ fault: Fault) {
        let client = fault.client
        trace.note(now, "fault", UInt64(client), 0, FaultPlan([fault]).description)
        let newest = links.last { $0.client == client && ($0.initiatorHolds || $0.acceptorHolds) }
        switch fault.effect {
        case .cut(let loses, let initiator, let acceptor):
            if let newest { cut(newest, loses: loses, initiator: initiator, acceptor: acceptor) }
            quiet(after: max(initiator ?? 15_000, acceptor ?? 15_000))
        case .stall(let direction, let time):
            newest?[direction].stalledUntil = now + nanoseconds(time)
            quiet(after: time)
        case .halfOpen(let direction):
            newest?[direction].lose()
            quiet(after: 15_000)
        case .refuse(let time):
            paths[client].refusedUntil = now + nanoseconds(time)
            quiet(after: time)
        case .unreachable(let time):
            paths[client].unreachableUntil = now + nanoseconds(time)
            quiet(after: time + 10_000)
        case .pause(let role, let time):
            process(role, client).pausedUntil = now + nanoseconds(time)
            quiet(after: time)
        case .jump(let role, let time):
            process(role, client).clockOffset += nanoseconds(time)
            jumped(process(role, client))
            quiet(after: time)
        case .restart: strike(Fault(fault.trigger, client: client, .crash(.acceptor, 0)))
        case .crash(let role, let time):
            if role == .acceptor {
                crashHost(downFor: time)
            } else {
                crash(clients[client], downFor: time)
            }
            quiet(after: time)
        case .full(let role, let time):
            fill(role, client, until: now + nanoseconds(time))
            quiet(after: time)
        case .slowDisk(let role, let by, let time):
            slow(role, client, by: nanoseconds(by), until: now + nanoseconds(time))
            quiet(after: by + time)
        case .flap(let every, let times): flap(fault, every: every, times: times, newest)
        case .slowDials, .attack, .flood: break
        }
    }

    private func quiet(after milliseconds: Int) {
        quietSince = max(quietSince, now + nanoseconds(milliseconds))
    }

    private func process(_ role: Role, _ client: Int) -> Process {
        role == .initiator ? clients[client] : host
    }

    private func jumped(_ process: Process) {
        process.timerAt = .max
        if process.role == .acceptor {
            guard host.isUp else { return }
            schedule(host, deadline: min(host.core.deadline, host.inbox.deadline))
        } else if let core = clients[process.client].core {
            schedule(process, deadline: core.deadline)
        }
    }

    private func fill(_ role: Role, _ client: Int, until time: UInt64) {
        if role == .acceptor {
            inbox.fullUntil = time
        } else {
            clients[client].outbox?.fullUntil = time
        }
    }

    private func slow(_ role: Role, _ client: Int, by: UInt64, until time: UInt64) {
        if role == .acceptor {
            (inbox.slowBy, inbox.slowUntil) = (by, time)
        } else {
            clients[client].outbox?.slowBy = by
            clients[client].outbox?.slowUntil = time
        }
    }

    private func cut(_ link: Link, loses: Bool, initiator: Int?, acceptor: Int?) {
        if loses {
            link.up.lose()
            link.down.lose()
        }
        link.up.isDead = true
        link.down.isDead = true
        if let initiator {
            queue.push(.notice(link: link.number, .initiator), at: now + nanoseconds(initiator))
        }
        if let acceptor {
            queue.push(.notice(link: link.number, .acceptor), at: now + nanoseconds(acceptor))
        }
    }

    private func flap(_ fault: Fault, every: Int, times: Int, _ newest: Link?) {
        if let newest { cut(newest, loses: true, initiator: 0, acceptor: 0) }
        quiet(after: every)
        guard times > 1 else { return }
        laterFaults.append(
            Fault(fault.trigger, client: fault.client, .flap(every: every, times: times - 1)))
        queue.push(.fault(-laterFaults.count), at: now + nanoseconds(every))
    }

    // MARK: The end

    var isFinished: Bool { unfinished == nil }

    /// What is not done yet; nil: all is.
    var unfinished: String? {
        if unsubmitted > 0 { return "\(unsubmitted) submissions" }
        if now < quietSince { return "faults" }
        for process in clients where process.stopped == nil {
            if !process.isUp { return "client \(process.client) is not there" }
            if let text = unfinished(process) { return text }
        }
        for cursor in inbox.tables.consumers.values.sorted(by: { $0.name < $1.name })
        where hasConsumer(cursor.name) {
            let left = inbox.tables.messages.first {
                cursor.filter.matches($0.envelope.topic) && !cursor.hasFinished($0.index)
            }
            if let left { return "message \(left.index.value) of cursor \(cursor.name)" }
        }
        return nil
    }

    func hasConsumer(_ cursor: String) -> Bool {
        clients.contains {
            $0.outbox == nil && $0.stopped == nil && consumer($0).cursor == cursor
        }
    }

    private func unfinished(_ process: ClientProcess) -> String? {
        let client = process.client
        if let outbox = process.outbox {
            guard let lane = outbox.tables.lane else { return nil }
            if lane.settledBelow < lane.end {
                return "message \(lane.settledBelow.value) of producer \(client)"
            }
            guard let watched = scenario.producers[client].watches,
                watched.isEmpty || inbox.tables.consumers[watched] != nil, hasAllConsumers(watched)
            else { return nil }
            let floor = process.processed?.floor ?? .first
            return checker.hasStored(from: floor, of: lane)
                ? "PROCESSED at producer \(client)" : nil
        }
        if process.consumer?.isSettled == false { return "answers of consumer \(client)" }
        guard consumer(process).kind == .ephemeral, let application = process.application else {
            return nil
        }
        let last = inbox.tables.messages.last {
            consumer(process).filter.matches($0.envelope.topic)
        }
        guard let last, application.position.map({ $0 < last.index }) ?? true else { return nil }
        return "message \(last.index.value) at follower \(client)"
    }

    private func hasAllConsumers(_ watched: String) -> Bool {
        inbox.tables.consumers.keys.allSatisfy {
            !watched.isEmpty && $0 != watched || hasConsumer($0)
        }
    }
}
