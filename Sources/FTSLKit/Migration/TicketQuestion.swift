internal import FTSLCore
internal import FTSLTransport
internal import NIOCore

/// Asks another host about a ticket until it answers. [FTSL §10.5]
final class TicketQuestion {
    private let host: MigrationHost
    private let ticket: TicketID
    private let peer: MoveTarget
    private var driver: InitiatorDriver?
    private var alarm: Alarm?
    private var backoff = Backoff()
    private var rng = SystemRandomNumberGenerator()
    private var question = MigrationMessage.decided
    private var isAnswer: ((MigrationMessage) -> Bool)?

    init(_ host: MigrationHost, _ ticket: TicketID, _ peer: MoveTarget) {
        self.host = host
        self.ticket = ticket
        self.peer = peer
        alarm = Alarm(on: host.loop) { [weak self] in self?.dial() }
    }

    /// As a target: what did the source decide? *Undecided* is asked again.
    func ask(_ then: @escaping (MigrationMessage.Decision) -> Void) {
        begin(.ask(ticket)) { message in
            guard case .answer(let decision) = message, decision != .undecided else {
                return false
            }
            then(decision)
            return true
        }
    }

    /// As `ask`; *undecided* is an answer, too.
    func askOnce(_ then: @escaping (MigrationMessage.Decision) -> Void) {
        begin(.ask(ticket)) { message in
            guard case .answer(let decision) = message else { return false }
            then(decision)
            return true
        }
    }

    /// As a source after a restart: what does the target hold?
    func query(_ then: @escaping (MigrationMessage.Holding) -> Void) {
        begin(.query(ticket)) { message in
            guard case .holding(let holding) = message else { return false }
            then(holding)
            return true
        }
    }

    /// As a source that went on by itself: true once the target serves all the same, because an
    /// operator said so; false when it has dropped what it had. Asked again while `then` returns
    /// false.
    func watch(_ then: @escaping (_ isServed: Bool) -> Bool) {
        begin(.query(ticket)) { message in
            switch message {
            case .holding(.active): then(true)
            case .holding(.nothing): then(false)
            // It asks, and hears that nothing was decided.
            default: false
            }
        }
    }

    /// As that source, once what it had is elsewhere: until the target gives way.
    func overrule(by newer: MoveTarget, _ then: @escaping () -> Void) {
        begin(.superseded(ticket, newer)) { message in
            guard case .holding(.nothing) = message else { return false }
            then()
            return true
        }
    }

    func cancel() {
        alarm?.cancel()
        isAnswer = nil
        driver?.giveUp(Failure(.local, .shuttingDown, "no longer wanted"))
        driver = nil
    }

    private func begin(
        _ question: MigrationMessage, _ isAnswer: @escaping (MigrationMessage) -> Bool
    ) {
        self.question = question
        self.isAnswer = isAnswer
        dial()
    }

    private func dial() {
        guard isAnswer != nil else { return }
        let endpoints = peer.endpoints.compactMap { try? Endpoint(parsing: $0, for: .connect) }
        guard !endpoints.isEmpty else { return }
        let driver = host.dial(endpoints)
        self.driver = driver
        driver.onOpened = { [weak self] handle in
            let link = MigrationLink(handle)
            link.onMessage = { [weak link] message, size in
                link?.took(size)
                link?.finish()
                if self?.isAnswer?(message) == true { self?.isAnswer = nil }
            }
            if let self { link.send(self.question) }
            return link
        }
        driver.onEnded = { [weak self] _, _ in
            guard let self else { return }
            let ended = NIOLoopBound(self.driver, eventLoop: host.loop)
            host.loop.execute { _ = ended }
            self.driver = nil
            if isAnswer != nil { alarm?.set(for: MonotonicClock.now + backoff.next(using: &rng)) }
        }
        driver.start()
    }
}
