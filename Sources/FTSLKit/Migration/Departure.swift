internal import FTSLCore
internal import FTSLStore
internal import FTSLTransport
internal import NIOCore

/// One ticket at its source: carries out what `MigrationSource` decides. [FTSL §10]
final class Departure {
    let host: MigrationHost
    let request: MoveRequest
    let ticket: TicketID
    var machine: MigrationSource
    var report: MigrationReport
    var onProgress: ((MigrationProgress) -> Void)?
    var onDone: ((Result<MigrationReport, Failure>) -> Void)?

    /// Sessions that stand still for this ticket.
    var frozen: [SessionID] = []
    /// Of those, the ones that carry lanes and subscriptions: they end, and begin anew over there.
    var messageSessions: [SessionID] = []
    var states: [SessionID: ApplicationState] = [:]
    var image = ByteBuffer()
    var target: MoveTarget?
    var copying: InboxCopying?
    /// What the disk has of this ticket, and the sessions that were in the image.
    private var record: SourceTicket?
    private var sent: [SessionID] = []
    private var driver: InitiatorDriver?
    private(set) var link: MigrationLink?
    private var limit: Alarm?
    private var frozenAt = Instant(nanoseconds: 0)
    /// The target has taken the offer.
    private var hasBegun = false

    init(_ host: MigrationHost, _ request: MoveRequest) {
        self.host = host
        self.request = request
        var rng = SystemRandomNumberGenerator()
        ticket = .random(using: &rng)
        machine = MigrationSource(isPlan: request.isPlan)
        report = MigrationReport(ticket: ticket)
        limit = Alarm(on: host.loop) { [weak self] in self?.pauseIsTooLong() }
    }

    func start() {
        let driver = host.dial(request.target)
        self.driver = driver
        driver.onOpened = { [self] handle in
            let link = MigrationLink(handle)
            self.link = link
            link.onMessage = { [weak self] in self?.received($0, $1) }
            link.onEnded = { [weak self] in self?.handle(.failed($0)) }
            link.onDetached = { [weak self] in self?.lostSight() }
            tell(.offer, "asking \(request.target[0])")
            link.send(.offer(host.offer(ticket, isPlan: request.isPlan)))
            return link
        }
        driver.onEnded = { [weak self] outcome, failure in
            if outcome?.isGood == true, failure == nil { return }
            let why = failure ?? Failure(.peer, .migrationAborted, "the target went away")
            self?.handle(.failed(why))
        }
        driver.start()
    }

    /// A target that is not back soon is given up: nobody waits for it, unless it is only copied.
    private func lostSight() {
        let patience: TimeAmount = machine.state == .copying ? .seconds(30) : .seconds(1)
        let bound = NIOLoopBound(self, eventLoop: host.loop)
        host.loop.scheduleTask(in: patience) {
            guard bound.value.link?.isAttached == false else { return }
            bound.value.handle(
                .failed(Failure(.time, .migrationAborted, "the target is gone")))
        }
    }

    func abort(_ failure: Failure) { handle(.failed(failure)) }

    private func pauseIsTooLong() {
        handle(
            .failed(
                Failure(
                    .time, .migrationAborted,
                    "clients would have waited longer than \(request.maxPause)")))
    }

    private func received(_ message: MigrationMessage, _ size: Int) {
        link?.took(size)
        switch message {
        case .accept:
            target = MoveTarget(
                // Whom the transport has verified, not what the peer says of itself.
                endpoints: request.target.map(\.description),
                key: driver?.peer.isVerified == true ? "\(driver?.peer ?? .plaintext)" : "",
                generation: Generation(moves: 0, starts: 0))
            if let target { handle(.accepted(target)) }
        case .refuse(let failure):
            handle(machine.state == .offering ? .refused(failure) : .failed(failure))
        case .prepared(let digest): handle(.prepared(digest: digest))
        case .active(let failed): handle(.active(failed: failed))
        case .abort(let failure): handle(.failed(failure))
        case .ask(let asked):
            link?.send(.answer(asked == ticket ? machine.decision : .aborted))
        case .offer, .inbox, .image, .seal, .decided, .answer, .query, .holding, .superseded:
            handle(.failed(.violation(.unexpectedFrame, "a migration message out of place")))
        }
    }

    // MARK: Effects

    func handle(_ input: MigrationSource.Input) { perform(machine.handle(input)) }

    private func perform(_ effects: [MigrationSource.Effect]) {
        for effect in effects { perform(effect) }
    }

    private func perform(_ effect: MigrationSource.Effect) {
        switch effect {
        case .announce(let target):
            hasBegun = true
            host.announce(target)
        case .copyInbox: copyInbox()
        case .freeze:
            frozenAt = MonotonicClock.now
            limit?.set(for: frozenAt + request.maxPause)
            tell(.freeze, "")
            freeze()
        case .recordFrozen: recordFrozen()
        case .sendImage: sendImage()
        case .recordMoved: recordMoved()
        case .sendDecided: link?.send(.decided)
        case .redirect:
            limit?.cancel()
            redirect()
            report.pause = MonotonicClock.now.since(frozenAt)
            tell(.redirect, "paused \(report.pause.wholeNanoseconds / 1_000_000) ms")
        case .sendAbort(let failure): link?.send(.abort(failure))
        case .recordThawed:
            limit?.cancel()
            recordThawed()
        case .thaw:
            limit?.cancel()
            thaw()
        case .end(let result): end(result)
        }
    }

    private func end(_ result: Result<UInt32, Failure>) {
        limit?.cancel()
        if case .success(let failed) = result { report.failed = Int(failed) }
        link?.onEnded = nil
        link?.finish()
        driver?.onEnded = nil
        let tell = onDone
        onDone = nil
        let report = report
        // The link may still be on the stack, and its last words on their way.
        let bound = NIOLoopBound(driver, eventLoop: host.loop)
        bound.value?.whenQuiet { _ = bound }
        host.departed(self)
        tell?(result.map { _ in report }.mapError { hasBegun ? $0.rolledBack : $0 })
    }

    func tell(_ phase: MigrationPhase, _ text: String) {
        onProgress?(
            MigrationProgress(
                phase: phase, sessions: report.sessions, bytes: report.bytes, text: text))
    }

    // MARK: The decision

    private func recordFrozen() {
        let (store, signposts) = (host.store, host.signposts(self))
        guard let target else { return }
        let record = SourceTicket(
            ticket: ticket, target: target.endpointList, targetKey: target.key,
            moves: report.generation, imageDigest: machine.digest, at: WallClock.milliseconds)
        self.record = record
        sent = frozen
        let inbox = host.inboxSignpost(to: target)
        host.disk.run {
            try store.open().recordFrozen(record, signposts: signposts, inbox: inbox)
        } then: { [self] result in
            switch result {
            case .success: handle(.frozenIsOnDisk)
            case .failure(let failure): handle(.failed(failure))
            }
        }
    }

    private func recordMoved() {
        tell(.decide, "")
        let (store, ticket) = (host.store, ticket)
        host.disk.run {
            try store.open().recordMoved(ticket)
        } then: { [self] result in
            switch result {
            case .success:
                record?.state = .moved
                host.decided[ticket] = record
                handle(.movedIsOnDisk)
            case .failure(let failure): perform(machine.decisionFailed(failure))
            }
        }
    }

    /// Behind the record *frozen*, if the disk has taken that. It is tried until it succeeds:
    /// clients wait, but what was accepted meanwhile could be lost.
    private func recordThawed() {
        let (store, ticket) = (host.store, ticket)
        host.disk.run {
            let isFrozen = try store.open().sourceTickets().contains {
                $0.ticket == ticket && $0.state == .frozen
            }
            if isFrozen { try store.open().recordThawed(ticket) }
        } then: { [self] result in
            guard case .failure(let failure) = result else { return handle(.thawedIsOnDisk) }
            host.onTrouble?(failure)
            let bound = NIOLoopBound(self, eventLoop: host.loop)
            host.loop.scheduleTask(in: .seconds(1)) { bound.value.recordThawed() }
        }
    }

    /// This host serves on; should its target do so too, because an operator said so, it gives way.
    func isThawed() {
        guard var record else { return }
        record.state = .thawed
        host.decided[ticket] = record
        host.watchForced(record, sent)
    }
}

extension Failure {
    /// Whatever ended a ticket that had begun: what was here is served as before.
    fileprivate var rolledBack: Failure {
        switch code {
        case .migrationRefused, .migrationAborted, .authorityRefused, .versionMismatch: self
        default: Failure(fault, .migrationAborted, text)
        }
    }
}
