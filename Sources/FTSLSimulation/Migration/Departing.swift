internal import FTSLCore
internal import NIOCore

/// One ticket at its source: carries out what `MigrationSource` decides, as `FTSLKit` does.
final class Departing {
    private unowned let world: MoveWorld
    let host: MovingHost
    let target: Int
    let ticket: TicketID
    private(set) var machine = MigrationSource(isPlan: false)
    private var talk: Talk?
    private var place: MoveTarget
    private var frozen: [SessionID] = []
    private var messageSessions: [SessionID] = []
    private var states: [SessionID: UInt64] = [:]
    private var image = ByteBuffer()
    /// The inbox as it leaves.
    private var inboxDigest: [UInt8] = []
    private var moves: UInt64 = 0
    private var record: HostTables.Source?
    private var sent: [SessionID] = []
    /// Below it no generation is given away: a target may have it that was activated by hand.
    private let floor: UInt64

    init(_ world: MoveWorld, _ host: MovingHost, to target: Int) {
        self.world = world
        self.host = host
        self.target = target
        ticket = .random(using: &world.rng)
        floor = world.mutation == .reusesGeneration ? 0 : host.usedMoves
        place = MoveTarget(
            endpoints: ["\(target)"], key: "", generation: Generation(moves: 0, starts: 0))
    }

    func start() {
        world.talk(from: host, to: target) { [weak self] talk in
            guard let self else { return }
            self.talk = talk
            talk.onMessage = { [weak self] in self?.received($0) }
            talk.onEnded = { [weak self] in self?.handle(.failed(Self.away)) }
            talk.onDetached = { [weak self] in self?.lostSight() }
            talk.send(.offer(offer))
        } ended: { [weak self] in
            self?.handle(.failed(Self.away))
        }
    }

    private static let away = Failure(.peer, .migrationAborted, "the target went away")

    private var offer: MigrationMessage.Offer {
        let inbox = host.lanes.map {
            MigrationMessage.InboxOffer(
                id: $0.identity.id, moves: max($0.identity.generation.moves, floor), bytes: 0)
        }
        return MigrationMessage.Offer(
            ticket: ticket, label: "main", service: "", serviceDigest: [],
            sessions: UInt32(host.core.streamSessions.count), memory: host.core.reservedMemory,
            plaintextSessions: 0, inbox: inbox,
            source: MoveTarget(
                endpoints: ["\(host.index)"], key: "", generation: .first),
            isPlan: false)
    }

    private func lostSight() {
        let patience: Duration = machine.state == .copying ? .seconds(30) : .seconds(1)
        world.after(patience, of: host) { [weak self] in
            guard let self, talk?.isAttached == false else { return }
            handle(.failed(Self.away))
        }
    }

    func abort() {
        handle(.failed(Failure(.local, .migrationAborted, "the operator aborted it")))
    }

    /// What somebody is told who asks about this ticket.
    var decision: MigrationMessage.Decision {
        if world.mutation == .abortsWhileDeciding, machine.state == .deciding { return .aborted }
        return machine.decision
    }

    private func received(_ message: MigrationMessage) {
        world.step(host)
        switch message {
        case .accept: handle(.accepted(place))
        case .refuse(let failure):
            handle(machine.state == .offering ? .refused(failure) : .failed(failure))
        case .prepared(let digest): handle(.prepared(digest: digest))
        case .active(let failed): handle(.active(failed: failed))
        case .abort(let failure): handle(.failed(failure))
        case .ask(let asked): talk?.send(.answer(asked == ticket ? decision : .aborted))
        case .offer, .inbox, .image, .seal, .decided, .answer, .query, .holding, .superseded:
            world.fail(.definite, "a source was told \(message)")
        }
    }

    // MARK: Effects

    private func handle(_ input: MigrationSource.Input) {
        for effect in machine.handle(input) { perform(effect) }
        world.pump(host)
    }

    private func perform(_ effect: MigrationSource.Effect) {
        world.trace.note(world.now, "source", UInt64(host.index), 0, "\(effect)".shortened)
        world.step(host)
        switch effect {
        case .announce(let target):
            host.core.announce(host.core.streamSessions, nextHome: target)
        case .copyInbox: copyInbox()
        case .freeze: freeze()
        case .recordFrozen: recordFrozen()
        case .sendImage: sendImage()
        case .recordMoved: recordMoved()
        case .sendDecided: talk?.send(.decided)
        case .redirect: redirect()
        case .sendAbort(let failure): talk?.send(.abort(failure))
        case .recordThawed: recordThawed()
        case .thaw: thaw()
        case .end: end()
        }
    }

    private func end() {
        talk?.onEnded = nil
        talk?.finish()
        if host.departure === self { host.departure = nil }
    }

    private func copyInbox() {
        if world.mutation == .copiesEarly { takeInbox() }
        let time = Duration.milliseconds(world.rng.spread(0...400))
        world.after(time, of: host) { [weak self] in self?.handle(.copied) }
    }

    private func takeInbox() {
        let token = world.nextToken()
        world.cargo[token] = host.inbox.tables
        var bytes = ByteBuffer()
        bytes.writeInteger(token)
        talk?.send(.inbox(part: 0, offset: 0, bytes))
        inboxDigest = Array(bytes.readableBytesView)
    }

    // MARK: Standing still

    private func freeze() {
        let limit = Duration.milliseconds(world.scenario.maxPause)
        world.after(limit, of: host) { [weak self] in
            guard let self, machine.isPaused else { return }
            handle(
                .failed(Failure(.time, .migrationAborted, "clients would have waited too long")))
        }
        frozen = host.core.streamSessions
        let applications = frozen.filter { host.core.isServed($0) }
        messageSessions = host.lanes == nil ? [] : host.core.messageSessions
        host.core.absence = .later
        if world.mutation != .keepsServing { host.core.freeze(frozen + messageSessions) }
        var missing = applications.count
        if missing == 0 { return settleInbox() }
        for id in applications {
            let time = world.rng.within(0...world.scenario.checkpointTime)
            // Held: what an application leaves is put back even if the ticket is over.
            world.after(.milliseconds(time), of: host) { [self] in
                missing -= 1
                left(id)
                if missing == 0, machine.state == .freezing { settleInbox() }
                world.pump(host)
            }
        }
    }

    private func left(_ id: SessionID) {
        guard let application = host.services[id], !application.isDead,
            host.core.isServed(id)
        else {
            // Its end came first: it drains here.
            frozen.removeAll { $0 == id }
            return host.core.thaw([id], now: host.clock(world.now))
        }
        world.noteTaken(by: application, id)
        let token = world.nextToken()
        world.checkpoints[token] = application.checkpoint(
            unused: world.scenario.unused == 0
                ? 0 : world.rng.within(0...world.scenario.unused))
        guard machine.state == .freezing else {
            return world.restart(id, host, from: token)
        }
        states[id] = token
    }

    private func settleInbox() {
        guard host.lanes != nil, world.mutation != .copiesEarly else { return makeImage() }
        host.holdsInbox = true
        takeStillInbox()
    }

    private func takeStillInbox() {
        world.after(.milliseconds(1), of: host) { [weak self] in
            guard let self, machine.state == .freezing else { return }
            guard !host.inbox.isWriting else { return takeStillInbox() }
            takeInbox()
            makeImage()
        }
    }

    private func makeImage() {
        var whole = HostImage(ticket: ticket)
        for id in frozen {
            var application: ByteBuffer?
            var unread = ByteBuffer()
            if let token = states[id] {
                application = ByteBuffer(integer: token)
                unread = world.checkpoints[token]?.unread ?? unread
            }
            if world.mutation == .keepsServing { host.core.freeze([id]) }
            guard
                var one = host.core.image(of: id, application: application, unread: unread)
            else { continue }
            one.generation.moves = max(one.generation.moves, floor)
            if world.mutation == .keepsServing {
                host.core.thaw([id], now: host.clock(world.now))
                if let token = states[id] { world.restart(id, host, from: token) }
            }
            whole.sessions.append(one)
        }
        image = whole.encoded
        machine.digest = HostImage.digest(image) + inboxDigest
        moves = max(
            whole.moves, host.lanes.map { max($0.identity.generation.moves, floor) + 1 } ?? 0)
        handle(.frozen)
    }

    private func sendImage() {
        var rest = image
        while let piece = rest.readPiece(Bound.migrationPiece) { talk?.send(.image(piece)) }
        talk?.send(.seal(image: HostImage.digest(image), inbox: inboxDigest))
    }

    // MARK: The decision

    private func recordFrozen() {
        var record = HostTables.Source(
            target: target, moves: moves, digest: machine.digest, signposts: [:],
            inbox: host.lanes?.identity)
        for id in frozen {
            guard let session = host.core.session(id) else { continue }
            var own = place
            own.generation = Generation(
                moves: max(session.host.generation.moves, floor) + 1, starts: 0)
            record.signposts[id] = HostTables.Signpost(
                secret: session.identity.secret.bytes, target: own)
        }
        self.record = record
        sent = frozen
        let ticket = ticket
        world.disk(host) {
            $0.record(ticket, record)
        } then: { [self] failure in
            handle(failure.map { .failed($0) } ?? .frozenIsOnDisk)
        }
    }

    private func recordMoved() {
        let ticket = ticket
        if world.mutation == .decidesInMemory { talk?.send(.decided) }
        world.disk(host) {
            try $0.move(ticket)
        } then: { [self] failure in
            if let failure {
                for effect in machine.decisionFailed(failure) { perform(effect) }
                return world.pump(host)
            }
            record?.state = .moved
            host.decided[ticket] = record
            handle(.movedIsOnDisk)
        }
    }

    /// Until the disk has it nothing goes on: the target may hold all of it, and a process that
    /// comes after this one would decide for the target.
    private func recordThawed() {
        let ticket = ticket
        if world.mutation == .forgetsThaw { return handle(.thawedIsOnDisk) }
        world.disk(host) {
            if $0.sources[ticket] != nil { try $0.thaw(ticket) }
        } then: { [self] failure in
            guard failure != nil else { return handle(.thawedIsOnDisk) }
            world.after(.seconds(1), of: host) { [self] in recordThawed() }
        }
        if world.mutation == .thawsEarly { handle(.thawedIsOnDisk) }
    }

    private func redirect() {
        place.generation = Generation(moves: moves, starts: 0)
        host.core.absence = .moved(place)
        host.core.depart(frozen + messageSessions, to: place, now: host.clock(world.now))
        world.leaveInbox(host, moves: moves)
    }

    private func thaw() {
        // What was unread comes before what came meanwhile.
        for (id, token) in states.sorted(by: { $0.value < $1.value }) {
            world.restart(id, host, from: token)
        }
        let held = frozen + messageSessions
        host.core.absence = nil
        host.core.thaw(held, now: host.clock(world.now))
        states = [:]
        (frozen, messageSessions) = ([], [])
        host.holdsInbox = false
        world.commit(host)
        guard var record else { return }
        record.state = .thawed
        host.decided[ticket] = record
        world.watchForced(ticket, record, sent, at: host)
    }
}

extension String {
    /// For a trace: what an effect is, without all that it carries.
    var shortened: String { String(prefix(60)) }
}
