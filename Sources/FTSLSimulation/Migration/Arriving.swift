internal import FTSLCore
internal import NIOCore

/// One ticket at its target: carries out what `MigrationTarget` decides, as `FTSLKit` does.
final class Arriving {
    private unowned let world: MoveWorld
    private let host: MovingHost
    let ticket: TicketID
    let source: Int
    /// Of an inbox that comes along, at its source.
    private let inboxMoves: UInt64?
    private let offered: MigrationMessage.InboxOffer?
    private(set) var machine: MigrationTarget
    private var talk: Talk?
    private var bytes = ByteBuffer()
    private(set) var image: HostImage
    private var inbox: InboxTables?
    private var inboxDigest: [UInt8] = []
    private(set) var digest: [UInt8] = []
    private(set) var isForced = false
    /// Of the generation after the move.
    private(set) var moves: UInt64 = 0
    private var question: Question?

    /// A ticket that is offered.
    init(
        _ world: MoveWorld, _ host: MovingHost, _ offer: MigrationMessage.Offer, _ talk: Talk
    ) {
        self.world = world
        self.host = host
        self.talk = talk
        ticket = offer.ticket
        source = offer.source.endpoints.first.flatMap { Int($0) } ?? 0
        inboxMoves = offer.inbox?.moves
        offered = offer.inbox
        machine = MigrationTarget()
        image = HostImage(ticket: offer.ticket)
    }

    /// A ticket that an earlier process of this host had prepared.
    init(
        _ world: MoveWorld, _ host: MovingHost, _ ticket: TicketID, _ record: HostTables.Target,
        _ image: HostImage
    ) {
        self.world = world
        self.host = host
        self.ticket = ticket
        self.image = image
        source = record.source
        inboxMoves = record.inboxMoves
        offered = nil
        digest = record.digest
        moves = record.moves
        machine = MigrationTarget(isPrepared: true)
    }

    var isUnderWay: Bool {
        switch machine.state {
        case .receiving, .storing, .prepared, .activating: true
        case .active: !machine.hasStarted && world.mutation != .movesUnstarted
        case .over: false
        }
    }

    var isOver: Bool { !isUnderWay }

    var holding: MigrationMessage.Holding {
        switch machine.state {
        case .prepared, .activating: .prepared(digest: digest)
        case .active: .active
        case .receiving, .storing, .over: .nothing
        }
    }

    // MARK: Receiving

    func begin() {
        talk?.onMessage = { [weak self] in self?.received($0) }
        talk?.onEnded = { [weak self] in
            self?.talk = nil
            self?.handle(.sourceIsAway)
        }
        talk?.onDetached = { [weak self] in self?.lostSight() }
    }

    private func lostSight() {
        guard isUnderWay else { return }
        let isPrepared = machine.state == .prepared
        let patience: Duration = isPrepared ? .milliseconds(200) : .seconds(30)
        world.after(patience, of: host) { [weak self] in
            guard let self, let talk, !talk.isAttached, isUnderWay else { return }
            if machine.state == .prepared {
                isAway()
            } else if !isPrepared {
                talk.forget()
                self.talk = nil
                handle(.sourceIsAway)
            }
        }
    }

    private func isAway() {
        switch world.mutation {
        case .activatesUnasked: handle(.decided(.moved))
        case .discardsUnasked: handle(.decided(.aborted))
        default: ask()
        }
    }

    private func received(_ message: MigrationMessage) {
        world.step(host)
        switch message {
        case .inbox(_, _, let bytes):
            guard let token: UInt64 = bytes.getInteger(at: bytes.readerIndex) else { return }
            inbox = world.cargo[token]
            inboxDigest = Array(bytes.readableBytesView)
        case .image(let piece): bytes.writeImmutableBuffer(piece)
        case .seal(let image, let inbox): sealed(image, inbox)
        case .decided: handle(.decided(.moved))
        case .abort: handle(.decided(.aborted))
        case .answer(let decision): handle(.decided(decision))
        case .query: talk?.send(.holding(holding))
        case .offer, .accept, .refuse, .prepared, .active, .ask, .holding, .superseded:
            world.fail(.definite, "a target was told \(message)")
        }
    }

    private func sealed(_ imageDigest: [UInt8], _ inboxDigest: [UInt8]) {
        digest = imageDigest + inboxDigest
        do {
            image = try HostImage(bytes)
            for session in image.sessions {
                if let obstacle = host.core.obstacle(to: session) { throw obstacle }
            }
        } catch let failure as Failure {
            if failure.code.isViolation { world.fail(.definite, "\(failure)") }
            return handle(.failed(failure))
        } catch {
            return handle(.failed(Failure(.local, .internalError, "\(error)")))
        }
        guard HostImage.digest(bytes) == imageDigest, self.inboxDigest == inboxDigest else {
            return world.fail(.definite, "what arrived is not what was sent")
        }
        guard offered != nil, world.mutation != .replacesUnseen else { return storeImage() }
        // Nobody sends to the inbox that is about to be replaced.
        host.core.absenceOfInbox = .later
        host.holdsInbox = true
        let failure = Failure(.local, .shuttingDown, "another inbox is about to take its place")
        for id in host.core.messageSessions {
            host.core.abort(id, failure, now: host.clock(world.now))
        }
        lookAtInbox()
    }

    /// At what came since the offer, once it is on the disk.
    private func lookAtInbox() {
        world.after(.milliseconds(1), of: host) { [weak self] in
            guard let self, machine.state == .receiving else { return }
            guard !host.inbox.isWriting else { return lookAtInbox() }
            if let obstacle = world.inboxObstacle(offered, host) {
                return handle(.failed(Failure(.peer, .migrationRefused, obstacle)))
            }
            storeImage()
        }
    }

    private func storeImage() {
        let (bytes, ticket, sessions, inbox) = (bytes, ticket, image.sessions, inbox)
        world.disk(host) { tables in
            for session in sessions
            where tables.generations[session.id] ?? 0 > session.generation.moves {
                throw Failure(.peer, .staleGeneration, "a newer generation was here")
            }
            tables.images[ticket] = bytes
            tables.arrived[ticket] = inbox
        } then: { [self] failure in
            handle(failure.map { .failed($0) } ?? .sealed)
        }
    }

    // MARK: Effects

    func handle(_ input: MigrationTarget.Input) {
        for effect in machine.handle(input) { perform(effect) }
        world.pump(host)
    }

    private func perform(_ effect: MigrationTarget.Effect) {
        world.trace.note(world.now, "target", UInt64(host.index), 0, "\(effect)".shortened)
        world.step(host)
        switch effect {
        case .recordPrepared: recordPrepared()
        case .sendPrepared: talk?.send(.prepared(digest: digest))
        case .recordActive(let forced): recordActive(forced: forced)
        case .start: start()
        case .sendActive(let failed):
            talk?.send(.active(failed: failed))
            talk?.onEnded = nil
            talk?.finish()
            talk = nil
        case .askSource: isAway()
        case .discard: discard()
        case .sendRefuse(let failure): talk?.send(.refuse(failure))
        case .end(let failure):
            question?.cancel()
            question = nil
            guard failure != nil else { return }
            talk?.finish()
            if host.arrivals[ticket] === self { host.arrivals[ticket] = nil }
        }
    }

    private func ask() {
        if let talk, talk.isAttached {
            // It has just said that it does not know yet.
            return world.after(.milliseconds(200), of: host) { [weak self] in
                guard let self else { return }
                talk.send(.ask(ticket))
            }
        }
        guard question == nil else { return }
        let question = Question(world, host, .ask(ticket), of: source)
        self.question = question
        question.begin { [weak self] message in
            guard case .answer(let decision) = message, decision != .undecided else {
                return false
            }
            self?.question = nil
            self?.handle(.decided(decision))
            return true
        }
    }

    // MARK: Steps

    private func recordPrepared() {
        moves = max(image.moves, inboxMoves.map { $0 + 1 } ?? 0)
        let (ticket, record) = (
            ticket,
            HostTables.Target(
                source: source, digest: digest, inboxMoves: inboxMoves, moves: moves)
        )
        if world.mutation == .preparedInMemory { talk?.send(.prepared(digest: digest)) }
        world.disk(host) {
            $0.record(ticket, record)
        } then: { [self] failure in
            if let failure { return handle(.failed(failure)) }
            // It may have come to nothing meanwhile; then it is discarded behind this.
            guard machine.state == .storing else { return }
            do {
                try adopt()
                handle(.preparedIsOnDisk)
            } catch {
                world.fail(.definite, "an image is of no use: \(error)")
            }
        }
    }

    func adopt() throws(Failure) {
        if inboxMoves != nil { host.core.absenceOfInbox = .later }
        for var session in image.sessions {
            if world.mutation == .keepsGeneration { session.generation.moves -= 1 }
            try host.core.adopt(session, now: host.clock(world.now))
        }
    }

    private func recordActive(forced: Bool) {
        let ticket = ticket
        var sessions: [SessionID: UInt64] = [:]
        for session in image.sessions { sessions[session.id] = session.generation.moves + 1 }
        isForced = forced
        if forced { world.ghost.forced.insert(ticket) }
        world.disk(host) { [sessions] in
            try $0.consume(ticket, forced ? .forced : .active, sessions)
        } then: { [self] failure in
            handle(failure.map { .failed($0) } ?? .activeIsOnDisk)
        }
    }

    func start() {
        host.core.absence = nil
        guard let inboxMoves else { return startNext(image.sessions[...]) }
        let ticket = ticket
        // In the place of the one that is here, as a file is renamed; sessions wait for one try.
        world.disk(host, { _ in }) { [self] failure in
            if failure == nil {
                world.install(ticket, at: host, moves: inboxMoves + 1)
                host.core.absenceOfInbox = nil
            } else {
                startInbox(inboxMoves)
            }
            startNext(image.sessions[...])
        }
    }

    private func startInbox(_ moves: UInt64) {
        world.after(.seconds(1), of: host) { [self] in
            world.install(ticket, at: host, moves: moves + 1)
            host.core.absenceOfInbox = nil
            world.pump(host)
        }
    }

    /// One session a turn: whose application runs is served while others start.
    private func startNext(_ rest: ArraySlice<SessionImage>) {
        guard let session = rest.first else { return started() }
        host.core.activate([session.id], now: host.clock(world.now))
        world.pump(host)
        world.after(.microseconds(50), of: host) { [self] in startNext(rest.dropFirst()) }
    }

    private func started() {
        let ticket = ticket
        if world.mutation != .usesImageTwice { world.disk(host) { $0.images[ticket] = nil } }
        handle(.started(failed: 0))
    }

    private func discard() {
        world.checkDiscard(ticket, at: host)
        host.core.discard(image.sessions.map(\.id))
        host.core.absenceOfInbox = nil
        if offered != nil {
            host.holdsInbox = false
            world.commit(host)
        }
        let ticket = ticket
        discardOnDisk(ticket)
    }

    private func discardOnDisk(_ ticket: TicketID) {
        world.disk(host) { $0.discard(ticket) }
    }
}
