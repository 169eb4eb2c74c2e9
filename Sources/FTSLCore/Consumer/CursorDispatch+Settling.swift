extension CursorDispatch {
    // MARK: Settling [FTSL §7.7]

    /// Judges a settlement; nil: it is on its way to disk, and answered from there.
    func settle(
        _ settlement: MessageFrame.Settlement, by member: ConsumerMember
    ) -> MessageFrame.SettleVerdict? {
        let index = settlement.index
        guard let entry = entries[index] else { return verdict(onFinished: settlement) }
        guard settlement.token == token(of: index), entry.holder == member.id else {
            return .fenced
        }
        if entry.isRetried { return settlement.verdict.isRetry ? .settled : .fenced }
        switch entry.state {
        case .finishing, .failing: return nil
        case .delayed: return .fenced
        case .ready, .again, .leased:
            // A lease that ended and that nobody else was given still counts: the work is done.
            let (change, state) = consequence(of: settlement, entry, member)
            host.ask(.change(change), .settle(self, index))
            move(index, to: state)
            return nil
        }
    }

    /// A repetition, or the answer to a lease of an earlier life. [FTSL §7.7]
    private func verdict(
        onFinished settlement: MessageFrame.Settlement
    ) -> MessageFrame.SettleVerdict {
        guard hasFinished(settlement.index) else { return .fenced }
        if let token = settledToken(of: settlement.index) {
            return token == settlement.token ? .settled : .fenced
        }
        // Who finished it is not known any more; that it is done is true.
        return settlement.verdict == .done ? .settled : .fenced
    }

    private func consequence(
        of settlement: MessageFrame.Settlement, _ entry: Entry, _ member: ConsumerMember
    ) -> (InboxChange, State) {
        let index = settlement.index
        let failures = entry.failures + 1
        func letter(_ reason: String) -> InboxChange {
            .bury(
                DeadLetter(
                    cursor: name, index: index, attempts: failures, reason: reason, died: 0))
        }
        switch settlement.verdict {
        case .done: return (.finish(cursor: name, index), .finishing)
        case .dead(let reason): return (letter(reason), .finishing)
        case .retry(let delay):
            guard failures < member.maxAttempts else {
                return (letter("\(failures) deliveries failed"), .finishing)
            }
            let change = InboxChange.failed(cursor: name, index, attempts: failures)
            return (change, .failing(retryAfter: delay))
        }
    }

    /// The store's answer to a settlement.
    func committed(_ index: InboxIndex, _ reply: InboxReply, now: Instant) {
        guard let entry = entries[index] else { return }
        guard case .changed(.done) = reply else { return stop(reply.failure) }
        let token = MessageFrame.LeaseToken(starts: starts, attempt: entry.attempt)
        switch entry.state {
        case .finishing: finish(index)
        case .failing(let delay):
            entries[index]?.failures += 1
            entries[index]?.isRetried = true
            move(index, to: delay == .zero ? .again : .delayed)
            if delay != .zero { host.startRetry(of: index, in: self, at: now + delay) }
        case .ready, .again, .leased, .delayed:
            preconditionFailure("a settlement that nobody sent")
        }
        // Nobody holds what vanished.
        members.first { $0.id == entry.holder }?.answer(index, token)
        pump()
    }

    // MARK: Members [FTSL §7.6]

    /// A member's SUBSCRIBE is answered; what it held on an earlier connection it gets again.
    func join(_ member: ConsumerMember) {
        if !isGroup {
            for other in members where other !== member {
                release(held(by: other), of: other)
                other.supersede()
            }
            members.removeAll { $0 !== member }
        }
        if !members.contains(where: { $0 === member }) { members.append(member) }
    }

    /// A member is gone: its leases return.
    func leave(_ member: ConsumerMember) {
        release(held(by: member), of: member)
        members.removeAll { $0 === member }
        if members.isEmpty { host.drop(self) } else { pump() }
    }

    /// Nobody can go on: every member is told why.
    func stop(_ failure: Failure) {
        host.drop(self)
        let stopped = members
        members = []
        for member in stopped { member.refuse(failure) }
    }
}

extension MessageFrame.Settlement.Verdict {
    var isRetry: Bool {
        if case .retry = self { true } else { false }
    }
}
