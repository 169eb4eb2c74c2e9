package import FTSLCore

/// What an operator does to disks while their processes are not there, and what a test looks at.
extension MessageWorld {
    /// An outbox or an inbox as it is on its disk now.
    package struct Copy {
        fileprivate var inbox: InboxTables?
        fileprivate var outbox: OutboxTables?
    }

    package func copyInbox() -> Copy { Copy(inbox: inbox.tables) }

    package func copyOutbox(_ client: Int) -> Copy { Copy(outbox: clients[client].outbox?.tables) }

    /// The outbox is replaced by an earlier copy of it.
    package func restore(outbox client: Int, _ copy: Copy) {
        guard let tables = copy.outbox, let outbox = clients[client].outbox else { return }
        crash(clients[client], downFor: 100)
        outbox.tables = tables
        checker.outboxRestored(client, tables)
    }

    /// The inbox is replaced by an earlier copy of it, or by another inbox.
    package func restore(inbox copy: Copy) {
        guard let tables = copy.inbox else { return }
        crashHost(downFor: 100)
        inbox.tables = tables
        checker.inboxRestored(tables)
    }

    /// The inbox's file is deleted; its host makes a new one.
    package func deleteInbox() {
        crashHost(downFor: 100)
        inbox.tables = Self.makeInbox(scenario, mutation, using: &rng)
        checker.inboxRestored(inbox.tables)
    }

    /// The named error that stopped a client; nil: it goes on.
    package func stopped(_ client: Int) -> FailureCode? { clients[client].stopped?.code }

    /// The named error on the outbox's disk.
    package func halted(_ client: Int) -> FailureCode? {
        clients[client].outbox?.tables.lane?.halted
    }

    package var storedNumbers: [UInt64] { inbox.tables.messages.map(\.envelope.created) }

    /// Messages whose outcome the outbox does not know yet.
    package func unresolved(_ client: Int) -> Int {
        guard let lane = clients[client].outbox?.tables.lane else { return 0 }
        return Int(lane.end.value - lane.settledBelow.value)
    }
}

extension MessageChecker {
    /// What comes is judged by what is there now; what was promised before is lost with the disk.
    mutating func inboxRestored(_ tables: InboxTables) {
        stored = [:]
        facts = [:]
        resolvedOtherwise = [:]
        resolvedBelow = [:]
        scannedTo = .first
        outcomes = [:]
        (begins, whole, answers, returned) = ([:], [:], [:], [:])
        (lastFirst, leases, tokens, verdicts) = ([:], [:], [:], [:])
        for message in tables.messages {
            for cursor in tables.consumers.keys {
                answers[cursor, default: []].insert(message.index)
            }
        }
        for (producer, cursor) in tables.producers { resolvedBelow[producer] = cursor.next }
        let known = resolvedBelow
        resolvedBelow = [:]
        inboxCommitted(from: InboxTables(id: tables.identity.id), to: tables)
        resolvedBelow = known
    }

    mutating func outboxRestored(_ client: Int, _ tables: OutboxTables) {
        if let lane = tables.lane { clientLane[client] = lane.producer }
    }
}
