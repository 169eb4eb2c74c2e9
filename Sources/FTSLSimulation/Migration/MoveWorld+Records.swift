internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// Processes of hosts that end and begin, and the work of their disks.
extension MoveWorld {
    // MARK: Disks

    /// Work is done in order; what it needs is on disk when `then` is called, or nothing of it is.
    func disk(
        _ host: MovingHost, _ work: @escaping HostDisk.Work,
        then: @escaping (Failure?) -> Void = { _ in }
    ) {
        host.disk.jobs.append(HostDisk.Job(work: work, then: then))
        beginJob(host)
    }

    private func beginJob(_ host: MovingHost) {
        let disk = host.disk
        guard !disk.isBusy, !disk.jobs.isEmpty else { return }
        disk.isBusy = true
        let epoch = disk.epoch
        var time = UInt64(rng.spread(1...scenario.diskTime)) * 1_000
        if disk.slowUntil > now { time += disk.slowBy }
        after(time) { [unowned self] in
            guard epoch == disk.epoch, let job = disk.jobs.popFirst() else { return }
            disk.isBusy = false
            var failure: Failure?
            do {
                if disk.fullUntil > now { throw HostTables.Refused() }
                var next = disk.tables
                try job.work(&next)
                noteDecisions(of: host, next)
                disk.tables = next
            } catch {
                failure = Failure(.local, .localInputOutput, "the disk refused it: \(error)")
            }
            trace.note(now, "record", UInt64(host.index), failure == nil ? 0 : 1)
            step(host)
            job.then(failure)
            beginJob(host)
            pump(host)
        }
    }

    // MARK: Inboxes

    func ask(_ id: StoreRequestID, _ request: InboxRequest, of host: MovingHost) {
        let inbox = host.inbox
        if inbox.submit(id, request) { return commit(host) }
        let epoch = inbox.epoch
        after(UInt64(rng.spread(1...scenario.diskTime / 4)) * 1_000) { [unowned self] in
            guard host.inbox === inbox, epoch == inbox.epoch, inbox.readNext(wallClock: 0)
            else { return }
            tellAnswers(host)
        }
    }

    /// Begins a commit, unless one is on its way or the inbox stands still.
    func commit(_ host: MovingHost) {
        let inbox = host.inbox
        guard !host.holdsInbox, host.lanes != nil,
            inbox.beginCommit(64, wallClock: 0, isFull: host.disk.fullUntil > now)
        else { return }
        let epoch = inbox.epoch
        after(UInt64(rng.spread(1...scenario.diskTime)) * 1_000) { [unowned self] in
            guard host.inbox === inbox, epoch == inbox.epoch else { return }
            inbox.finishCommit()
            tellAnswers(host)
            commit(host)
        }
    }

    private func tellAnswers(_ host: MovingHost) {
        for (id, reply) in host.inbox.takeAnswers() {
            host.lanes?.reply(id, reply, now: host.clock(now))
        }
        pump(host)
    }

    /// Each start of a process that serves an inbox counts, and is on disk before it serves.
    func openInbox(of host: MovingHost) {
        host.holdsInbox = false
        host.inbox.tables.identity.generation.starts += 1
        let identity = host.inbox.tables.identity
        let queue = InboxQueue()
        host.lanes = InboxHost(
            identity: identity, limits: InboxLimits(), queue: queue,
            consumers: ConsumerHost(identity: identity, queue: queue))
        trace.note(now, "opens inbox", UInt64(host.index), identity.generation.moves)
    }

    /// The inbox is another host's.
    func leaveInbox(_ host: MovingHost, moves: UInt64) {
        guard host.lanes != nil else { return }
        host.lanes = nil
        host.holdsInbox = true
        disk(host) { $0.inboxMoved = moves }
    }

    /// An inbox that came takes its place.
    func install(_ ticket: TicketID, at host: MovingHost, moves: UInt64) {
        guard var tables = host.disk.tables.arrived[ticket] else { return }
        tables.identity.generation = Generation(moves: moves, starts: 1)
        host.disk.tables.arrived[ticket] = nil
        host.disk.tables.inboxMoved = nil
        host.disk.tables.inboxSignposts[tables.identity.id] = nil
        // Who talks to the one that is replaced begins anew with this one.
        let failure = Failure(.local, .shuttingDown, "another inbox takes its place")
        for id in host.core.messageSessions {
            host.core.abort(id, failure, now: host.clock(now))
        }
        host.lanes = nil
        host.inbox = FakeDisk(tables)
        openInbox(of: host)
    }

    // MARK: Lives

    func crash(_ host: MovingHost, downFor milliseconds: Int) {
        guard host.isUp else { return }
        trace.note(now, "crash", UInt64(host.index), UInt64(host.life))
        let before = host.disk.tables
        host.isUp = false
        host.life += 1
        host.disk.crash(keepsFirst: rng.chance(50))
        noteDecisions(of: host, host.disk.tables, before: before)
        if mutation == .forgetsDecision { forgetDecisions(of: host) }
        host.inbox.crash(keepsCommit: rng.chance(50))
        excuse(host)
        for application in host.services.values { application.die() }
        for link in links
        where link.host == host.index && link.incarnation == host.life - 1
            && !link.isOver(for: .acceptor)
        {
            reset(link, by: .acceptor)
        }
        for dialer in host.dialers { kill(dialer) }
        forgetAll(host)
        at(now + nanoseconds(milliseconds)) { [unowned self] in start(host) }
    }

    private func forgetDecisions(of host: MovingHost) {
        for (ticket, source) in host.disk.tables.sources where source.state == .moved {
            host.disk.tables.sources[ticket] = nil
            for id in source.signposts.keys { host.disk.tables.signposts[id] = nil }
            host.disk.tables.inboxSignposts = [:]
            host.disk.tables.inboxMoved = nil
        }
    }

    private func kill(_ dialer: Dialer) {
        for link in dialer.links where !link.isOver(for: .initiator) {
            reset(link, by: .initiator)
        }
        forget(dialer)
    }

    private func forgetAll(_ host: MovingHost) {
        for talk in host.talks.values { talk.forget() }
        host.talks = [:]
        host.services = [:]
        host.ports = [:]
        host.links = []
        host.dialers = []
        host.lanes = nil
        host.departure = nil
        host.arrivals = [:]
        host.questions = [:]
        host.decided = [:]
        host.consumed = [:]
        host.timerAt = .max
        host.timerSerial += 1
    }

    private func start(_ host: MovingHost) {
        host.isUp = true
        host.core = makeCore(host.index)
        trace.note(now, "starts", UInt64(host.index), UInt64(host.life))
        for ticket in host.disk.tables.order {
            guard let target = host.disk.tables.targets[ticket], let moves = target.inboxMoves,
                target.state == .active || target.state == .forced
            else { continue }
            install(ticket, at: host, moves: moves + 1)
        }
        if host.lanes == nil, host.disk.tables.inboxMoved == nil { openInbox(of: host) }
        recover(host)
        pump(host)
    }
}
