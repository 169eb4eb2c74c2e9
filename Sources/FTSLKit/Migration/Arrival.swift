internal import FTSLCore
internal import FTSLStore
internal import FTSLTransport
internal import NIOCore

/// One ticket at its target: carries out what `MigrationTarget` decides. [FTSL §10]
final class Arrival {
    let host: MigrationHost
    let ticket: TicketID
    let source: MoveTarget
    let inbox: MigrationMessage.InboxOffer?
    private let offer: MigrationMessage.Offer?
    private(set) var machine: MigrationTarget
    private var link: MigrationLink?
    private let peer: String
    private var bytes = ByteBuffer()
    private var image: HostImage
    private var arriving: Handed<InboxArrival>?
    private var digest: [UInt8] = []
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
        inbox = offer.inbox
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
        inbox =
            record.hasInbox
            ? MigrationMessage.InboxOffer(
                id: InboxID(high: 0, low: 0), moves: record.moves - 1, bytes: 0) : nil
        machine = MigrationTarget(isPrepared: true)
        digest = record.digest
        self.image = image
    }

    /// Where a source says that it listens everywhere, its connection tells where that is.
    private static func reachable(_ source: MoveTarget, from peer: String) -> MoveTarget {
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

    // MARK: The offer

    /// Why this ticket is not taken; nil: it is.
    var refusal: Failure? {
        guard let offer else { return nil }
        let settings = host.settings
        func refused(_ text: String) -> Failure { Failure(.peer, .migrationRefused, text) }
        guard settings.accepts else {
            return refused("this listener takes no migrations (listen --accept-migration)")
        }
        guard offer.imageVersion == MigrationMessage.imageVersion else {
            return Failure(
                .peer, .versionMismatch,
                "images have version \(MigrationMessage.imageVersion) here, "
                    + "\(offer.imageVersion) there")
        }
        guard offer.label == settings.label else {
            return refused(
                "this listener's service is '\(settings.label)', not '\(offer.label)'")
        }
        if host.isMoving || host.arrivals.values.contains(where: { $0.isUnderWay }) {
            return refused("another migration is on its way here")
        }
        return serviceRefusal(offer, settings) ?? roomRefusal(offer) ?? inboxRefusal(offer)
    }

    var isUnderWay: Bool {
        switch machine.state {
        case .receiving, .storing, .prepared, .activating: true
        case .active, .over: false
        }
    }

    private func serviceRefusal(
        _ offer: MigrationMessage.Offer, _ settings: MigrationSettings
    ) -> Failure? {
        guard offer.service == settings.service else {
            let (theirs, own) = (name(offer.service), name(settings.service))
            return Failure(
                .peer, .migrationRefused, "this listener serves \(own), the other \(theirs)")
        }
        guard offer.serviceDigest == settings.serviceDigest else {
            return Failure(
                .peer, .migrationRefused, "this listener's command is another one (--exec)")
        }
        return nil
    }

    private func name(_ service: String) -> String {
        service.isEmpty ? "only an inbox" : "--\(service)"
    }

    private func roomRefusal(_ offer: MigrationMessage.Offer) -> Failure? {
        let acceptor = host.driver.acceptor
        if offer.plaintextSessions > 0, !host.settings.acceptsPlaintext {
            return Failure(
                .peer, .migrationRefused,
                "\(offer.plaintextSessions) sessions are plaintext, which is not served here")
        }
        let most = acceptor.configuration.maxSessions - acceptor.activeSessions
        guard Int(offer.sessions) <= most, offer.memory <= acceptor.freeMemory else {
            return Failure(
                .peer, .migrationRefused,
                "there is no room for \(offer.sessions) sessions (--max-sessions, --max-memory)")
        }
        return nil
    }

    private func inboxRefusal(_ offer: MigrationMessage.Offer) -> Failure? {
        guard let inbox = offer.inbox else { return nil }
        guard let mover = host.mover else {
            return Failure(.peer, .migrationRefused, "this listener has no inbox (--inbox)")
        }
        do {
            let place = try InboxPlace(mover.path)
            return place.obstacle(to: inbox.id, moves: inbox.moves + 1)
                .map { Failure(.peer, .migrationRefused, "\(mover.path): \($0)") }
        } catch {
            let text = (error as? StoreFailure)?.text ?? "\(error)"
            return Failure(.peer, .migrationRefused, text)
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
        case .offer, .accept, .refuse, .prepared, .active, .ask, .holding:
            handle(.failed(.violation(.unexpectedFrame, "a migration message out of place")))
        }
        link?.took(size)
    }

    private func store(
        _ part: UInt8, _ offset: UInt64, _ piece: ByteBuffer, then: @escaping () -> Void
    ) {
        guard let part = InboxPart(rawValue: part), inbox != nil, let path = host.mover?.path
        else {
            return handle(.failed(.violation(.unexpectedFrame, "an inbox that was not offered")))
        }
        let (known, ticket) = (arriving, ticket)
        host.disk.run { () throws -> Handed<InboxArrival> in
            let arriving = try known ?? Handed(InboxArrival(for: path, ticket))
            try arriving.value.write(part, at: offset, piece)
            return arriving
        } then: { [self] result in
            switch result {
            case .success(let arriving): self.arriving = self.arriving ?? arriving
            case .failure(let failure): handle(.failed(failure))
            }
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
        let (store, ticket, bytes) = (host.store, ticket, bytes)
        let generations = image.sessions.map { ($0.id, $0.generation.moves) }
        let box = NIOLoopBound(self, eventLoop: host.loop)
        // Behind the last piece of the inbox.
        host.disk.run {
            true
        } then: { _ in
            let arriving = box.value.arriving
            box.value.host.disk.run {
                for (id, moves) in generations {
                    guard try store.open().highestMoves(.session(id)) ?? 0 <= moves else {
                        throw Failure(
                            .peer, .staleGeneration, "a newer generation of \(id) was here")
                    }
                }
                let writer = try store.open().makeImage(ticket)
                try writer.append(bytes)
                guard try writer.seal() == imageDigest else { throw Failure.otherDigest }
                guard let arriving else {
                    guard inboxDigest.isEmpty else { throw Failure.otherDigest }
                    return
                }
                guard arriving.value.digest == inboxDigest else { throw Failure.otherDigest }
                _ = try arriving.value.seal().check()
            } then: { result in
                switch result {
                case .success: box.value.handle(.sealed)
                case .failure(let failure): box.value.handle(.failed(failure))
                }
            }
        }
        if !inboxDigest.isEmpty { digest += inboxDigest }
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

    private func recordPrepared() {
        let (store, ticket) = (host.store, ticket)
        let record = TargetTicket(
            ticket: ticket, source: source.endpointList, sourceKey: source.key,
            moves: max(image.moves, inbox.map { $0.moves + 1 } ?? 0),
            digest: Array(digest.prefix(ImageDigest.byteCount)), hasInbox: inbox != nil,
            at: WallClock.milliseconds)
        host.disk.run {
            try store.open().recordPrepared(record)
        } then: { [self] result in
            switch result {
            case .success:
                do {
                    try adopt()
                    handle(.preparedIsOnDisk)
                } catch {
                    handle(.failed(error as? Failure ?? .notThisTicket))
                }
            case .failure(let failure): handle(.failed(failure))
            }
        }
    }

    /// Their clients are told to ask again from here on.
    func adopt() throws(Failure) {
        // A lane must not meet the inbox that is about to be replaced.
        if inbox != nil { host.driver.acceptor.absenceOfInbox = .later }
        for session in image.sessions {
            try host.driver.acceptor.adopt(session, now: MonotonicClock.now)
        }
    }

    private func recordActive(forced: Bool) {
        let (store, ticket, inbox) = (host.store, ticket, inbox)
        var holdings = image.holdings(
            until: WallClock.milliseconds + host.settings.sessionTimeout)
        if let inbox, inbox.id != InboxID(high: 0, low: 0) {
            holdings.append(KnownGeneration(.inbox(inbox.id), moves: inbox.moves + 1, until: 0))
        }
        let (known, ids) = (holdings, image.sessions.map(\.id))
        host.disk.run {
            if forced {
                try store.open().recordForced(ticket, holding: known)
            } else {
                try store.open().recordActive(ticket, holding: known)
            }
            try store.open().removeSignposts(of: ids)
        } then: { [self] result in
            switch result {
            case .success: handle(.activeIsOnDisk)
            case .failure(let failure): handle(.failed(failure))
            }
        }
    }

    private func start() {
        guard inbox != nil, let mover = host.mover else { return startSessions() }
        let (path, ticket) = (mover.path, ticket)
        let moves = (inbox?.moves ?? 0) + 1
        mover.arrive {
            try ArrivedInbox(for: path, ticket).install(moves: moves)
        } then: { [self] failure in
            if let failure { host.onTrouble?(failure) }
            startSessions()
        }
    }

    private func startSessions() {
        host.driver.acceptor.absence = nil
        host.driver.acceptor.absenceOfInbox = nil
        startNext(image.sessions[...], failed: 0)
    }

    /// One session a turn of the loop: whose application runs is served while others start.
    private func startNext(_ rest: ArraySlice<SessionImage>, failed: Int) {
        guard let session = rest.first else { return started(failed) }
        var states: [SessionID: ApplicationState] = [:]
        if let application = session.application {
            states[session.id] = ApplicationState(application, unread: session.unread)
        }
        host.driver.activate(states, [session.id])
        let now = host.driver.acceptor.session(session.id)?.outcome
        let hasFailed = now != nil && session.outcome == nil
        let bound = NIOLoopBound((self, rest.dropFirst()), eventLoop: host.loop)
        host.loop.execute {
            let (arrival, rest) = bound.value
            arrival.startNext(rest, failed: failed + (hasFailed ? 1 : 0))
        }
    }

    private func started(_ failed: Int) {
        host.onNotice?("serving \(image.sessions.count) sessions that came from elsewhere")
        let (store, ticket) = (host.store, ticket)
        host.disk.run {
            if failed > 0 {
                try store.open().recordFailed(ticket)
            } else {
                try store.open().eraseImage(ticket)
            }
        } then: { [self] in if case .failure(let failure) = $0 { host.onTrouble?(failure) } }
        bytes = ByteBuffer()
        image = HostImage(ticket: ticket)
        handle(.started(failed: UInt32(failed)))
    }

    private func discard() {
        let ids = image.sessions.map(\.id)
        host.driver.moved { acceptor, _ in
            acceptor.discard(ids)
            acceptor.absenceOfInbox = nil
        }
        let (store, ticket, arriving, path) = (host.store, ticket, arriving, host.mover?.path)
        host.disk.run {
            try arriving?.value.discard()
            if let path { try? ArrivedInbox(for: path, ticket).discard() }
            if try store.open().targetTickets().contains(where: {
                $0.ticket == ticket && $0.state == .prepared
            }) {
                try store.open().recordDiscarded(ticket)
            }
            try store.open().eraseImage(ticket)
        } then: { [self] in
            if case .failure(let failure) = $0 { host.onTrouble?(failure) }
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

extension Failure {
    fileprivate static let notThisTicket = Failure.violation(
        .malformedFrame, "the image of another ticket")
    static let otherDigest = Failure.violation(
        .digestMismatch, "what arrived is not what was sent")
}
