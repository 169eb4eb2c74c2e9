package import FTSLCore
package import FTSLStore
package import FTSLTransport
package import NIOCore

/// What one listener does about moving: as the source of a ticket, as the target of one, and as
/// somebody who remembers. [FTSL §10]
package final class MigrationHost: SessionService {
    package var settings: MigrationSettings
    let driver: AcceptorDriver
    /// Nil: nothing that serves streams here can move.
    let service: (any MovableService)?
    let store: HostRecordsFile
    package weak var mover: (any InboxMover)?
    let loop: any EventLoop
    package let disk: DiskQueue
    /// How another host is spoken to: always with TLS, and to whom it should be.
    private let security: (Endpoint, PeerIdentity?) -> Dialer.Security
    /// Who may bring sessions and inboxes here, and ask about any ticket.
    private let mayMigrate: (PeerIdentity) -> Bool

    var departure: Departure?
    var arrivals: [TicketID: Arrival] = [:]
    var questions: [TicketID: TicketQuestion] = [:]
    /// Source tickets as they are on the disk.
    var decided: [TicketID: SourceTicket] = [:]
    /// Target tickets that an earlier process has used up.
    var consumed: [TicketID: TargetTicket] = [:]
    /// Something that an operator should know, though nobody waits for it.
    package var onTrouble: ((Failure) -> Void)?
    package var onNotice: ((String) -> Void)?

    package init(
        _ settings: MigrationSettings, driver: AcceptorDriver, service: (any MovableService)?,
        records: HostRecordsFile, security: @escaping (Endpoint, PeerIdentity?) -> Dialer.Security,
        mayMigrate: @escaping (PeerIdentity) -> Bool, on loop: any EventLoop
    ) {
        self.settings = settings
        self.driver = driver
        self.service = service
        store = records
        self.security = security
        self.mayMigrate = mayMigrate
        self.loop = loop
        disk = DiskQueue(on: loop)
    }

    // MARK: The operator's calls

    package var recordsPath: String { store.path }

    /// What would move, and what would not.
    package func survey(for target: [Endpoint]) -> MigrationSurvey {
        var survey = MigrationSurvey()
        let acceptor = driver.acceptor
        for id in acceptor.streamSessions {
            if acceptor.isServed(id), let obstacle = obstacle(of: id, to: target) {
                survey.obstacles.append(("\(id)", obstacle.text))
                continue
            }
            survey.movable += 1
            survey.bytes += UInt64(acceptor.session(id)?.heldBytes ?? 0)
        }
        return survey
    }

    /// True while a ticket is on its way from here.
    package var isMoving: Bool {
        departure != nil || decided.values.contains { $0.state == .frozen }
    }

    package func migrate(
        _ request: MoveRequest, progress: @escaping (MigrationProgress) -> Void,
        done: @escaping (Result<MigrationReport, Failure>) -> Void
    ) {
        if let refusal = refusal { return done(.failure(refusal)) }
        let departure = Departure(self, request)
        self.departure = departure
        departure.onProgress = progress
        departure.onDone = done
        departure.start()
    }

    /// True while a ticket is on its way, from here or to here.
    package var isBusy: Bool {
        isMoving || arrivals.values.contains { $0.isUnderWay }
    }

    private var refusal: Failure? {
        if isBusy {
            return Failure(.local, .migrationRefused, "another migration is on its way")
        }
        if case .moved(let target) = driver.acceptor.absence {
            return Failure(
                .local, .migrationRefused, "this moved to \(target.endpointList) already")
        }
        if let mover, mover.store == nil {
            return Failure(
                .local, .migrationRefused, "the inbox has not taken its place here yet")
        }
        return nil
    }

    /// False: none is on its way, or it is too late.
    package func abort() -> Bool {
        guard let departure, departure.machine.state != .moved,
            departure.machine.state != .deciding
        else { return false }
        departure.abort(Failure(.local, .migrationAborted, "the operator aborted it"))
        return true
    }

    /// Tickets that this host prepared and whose source has not decided.
    package var undecided: [TicketID] {
        arrivals.values.filter { $0.machine.state == .prepared }.map(\.ticket)
            .sorted { ($0.high, $0.low) < ($1.high, $1.low) }
    }

    func departed(_ departure: Departure) {
        if self.departure === departure { self.departure = nil }
    }

    // MARK: For the two roles

    /// The newest generation of a ticket that came to nothing: its target may have been activated
    /// by hand, so the next ticket's is above it.
    var usedMoves: UInt64 {
        decided.values.filter { $0.state == .thawed }.map(\.moves).max() ?? 0
    }

    func dial(_ endpoints: [Endpoint]) -> InitiatorDriver {
        var configuration = InitiatorConfiguration()
        configuration.service = SessionRights.migrationService
        configuration.firstTimeout = .seconds(10)
        configuration.giveUpAfter = .seconds(60)
        configuration.linger = .seconds(5)
        return InitiatorDriver(
            endpoints: endpoints, configuration: configuration, security: security, on: loop)
    }

    func offer(_ ticket: TicketID, isPlan: Bool) -> MigrationMessage.Offer {
        let acceptor = driver.acceptor
        let sessions = acceptor.streamSessions
        let plain = sessions.count { !acceptor.identity(of: $0).isVerified }
        let inbox = mover?.store.map { store in
            MigrationMessage.InboxOffer(
                id: store.identity.id,
                moves: max(store.identity.generation.moves, usedMoves), bytes: 0)
        }
        return MigrationMessage.Offer(
            ticket: ticket, label: settings.label, service: settings.service,
            serviceDigest: settings.serviceDigest,
            sessions: UInt32(sessions.count), memory: acceptor.reservedMemory,
            plaintextSessions: UInt32(plain), inbox: inbox,
            source: MoveTarget(
                endpoints: settings.endpoints, key: settings.key, generation: .first),
            isPlan: isPlan)
    }

    func announce(_ target: MoveTarget) {
        driver.moved { acceptor, _ in
            acceptor.announce(acceptor.streamSessions, nextHome: target)
        }
    }

    /// What stands in the way of one session.
    func obstacle(of id: SessionID, to target: [Endpoint]) -> Unmovable? {
        guard let service else { return Unmovable("what serves it cannot move") }
        let isPlain = !driver.acceptor.identity(of: id).isVerified
        if isPlain, !settings.movesPlaintext, target.contains(where: { !$0.isLoopback }) {
            return Unmovable("it is plaintext, and must not leave this machine")
        }
        return service.obstacle(of: id)
    }

    /// A session goes on here with what its application left.
    func restart(_ id: SessionID, from state: ApplicationState) { driver.restart(id, from: state) }

    func signposts(_ departure: Departure) -> [Signpost] {
        guard let target = departure.target else { return [] }
        let (acceptor, used) = (driver.acceptor, usedMoves)
        let until = WallClock.milliseconds + settings.sessionTimeout
        return departure.frozen.compactMap { id in
            guard let session = acceptor.session(id) else { return nil }
            let identity = acceptor.identity(of: id)
            return Signpost(
                session: id, secret: session.identity.secret.bytes,
                identity: identity.isVerified ? "\(identity)" : nil,
                endpoints: target.endpointList, key: target.key,
                generation: Generation(
                    moves: max(session.host.generation.moves, used) + 1, starts: 0),
                until: until)
        }
    }

    func inboxSignpost(to target: MoveTarget) -> InboxSignpost? {
        mover?.store.map { store in
            InboxSignpost(
                inbox: store.identity.id, endpoints: target.endpointList, key: target.key,
                generation: Generation(
                    moves: max(store.identity.generation.moves, usedMoves) + 1, starts: 0))
        }
    }

    // MARK: Sessions of other hosts

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        let link = MigrationLink(handle)
        link.onMessage = { [weak self, weak link] message, size in
            guard let self, let link else { return }
            link.took(size)
            first(message, link, peer)
        }
        return link
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) {}

    private func first(_ message: MigrationMessage, _ link: MigrationLink, _ peer: String) {
        switch message {
        case .offer(let offer):
            guard mayMigrate(link.handle.peer) else {
                return refuse(
                    link,
                    Failure(
                        .peer, .authorityRefused,
                        "\(link.handle.peer) may not migrate here (ftsl key trust --allow migrate)"
                    ))
            }
            let arrival = Arrival(self, offer, link, peer: peer)
            if let refusal = arrival.refusal { return refuse(link, refusal) }
            link.send(.accept)
            guard !offer.isPlan else { return }
            arrivals[offer.ticket] = arrival
            arrival.begin()
        case .ask(let ticket): link.send(.answer(decision(of: ticket)))
        case .query(let ticket): link.send(.holding(holding(of: ticket)))
        case .superseded(let ticket, let target):
            link.send(.holding(superseded(ticket, by: target, link.handle.peer, at: peer)))
        default:
            link.handle.abort(
                .violation(.unexpectedFrame, "a migration that does not begin with an offer"))
        }
    }

    private func refuse(_ link: MigrationLink, _ failure: Failure) {
        onNotice?("a migration was refused: \(failure.text)")
        link.send(.refuse(failure))
        link.finish()
    }

    func holding(of ticket: TicketID) -> MigrationMessage.Holding {
        arrivals[ticket]?.holding ?? (consumed[ticket] != nil ? .active : .nothing)
    }

    /// True for the other host of a ticket of ours, which must be able to ask about it.
    package func knows(_ identity: PeerIdentity) -> Bool {
        let key = identity.description
        return departure?.target?.key == key || decided.values.contains { $0.targetKey == key }
    }

    /// After *aborted* was answered, the ticket is never decided: it is in memory only as long as
    /// it is undecided.
    private func decision(of ticket: TicketID) -> MigrationMessage.Decision {
        if let departure, departure.ticket == ticket { return departure.machine.decision }
        switch decided[ticket]?.state {
        case .moved: return .moved
        case .frozen: return .undecided
        case .thawed, .fenced, nil: return .aborted
        }
    }
}
