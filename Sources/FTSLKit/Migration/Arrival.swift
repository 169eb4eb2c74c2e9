internal import FTSLCore
internal import FTSLStore
internal import FTSLTransport
internal import NIOCore

/// One ticket at its target: carries out what `MigrationTarget` decides. [FTSL §10]
final class Arrival {
    let host: MigrationHost
    let ticket: TicketID
    let source: MoveTarget
    /// Of an inbox that comes along, at its source.
    let inboxMoves: UInt64?
    let offer: MigrationMessage.Offer?
    private(set) var machine: MigrationTarget
    var link: MigrationLink?
    let peer: String
    var bytes = ByteBuffer()
    var image: HostImage
    /// Made with the first piece; used by the disk's thread only.
    let arriving = ArrivingInbox()
    var digest: [UInt8] = []
    var isStarting = false
    /// Sessions that began here with it.
    var served: [SessionID] = []
    /// An operator said that it begins, not the source.
    var isForced = false
    /// Of the generation after the move.
    var moves: UInt64 = 0
    private var question: TicketQuestion?

    /// A ticket that is offered.
    init(
        _ host: MigrationHost, _ offer: MigrationMessage.Offer, _ link: MigrationLink,
        peer: String
    ) {
        self.host = host
        self.offer = offer
        self.link = link
        self.peer = peer
        ticket = offer.ticket
        source = Self.reachable(offer.source, from: peer)
        inboxMoves = offer.inbox?.moves
        machine = MigrationTarget()
        image = HostImage(ticket: offer.ticket)
    }

    /// A ticket that an earlier process of this host had prepared.
    init(_ host: MigrationHost, _ record: TargetTicket, _ image: HostImage) {
        self.host = host
        offer = nil
        peer = ""
        ticket = record.ticket
        source = MoveTarget(
            endpoints: record.source.split(separator: ",").map(String.init),
            key: record.sourceKey, generation: .first)
        inboxMoves = record.hasInbox ? record.moves - 1 : nil
        machine = MigrationTarget(isPrepared: true)
        digest = record.digest
        moves = record.moves
        self.image = image
    }

    /// Where a source says that it listens everywhere, its connection tells where that is.
    static func reachable(_ source: MoveTarget, from peer: String) -> MoveTarget {
        var source = source
        source.endpoints = source.endpoints.map { text in
            guard case .tcp(let host, let port)? = try? Endpoint(parsing: text, for: .listen),
                host == "0.0.0.0" || host == "::", !peer.isEmpty
            else { return text }
            return Endpoint.tcp(host: peer, port: port).description
        }
        return source
    }

    var holding: MigrationMessage.Holding {
        switch machine.state {
        case .prepared, .activating: .prepared(digest: digest)
        case .active: .active
        case .receiving, .storing, .over: .nothing
        }
    }

    // MARK: Receiving

    func begin() {
        host.onNotice?("a migration from \(source.endpointList) has begun")
        link?.onMessage = { [weak self] in self?.received($0, $1) }
        link?.onEnded = { [weak self] _ in
            self?.link = nil
            self?.handle(.sourceIsAway)
        }
        link?.onDetached = { [weak self] in self?.lostSight() }
    }

    /// A source that is back soon goes on; one that crashed is asked when it is there again.
    private func lostSight() {
        guard isUnderWay else { return }
        let isPrepared = machine.state == .prepared
        let patience: TimeAmount = isPrepared ? .milliseconds(200) : .seconds(30)
        let bound = NIOLoopBound(self, eventLoop: host.loop)
        host.loop.scheduleTask(in: patience) {
            let arrival = bound.value
            guard let link = arrival.link, !link.isAttached, arrival.isUnderWay else { return }
            if arrival.machine.state == .prepared {
                arrival.ask()
            } else if isPrepared == false {
                link.onEnded = nil
                arrival.link = nil
                link.handle.abort(
                    Failure(.time, .migrationAborted, "the source was away for 30 s"))
                arrival.handle(.sourceIsAway)
            }
        }
    }

    private func received(_ message: MigrationMessage, _ size: Int) {
        switch message {
        case .inbox(let part, let offset, let piece):
            return store(part, offset, piece) { [weak self] in self?.link?.took(size) }
        case .image(let piece): bytes.writeImmutableBuffer(piece)
        case .seal(let imageDigest, let inboxDigest): sealed(imageDigest, inboxDigest)
        case .decided: handle(.decided(.moved))
        case .abort: handle(.decided(.aborted))
        case .answer(let decision): handle(.decided(decision))
        case .query: link?.send(.holding(holding))
        case .offer, .accept, .refuse, .prepared, .active, .ask, .holding, .superseded:
            handle(.failed(.violation(.unexpectedFrame, "a migration message out of place")))
        }
        link?.took(size)
    }

    private func store(
        _ part: UInt8, _ offset: UInt64, _ piece: ByteBuffer, then: @escaping () -> Void
    ) {
        guard let part = InboxPart(rawValue: part), inboxMoves != nil, let path = host.mover?.path
        else {
            return handle(.failed(.violation(.unexpectedFrame, "an inbox that was not offered")))
        }
        let (arriving, ticket) = (arriving, ticket)
        host.disk.run {
            try arriving.open(path, ticket).write(part, at: offset, piece)
        } then: { [self] result in
            if case .failure(let failure) = result { handle(.failed(failure)) }
            then()
        }
    }

    private func sealed(_ imageDigest: [UInt8], _ inboxDigest: [UInt8]) {
        digest = imageDigest
        do {
            image = try HostImage(bytes)
            guard image.ticket == ticket else { throw Failure.notThisTicket }
            for session in image.sessions {
                if let obstacle = host.driver.acceptor.obstacle(to: session) { throw obstacle }
            }
        } catch {
            return handle(.failed(error as? Failure ?? .notThisTicket))
        }
        if !inboxDigest.isEmpty { digest += inboxDigest }
        let place = holdInbox()
        let (store, ticket, bytes, arriving) = (host.store, ticket, bytes, arriving)
        let generations = image.sessions.map { ($0.id, $0.generation.moves) }
        // Behind the last piece of the inbox.
        host.disk.run {
            try place?.check()
            for (id, moves) in generations {
                guard try store.open().highestMoves(.session(id)) ?? 0 <= moves else {
                    throw Failure(
                        .peer, .staleGeneration, "a newer generation of \(id) was here")
                }
            }
            let writer = try store.open().makeImage(ticket)
            try writer.append(bytes)
            guard try writer.seal() == imageDigest, try arriving.seal() == inboxDigest else {
                throw Failure.otherDigest
            }
        } then: { [self] result in
            switch result {
            case .success: handle(.sealed)
            case .failure(let failure): handle(.failed(failure))
            }
        }
    }

    // MARK: Effects

    func handle(_ input: MigrationTarget.Input) {
        for effect in machine.handle(input) { perform(effect) }
    }

    private func perform(_ effect: MigrationTarget.Effect) {
        switch effect {
        case .recordPrepared: recordPrepared()
        case .sendPrepared: link?.send(.prepared(digest: digest))
        case .recordActive(let forced): recordActive(forced: forced)
        case .start: start()
        case .sendActive(let failed):
            link?.send(.active(failed: failed))
            link?.onEnded = nil
            link?.finish()
            link = nil
        case .askSource: ask()
        case .discard: discard()
        case .sendRefuse(let failure): link?.send(.refuse(failure))
        case .end(let failure):
            question = nil
            if let failure {
                host.onNotice?("the migration came to nothing: \(failure.text)")
                link?.finish()
                host.arrivals[ticket] = nil
            }
        }
    }

    // MARK: Asking

    /// The source is asked until it answers; nobody else may decide.
    private func ask() {
        if let link, link.isAttached {
            // It has just said that it does not know yet.
            let bound = NIOLoopBound((link, ticket), eventLoop: host.loop)
            host.loop.scheduleTask(in: .milliseconds(200)) {
                bound.value.0.send(.ask(bound.value.1))
            }
            return
        }
        guard question == nil else { return }
        let question = TicketQuestion(host, ticket, source)
        self.question = question
        question.ask { [weak self] decision in
            self?.question = nil
            self?.handle(.decided(decision))
        }
    }
}

/// The inbox of a ticket while it comes; one thread at a time.
final class ArrivingInbox: @unchecked Sendable {
    private var arrival: InboxArrival?

    func open(_ path: String, _ ticket: TicketID) throws -> InboxArrival {
        if let arrival { return arrival }
        let made = try InboxArrival(for: path, ticket)
        arrival = made
        return made
    }

    /// The digest of all that came, which is on the disk and an inbox; empty when nothing came.
    func seal() throws -> [UInt8] {
        guard let arrival else { return [] }
        let digest = arrival.digest
        _ = try arrival.seal().check()
        return digest
    }

    func discard() throws { try arrival?.discard() }
}

extension Failure {
    static let notThisTicket = Failure.violation(
        .malformedFrame, "the image of another ticket")
    static let otherDigest = Failure.violation(
        .digestMismatch, "what arrived is not what was sent")
}
