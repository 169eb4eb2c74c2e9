internal import FTSLCore

/// Makes the plan's faults happen.
extension World {
    /// How many bytes may still arrive this way before a fault strikes.
    func bytesToNextFault(_ link: Link, _ direction: Direction) -> Int {
        guard let client = link.client else { return .max }
        let seen = paths[client].delivered[direction, default: 0]
        var limit = Int.max
        for index in byteFaults {
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
        guard let client = link.client, !byteFaults.isEmpty else { return }
        let seen = paths[client].delivered[direction, default: 0]
        var due: [Fault] = []
        byteFaults.removeAll { index in
            let fault = scenario.plan.faults[index]
            guard case .bytes(direction, let count) = fault.trigger, fault.client == client,
                count <= seen
            else { return false }
            due.append(fault)
            return true
        }
        for fault in due { strike(fault) }
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
            guard let newest else { return }
            newest[direction].stalledUntil = now + nanoseconds(time)
            quiet(after: time, outage: true)
        case .halfOpen(let direction):
            newest?[direction].lose()
            quiet(after: 15_000)
        case .refuse(let time):
            paths[client].refusedUntil = now + nanoseconds(time)
            quiet(after: time, outage: true)
        case .unreachable(let time):
            paths[client].unreachableUntil = now + nanoseconds(time)
            quiet(after: time + 10_000, outage: true)
        case .slowDials(let by, let time):
            paths[client].slowBy = nanoseconds(by)
            paths[client].slowUntil = now + nanoseconds(time)
            quiet(after: by + time, outage: true)
        case .pause(let role, let time):
            process(role, client).pausedUntil = now + nanoseconds(time)
            quiet(after: time, outage: true)
        case .jump(let role, let time):
            let process = process(role, client)
            process.clockOffset += nanoseconds(time)
            process.timerAt = .max
            rearm(process)
            quiet(after: time, outage: true)
        case .restart, .crash(.acceptor, _): restart()
        // Streams have no disk, and their initiators end with their sessions.
        case .crash(.initiator, _), .full, .slowDisk: break
        case .flap(let every, let times): flap(fault, every: every, times: times, newest)
        case .attack(let attack, let capture, let at):
            beginAttack(attack, capture: capture, at: at)
        case .flood(let count):
            for _ in 0..<count { beginAttack(.garbage, capture: 0, at: 0) }
        }
    }

    private func nanoseconds(_ milliseconds: Int) -> UInt64 {
        UInt64(max(0, milliseconds)) * 1_000_000
    }

    private func quiet(after milliseconds: Int, outage counts: Bool = false) {
        quietSince = max(quietSince, now + nanoseconds(milliseconds))
        if counts { outage += nanoseconds(milliseconds) }
    }

    private func process(_ role: Role, _ client: Int) -> Process {
        role == .initiator ? initiators[client] : acceptor
    }

    /// A clock that jumped makes deadlines due; the process's timer sees that when it looks again.
    private func rearm(_ process: Process) {
        if process.role == .acceptor {
            schedule(process, deadline: acceptor.core.deadline)
        } else {
            schedule(process, deadline: initiators[process.client].core.deadline)
        }
    }

    func cut(_ link: Link, loses: Bool, initiator: Int?, acceptor: Int?) {
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
        quiet(after: every, outage: true)
        guard times > 1 else { return }
        let next = Fault(
            fault.trigger, client: fault.client, .flap(every: every, times: times - 1))
        laterFaults.append(next)
        queue.push(.fault(-laterFaults.count), at: now + nanoseconds(every))
    }

    /// The process is gone with all it knew; its sockets are reset; a new one listens.
    private func restart() {
        restarts += 1
        for application in acceptor.applications.values { application.die() }
        for link in links where link.acceptorHolds || (link.initiatorHolds && !link.isBroken) {
            link.letGo(.acceptor)
            link.up.lose()
            link.down.lose()
            queue.push(
                .notice(link: link.number, .initiator), at: now + link.down.shape.latency)
        }
        acceptor = Self.makeAcceptor(
            scenario, incarnation: acceptor.incarnation + 1, rng: rng.split())
        quiet(after: 0)
    }
}
