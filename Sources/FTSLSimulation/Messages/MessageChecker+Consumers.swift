internal import FTSLCore

/// Consumers: whole messages in order, leases, settlements.
extension MessageChecker {
    // MARK: Programs

    mutating func delivered(
        _ index: InboxIndex, _ head: MessageFrame.DeliveryHead, _ bytes: PseudoCheck,
        to client: Int, _ consumer: ConsumerScenario
    ) {
        let number = head.envelope.created
        guard let fact = facts[index], fact.number == number,
            fact.place == LanePlace(producer: head.producer, sequence: head.sequence)
        else { return fail(.delivered, "\(index.value) is delivered as what it is not") }
        if !bytes.isRight || bytes.count != head.digest.count {
            fail(.delivered, "message \(number) is delivered with other bytes")
        }
        if !consumer.filter.matches(head.envelope.topic) {
            fail(.delivered, "\(index.value) does not match the filter of \(client)")
        }
        guard consumer.isDurable else { return follow(index, client, consumer) }
        let isFirst = whole[consumer.cursor, default: []].insert(index).inserted
        guard isFirst, consumer.kind == .cursor, !mayTurn(consumer.cursor) else { return }
        let last = lastFirst[consumer.cursor, default: [:]].updateValue(
            head.sequence, forKey: head.producer)
        if let last, head.sequence < last {
            fail(.order, "\(consumer.cursor) is given \(head.sequence.value) after \(last.value)")
        }
    }

    /// Retries and members that change turn the order round.
    private func mayTurn(_ cursor: String) -> Bool {
        scenario.consumers.contains { $0.cursor == cursor && $0.retries > 0 }
            || !(returned[cursor] ?? [:]).isEmpty
    }

    mutating func ephemeralStarts(_ client: Int, at index: InboxIndex) {
        followers[client] = index
    }

    /// Every message that matches, once and in order, from where it began.
    private mutating func follow(
        _ index: InboxIndex, _ client: Int, _ consumer: ConsumerScenario
    ) {
        let from = followers[client] ?? .first
        if index < from { fail(.exactlyOnce, "follower \(client) is given \(index.value) again") }
        for (other, fact) in facts
        where other >= from && other < index && consumer.filter.matches(fact.topic) {
            fail(.delivered, "follower \(client) is not given \(other.value)")
        }
        followers[client] = index.next
    }

    mutating func answered(_ index: InboxIndex, of cursor: String, isDone: Bool) {
        answers[cursor, default: []].insert(index)
        if isDone { doneAnswers[cursor, default: []].insert(index) }
    }

    mutating func returns(_ index: InboxIndex, of cursor: String) {
        let key = LeaseKey(cursor: cursor, index: index)
        returned[cursor, default: [:]][index] = tokens[key]?.count ?? 0
    }

    mutating func consumerStopped(_ client: Int) { followers[client] = nil }

    // MARK: Sessions

    mutating func attached(_ session: SessionID, now: Instant) {
        liveSessions.insert(session)
        guard let since = detachedAt.removeValue(forKey: session) else { return }
        // Its time ran out while it was away: what it had may be another's already.
        guard now.since(since) >= Bound.lease else { return }
        for (key, lease) in leases where lease.session == session { leases[key]?.isOver = true }
    }

    mutating func detached(_ session: SessionID, now: Instant) { detachedAt[session] = now }

    mutating func ended(_ session: SessionID) {
        liveSessions.remove(session)
        detachedAt[session] = nil
    }

    mutating func hostCrashed() {
        liveSessions = []
        detachedAt = [:]
    }

    private func consumer(_ client: Int) -> ConsumerScenario? {
        let index = client - scenario.producers.count
        return scenario.consumers.indices.contains(index) ? scenario.consumers[index] : nil
    }

    func newestLease(of index: InboxIndex, for client: Int) -> Lease? {
        consumer(client).flatMap { leases[LeaseKey(cursor: $0.cursor, index: index)] }
    }

    // MARK: Frames

    mutating func hostReceives(
        _ frame: MessageFrame, from client: Int, _ session: SessionID, _ outbox: OutboxTables?
    ) {
        switch frame {
        case .settle(let settlement):
            guard let consumer = consumer(client) else { return }
            let key = LeaseKey(cursor: consumer.cursor, index: settlement.index)
            verdicts[key, default: [:]][settlement.token] = settlement.verdict
            if leases[key]?.token == settlement.token, leases[key]?.session == session {
                leases[key]?.isOver = true
            }
        case .recorded(let below):
            if outbox?.lane.map({ $0.settledBelow < below }) ?? false {
                fail(.durable, "RECORDED \(below.value) is not on the disk of \(client)")
            }
        case .skip(let sequence, let reason, _):
            guard let outbox, let lane = outbox.lane, sequence >= lane.settledBelow else { return }
            if outbox.message(sequence, of: lane)?.skipped != reason {
                fail(.durable, "SKIP \(sequence.value) is not on the disk of \(client)")
            }
        default: break
        }
    }

    mutating func hostSends(
        _ frame: MessageFrame, to client: Int, _ session: SessionID, _ tables: InboxTables,
        now: Instant
    ) {
        switch frame {
        case .ready(let ready): check(ready.progress, to: client, tables)
        case .accepted(let progress): check(progress, to: client, tables)
        case .delivery(let delivery):
            guard delivery.head != nil, let consumer = consumer(client), consumer.isDurable
            else { return }
            lease(delivery, to: client, session, consumer, now: now)
        case .settled(let index, let token, .settled):
            guard let consumer = consumer(client) else { return }
            check(index, token, to: client, consumer, tables)
        case .subscribed:
            guard let consumer = consumer(client), consumer.kind == .cursor else { return }
            endLeases(of: consumer.cursor) { $0.session != session }
        case .refused(.subscription, _, _):
            guard let consumer = consumer(client) else { return }
            endLeases(of: consumer.cursor) { $0.session == session }
        default: break
        }
    }

    /// What the store could not do stops its cursors; members without a connection are not told.
    mutating func storeFailed() {
        for key in leases.keys { leases[key]?.isOver = true }
    }

    private mutating func endLeases(of cursor: String, where isOver: (Lease) -> Bool) {
        for (key, lease) in leases where key.cursor == cursor && isOver(lease) {
            leases[key]?.isOver = true
        }
    }

    /// ACCEPTED never leaves before its commit, and leaves out nothing.
    private mutating func check(
        _ progress: MessageFrame.Progress, to client: Int, _ tables: InboxTables
    ) {
        guard let lane = clientLane[client] else { return }
        let cursor = tables.producers[lane]
        if progress.next > cursor?.next ?? .first {
            fail(.durable, "\(progress.next.value) is told to \(client) before its commit")
        }
        let listed = Set(progress.exceptions)
        for exception in cursor?.exceptions ?? []
        where exception.sequence < progress.next && !listed.contains(exception) {
            // RECORDED may be on its way to the disk.
            if outcomes[LanePlace(producer: lane, sequence: exception.sequence)] == nil {
                fail(.outcome, "\(exception) is not told to \(client)")
            }
        }
    }

    // MARK: Leases

    private mutating func lease(
        _ delivery: MessageFrame.Delivery, to client: Int, _ session: SessionID,
        _ consumer: ConsumerScenario, now: Instant
    ) {
        let key = LeaseKey(cursor: consumer.cursor, index: delivery.index)
        let token = delivery.token
        if let other = tokens[key]?[token], other != client {
            fail(.fenced, "\(delivery.index.value) is leased to \(other) and \(client) as \(token)")
        }
        tokens[key, default: [:]][token] = client
        if let lease = leases[key], !lease.isOver, lease.session != session,
            liveSessions.contains(lease.session)
        {
            let isHeld = detachedAt[lease.session].map { now.since($0) < Bound.lease } ?? true
            if isHeld {
                fail(
                    .fenced,
                    "\(delivery.index.value) is leased to \(client) while \(lease.client) has it")
            }
        }
        leases[key] = Lease(token: token, client: client, session: session)
    }

    /// SETTLED never leaves before its commit, and only to whoever holds the newest lease.
    private mutating func check(
        _ index: InboxIndex, _ token: MessageFrame.LeaseToken, to client: Int,
        _ consumer: ConsumerScenario, _ tables: InboxTables
    ) {
        guard let cursor = tables.consumers[consumer.cursor] else {
            return fail(.durable, "SETTLED of a cursor that is not there")
        }
        if token == MessageFrame.LeaseToken(starts: 0, attempt: 0) {
            // Delivered since, and dead again before the answer left, it was on disk as well.
            let key = LeaseKey(cursor: cursor.name, index: index)
            let before = returned[cursor.name]?[index] ?? 0
            let isBack =
                tables.deadLetter(cursor.name, index) == nil
                || tokens[key]?.count ?? 0 > before
            if !isBack { fail(.durable, "\(index.value) is returned, and not on disk") }
            return
        }
        let key = LeaseKey(cursor: consumer.cursor, index: index)
        if tokens[key]?[token] != client {
            fail(.fenced, "\(client) settles \(index.value) as \(token), which it never had")
        }
        guard let verdict = verdicts[key]?[token] else {
            return fail(.fenced, "\(client) is told \(index.value) is settled, and did not ask")
        }
        let isDurable =
            cursor.hasFinished(index) || cursor.returned.contains(index)
            || tables.message(at: index) == nil
            || verdict.isRetried && cursor.attempts[index] ?? 0 > 0
        if !isDurable { fail(.durable, "\(index.value) is settled before its commit") }
        // RETRY may have led to the next lease before it was answered.
        if leases[key]?.token != token, verdict != .done, !verdict.isRetried {
            fail(.fenced, "\(client) settles \(index.value) under an old lease")
        }
    }
}

extension MessageFrame.Settlement.Verdict {
    fileprivate var isRetried: Bool {
        if case .retry = self { true } else { false }
    }
}
