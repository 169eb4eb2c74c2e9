internal import FTSLCore

/// Makes the plan's faults happen.
extension MoveWorld {
    /// A host did something about a ticket.
    func step(_ host: MovingHost) {
        host.steps += 1
        waitingFaults.removeAll { index in
            let fault = scenario.faults[index]
            guard case .step(host.index, host.steps, let later) = fault.trigger else {
                return false
            }
            quiet(after: later)
            // What it hits is not in the middle of something.
            after(nanoseconds(later)) { [unowned self] in strike(fault.effect) }
            return true
        }
    }

    func strike(_ effect: MoveFault.Effect) {
        trace.note(now, "fault", 0, 0, "\(effect)")
        switch effect {
        case .crash(let host, let time):
            crash(hosts[host], downFor: time)
            quiet(after: time)
        case .cut(let a, let b):
            for link in links where !link.isBroken && joins(link, a, b) { cut(link) }
            quiet(after: 3_000)
        case .partition(let a, let b, let time):
            partitions.append((a, b, now + nanoseconds(time)))
            quiet(after: time)
        case .slowDisk(let host, let by, let time):
            hosts[host].disk.slowBy = nanoseconds(by)
            hosts[host].disk.slowUntil = now + nanoseconds(time)
            quiet(after: by + time)
        case .full(let host, let time):
            hosts[host].disk.fullUntil = now + nanoseconds(time)
            quiet(after: time)
        case .resolve(let host, let evenIfAlive):
            resolve(hosts[host], evenIfAlive: evenIfAlive)
            quiet(after: 10_000)
        case .abort(let host):
            hosts[host].departure?.abort()
            quiet(after: 0)
        }
    }

    private func joins(_ link: Link, _ a: Int, _ b: Int) -> Bool {
        guard let dialer = link.client.map({ dialers[$0] }) else { return false }
        return (dialer.place == a && link.host == b) || (dialer.place == b && link.host == a)
    }

    func quiet(after milliseconds: Int) {
        quietSince = max(quietSince, now + nanoseconds(milliseconds))
    }
}
