internal import NIOCore

extension ConsumerPort {
    package func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        switch frame {
        case .subscribed(let subscribed):
            guard case .subscribing = phase else {
                throw .violation(.unexpectedFrame, "SUBSCRIBED without SUBSCRIBE")
            }
            receive(subscribed)
        case .delivery(let delivery):
            // After a refusal on this side, what was on its way still comes.
            if case .refused = phase { return }
            guard case .active = phase else {
                throw .violation(.unexpectedFrame, "DELIVERY before SUBSCRIBED")
            }
            try receive(delivery)
        case .settled(let index, let token, let verdict):
            if token == .none { returned(index, verdict) } else { settled(index, token, verdict) }
        case .caughtUp(let index):
            guard case .active = phase else { return }
            if !isDurable { next = max(next ?? index, index) }
            effects.append(.caughtUp(index))
        case .refused(.subscription, let code, let text):
            refuse(Failure(.peer, code, text))
        case .refused(.lane, _, _), .refused(.watch, _, _), .lane, .message, .skip, .recorded,
            .watch, .ready, .accepted, .processed, .subscribe, .grant, .settle, .return:
            throw .violation(.unexpectedFrame, "not a frame for a consumer")
        }
    }

    private var isDurable: Bool { configuration.kind?.isDurable ?? false }

    private func refuse(_ failure: Failure) {
        drop()
        phase = .refused
        effects.append(.refused(failure))
    }

    /// A consumer obeys the inbox it met, at the newest generation proven to it. [FTSL §7.6]
    private func receive(_ subscribed: MessageFrame.Subscribed) {
        if let inbox = configuration.inbox, inbox != subscribed.inbox {
            let text = "inbox \(inbox) was met before, and this is \(subscribed.inbox)"
            return refuse(Failure(.peer, .inboxChanged, text))
        }
        guard subscribed.generation >= configuration.generation else {
            return refuse(
                Failure(.peer, .staleGeneration, "a newer host of this inbox was met before"))
        }
        configuration.inbox = subscribed.inbox
        configuration.generation = subscribed.generation
        if !isDurable { next = max(next ?? subscribed.floor, subscribed.floor) }
        phase = .active
        effects.append(.subscribed(subscribed))
    }

    // MARK: Deliveries

    private func receive(_ delivery: MessageFrame.Delivery) throws(Failure) {
        if let head = delivery.head {
            guard current == nil, delivery.offset == 0 else {
                throw .violation(.positionGap, "a delivery inside another")
            }
            try begin(delivery, head)
        }
        guard let current, current.index == delivery.index, current.token == delivery.token,
            current.received == delivery.offset
        else { throw .violation(.positionGap, "a delivery without its beginning") }
        let count = UInt64(delivery.bytes.readableBytes)
        guard count <= current.digest.count - current.received else {
            throw .violation(.malformedFrame, "a delivery is longer than its body")
        }
        guard bytes.arrive(count, again: current.isRepeat) else {
            throw .violation(.creditOverrun, "body bytes without credit")
        }
        current.hash.update(delivery.bytes)
        self.current?.received += count
        if !current.isRepeat, count > 0 { effects.append(.body(current.index, delivery.bytes)) }
        if current.received + count == current.digest.count { try complete(current) }
    }

    private func begin(
        _ delivery: MessageFrame.Delivery, _ head: MessageFrame.DeliveryHead
    ) throws(Failure) {
        let index = delivery.index
        let isRepeat = isDurable ? isHeld(index, delivery.token) : index < next ?? index
        guard messages.arrive(1, again: isRepeat) else {
            throw .violation(.creditOverrun, "a delivery without credit")
        }
        current = Current(
            index: index, token: delivery.token, digest: head.digest, isRepeat: isRepeat)
        guard !isRepeat else { return }
        effects.append(.began(index, attempt: delivery.token.attempt, head))
    }

    /// Whether the application has it already, and need not see it again.
    ///
    /// Under a new token, because the inbox was started anew or the lease ended: an answer that is
    /// given or still to come goes out under that. Only after RETRY it is a new attempt.
    private func isHeld(_ index: InboxIndex, _ token: MessageFrame.LeaseToken) -> Bool {
        guard let before = held[index] else { return false }
        guard before.token != token else { return true }
        if case .retry = before.answer {
            held[index] = nil
            effects.append(.settled(index, .settled))
            return false
        }
        held[index]?.token = token
        if before.answer != nil { owed.append(index) }
        return true
    }

    private func complete(_ whole: Current) throws(Failure) {
        guard whole.hash.value == whole.digest.digest else {
            throw .violation(.digestMismatch, "the body of message \(whole.index.value)")
        }
        current = nil
        guard !whole.isRepeat else { return }
        if isDurable {
            held[whole.index] = Held(token: whole.token)
        } else {
            next = whole.index.next
        }
        effects.append(.complete(whole.index))
    }

    // MARK: Answers

    private func settled(
        _ index: InboxIndex, _ token: MessageFrame.LeaseToken,
        _ verdict: MessageFrame.SettleVerdict
    ) {
        // An answer to an older token, which a newer one has replaced, says nothing.
        guard let answered = held[index], answered.token == token, answered.answer != nil else {
            return
        }
        held[index] = nil
        effects.append(.settled(index, verdict))
    }

    private func returned(_ index: InboxIndex, _ verdict: MessageFrame.SettleVerdict) {
        guard let place = returns.firstIndex(of: index) else { return }
        returns.remove(at: place)
        returnsSent = max(0, returnsSent - 1)
        effects.append(.returned(index, verdict == .settled))
    }
}
