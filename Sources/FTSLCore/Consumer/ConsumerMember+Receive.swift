extension ConsumerMember {
    package func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        switch frame {
        case .subscribe(let subscribe): try receive(subscribe)
        case .grant(let credit):
            deliveries.grant(credit)
            pump()
        case .settle(let settlement): try receive(settlement)
        case .return(let name, let index): try receiveReturn(of: index, to: name)
        case .lane, .message, .skip, .recorded, .watch, .ready, .accepted, .processed,
            .subscribed, .delivery, .settled, .caughtUp, .refused:
            throw .violation(.unexpectedFrame, "not a frame of a consumer")
        }
    }

    private func receive(_ subscribe: MessageFrame.Subscribe) throws(Failure) {
        switch phase {
        case .idle, .refused: break
        case .subscribing, .active:
            throw .violation(.unexpectedFrame, "a second SUBSCRIBE on one connection")
        }
        if let failure = objection(to: subscribe) { return refuse(failure) }
        forgetSubscription()
        if let cursor, cursor.name != subscribe.cursor || !subscribe.kind.isDurable {
            leaveCursor()
        }
        deliveries.grant(subscribe.credit)
        maxAttempts = subscribe.maxAttempts == 0 ? Bound.maxAttempts : subscribe.maxAttempts
        phase = .subscribing(subscribe)
        let change: InboxChange =
            subscribe.kind.isDurable
            ? .subscribe(
                name: subscribe.cursor, isGroup: subscribe.kind == .group, subscribe.filter,
                subscribe.start)
            : .locate(subscribe.filter, subscribe.start)
        host.ask(.change(change), .subscribe(self, subscription: subscription))
    }

    /// Why a subscription is not granted. [FTSL §7.6]
    private func objection(to subscribe: MessageFrame.Subscribe) -> Failure? {
        if isSuperseded {
            isSuperseded = false
            return Self.superseded
        }
        if let inbox = subscribe.inbox, inbox != host.identity.id {
            return Failure(.peer, .inboxChanged, "this is inbox \(host.identity.id)")
        }
        if subscribe.generation > host.identity.generation {
            return Failure(
                .peer, .staleGeneration, "the consumer has met a newer host of this inbox")
        }
        guard let allowed = permissions.consume else {
            return Failure(.peer, .topicForbidden, "reading this inbox is not allowed")
        }
        if subscribe.kind != .ephemeral, subscribe.cursor.isEmpty {
            return Failure(.peer, .noSuchCursor, "a cursor needs a name")
        }
        // A cursor that skipped what one member may not see would lose it for all the others.
        let isAllowed =
            subscribe.kind.isDurable
            ? allowed.covers(subscribe.filter) : allowed.overlaps(subscribe.filter)
        return isAllowed
            ? nil
            : Failure(.peer, .topicForbidden, "reading these topics is not allowed")
    }

    private func receive(_ settlement: MessageFrame.Settlement) throws(Failure) {
        guard control.count + unanswered + early.count < 2 * Int(Bound.deliveries) else {
            throw .violation(.creditOverrun, "more settlements than deliveries")
        }
        switch phase {
        case .subscribing(let subscribe) where subscribe.kind.isDurable: early.append(settlement)
        case .active where cursor != nil: settle(settlement)
        case .refused: break
        case .idle, .subscribing, .active:
            throw .violation(.unexpectedFrame, "SETTLE where nothing is settled")
        }
    }

    func settle(_ settlement: MessageFrame.Settlement) {
        guard let cursor else { return }
        guard let verdict = cursor.settle(settlement, by: self) else {
            deliveries.remove(settlement.index)
            held = held > 0 ? held - 1 : 0
            if settlement.verdict.isRetry { announced = nil }
            unanswered += 1
            return
        }
        say(.settled(settlement.index, settlement.token, verdict))
    }

    /// Settled, on disk.
    func answer(_ index: InboxIndex, _ token: MessageFrame.LeaseToken) {
        unanswered = max(0, unanswered - 1)
        guard case .active = phase else { return }
        say(.settled(index, token, .settled))
    }

    private func receiveReturn(of index: InboxIndex, to name: String) throws(Failure) {
        guard control.count + unanswered < 2 * Int(Bound.deliveries) else {
            throw .violation(.creditOverrun, "too many RETURNs at once")
        }
        guard permissions.consume != nil else {
            return say(.settled(index, .none, .fenced))
        }
        unanswered += 1
        host.ask(
            .change(.return(cursor: name, index)),
            .putBack(self, attachment: attachment, cursor: name, index))
    }

    /// RETURN is answered as a settlement of no lease. [FTSL §7.7]
    func putBack(_ index: InboxIndex, _ reply: InboxReply) {
        unanswered = max(0, unanswered - 1)
        say(.settled(index, .none, reply == .changed(.done) ? .settled : .fenced))
    }

    func say(_ frame: MessageFrame) {
        control.append(frame)
        host.queue.wake(session)
    }
}

extension MessageFrame.Subscribe.Kind {
    /// Of a cursor, which outlives its subscribers.
    var isDurable: Bool { self == .cursor || self == .group }
}
