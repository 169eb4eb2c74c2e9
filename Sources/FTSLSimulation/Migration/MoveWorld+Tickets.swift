internal import FTSLCore
internal import NIOCore

/// Asks another host about a ticket until it answers, as `FTSLKit` does.
final class Question {
    private unowned let world: MoveWorld
    private let host: MovingHost
    private let message: MigrationMessage
    private let peer: Int
    private var backoff = Backoff()
    private var dialer: Dialer?
    private var isAnswer: ((MigrationMessage) -> Bool)?

    init(_ world: MoveWorld, _ host: MovingHost, _ message: MigrationMessage, of peer: Int) {
        self.world = world
        self.host = host
        self.message = message
        self.peer = peer
    }

    func begin(_ isAnswer: @escaping (MigrationMessage) -> Bool) {
        self.isAnswer = isAnswer
        dial()
    }

    func cancel() {
        isAnswer = nil
        if let dialer {
            dialer.core.giveUp(Failure(.local, .shuttingDown, "no longer wanted"))
            world.pump(dialer)
        }
        dialer = nil
    }

    private func dial() {
        guard isAnswer != nil else { return }
        dialer = world.talk(from: host, to: peer) { [weak self] talk in
            guard let self else { return talk.finish() }
            talk.onMessage = { [weak self, weak talk] message in
                talk?.finish()
                guard let self else { return }
                world.step(host)
                if isAnswer?(message) == true { isAnswer = nil }
            }
            talk.send(message)
        } ended: { [weak self] in
            guard let self else { return }
            dialer = nil
            guard isAnswer != nil else { return }
            world.after(backoff.next(using: &world.rng), of: host) { [weak self] in
                self?.dial()
            }
        }
    }
}

/// What a host does about tickets besides its own part in one.
extension MoveWorld {
    /// A session with another host, for as long as this process lives.
    @discardableResult
    func talk(
        from host: MovingHost, to target: Int, opened: @escaping (Talk) -> Void,
        ended: @escaping () -> Void
    ) -> Dialer {
        var configuration = InitiatorConfiguration()
        configuration.service = SessionRights.migrationService
        configuration.limits = scenario.session
        configuration.firstTimeout = .seconds(10)
        configuration.giveUpAfter = .seconds(60)
        configuration.linger = .seconds(5)
        let dialer = makeDialer(
            configuration, place: host.index, endpoints: [target], shape: scenario.shape)
        host.dialers.append(dialer)
        var talk: Talk?
        dialer.onOpened = { [unowned self, unowned dialer] session in
            let made = Talk(
                session, clock: { [unowned self] in dialer.clock(now) },
                touch: { [unowned self] in
                    dialer.core.touched(now: dialer.clock(now))
                    pump(dialer)
                })
            talk = made
            opened(made)
        }
        dialer.onEvent = { [unowned self] event in
            do {
                try talk?.handle(event)
            } catch {
                fail(.definite, "hosts do not understand each other: \(error)")
            }
        }
        dialer.onAttached = { _ in talk?.isAttached = true }
        dialer.onDetached = {
            talk?.isAttached = false
            talk?.onDetached?()
        }
        dialer.onEnded = { _, _ in
            talk?.ended()
            ended()
        }
        dialer.core.start(now: dialer.clock(now))
        after(0) { [unowned self] in pump(dialer) }
        return dialer
    }

    func migrate(_ host: MovingHost, to target: Int) {
        trace.note(now, "migrate", UInt64(host.index), UInt64(target))
        guard host.isUp, !host.isMoving, host.arrivals.values.allSatisfy(\.isOver) else { return }
        if case .moved = host.core.absence { return }
        let departure = Departing(self, host, to: target)
        host.departure = departure
        departure.start()
        pump(host)
    }

    // MARK: Sessions of other hosts

    func answer(_ talk: Talk, at host: MovingHost) {
        talk.onMessage = { [unowned self, unowned talk] message in
            step(host)
            switch message {
            case .offer(let offer): offered(offer, talk, host)
            case .ask(let ticket): talk.send(.answer(decision(of: ticket, at: host)))
            case .query(let ticket): talk.send(.holding(holding(of: ticket, at: host)))
            case .superseded(let ticket, let target):
                talk.send(.holding(superseded(ticket, target, at: host)))
            // It had been refused already.
            case .abort: break
            default: fail(.definite, "a talk of hosts began with \(message)")
            }
        }
    }

    private func offered(_ offer: MigrationMessage.Offer, _ talk: Talk, _ host: MovingHost) {
        if let refusal = refusal(of: offer, host) {
            trace.note(now, "refuses", UInt64(host.index), 0, refusal)
            talk.send(.refuse(Failure(.peer, .migrationRefused, refusal)))
            return talk.finish()
        }
        talk.send(.accept)
        let arrival = Arriving(self, host, offer, talk)
        host.arrivals[offer.ticket] = arrival
        arrival.begin()
    }

    private func refusal(of offer: MigrationMessage.Offer, _ host: MovingHost) -> String? {
        if host.isMoving || host.arrivals.values.contains(where: \.isUnderWay) {
            return "another migration is on its way here"
        }
        return inboxObstacle(offer.inbox, host)
    }

    func inboxObstacle(
        _ offer: MigrationMessage.InboxOffer?, _ host: MovingHost
    ) -> String? {
        guard let offer else { return nil }
        let here = host.inbox.tables
        let isOlder =
            here.identity.id == offer.id && here.identity.generation.moves <= offer.moves
        return isOlder || here.producers.isEmpty ? nil : "another inbox is here"
    }

    private func decision(
        of ticket: TicketID, at host: MovingHost
    ) -> MigrationMessage.Decision {
        if let departure = host.departure, departure.ticket == ticket {
            return departure.decision
        }
        switch host.decided[ticket]?.state {
        case .moved: return .moved
        case .frozen: return .undecided
        case .thawed, .fenced, nil: return .aborted
        }
    }

    func holding(
        of ticket: TicketID, at host: MovingHost
    ) -> MigrationMessage.Holding {
        host.arrivals[ticket]?.holding ?? (host.consumed[ticket] != nil ? .active : .nothing)
    }

    // MARK: Forced

    /// An operator vouches that the source of what is prepared here is dead for good.
    func resolve(_ host: MovingHost, evenIfAlive: Bool) {
        let prepared = host.arrivals.values.filter { $0.machine.state == .prepared }
        guard let arrival = prepared.min(by: { $0.ticket.high < $1.ticket.high }) else { return }
        trace.note(now, "resolve", UInt64(host.index))
        var isDone = false
        func conclude(_ decision: MigrationMessage.Decision?) {
            guard !isDone else { return }
            isDone = true
            guard arrival.machine.state == .prepared,
                decision == nil || evenIfAlive || decision == .moved
            else { return }
            arrival.handle(.forced)
        }
        let question = Question(self, host, .ask(arrival.ticket), of: arrival.source)
        after(.seconds(10), of: host) {
            question.cancel()
            conclude(nil)
        }
        question.begin { message in
            guard case .answer(let decision) = message else { return false }
            conclude(decision)
            return true
        }
    }
}
