internal import FTSLCore

/// How long messages stay that every cursor has passed: as long as all three bounds allow.
package struct InboxKeep: Hashable, Sendable {
    /// Milliseconds since a message was stored; nil: for ever.
    package var age: UInt64?
    package var messages: UInt64?
    /// Of bodies, ids and headers.
    package var bytes: UInt64?

    package init(age: UInt64? = nil, messages: UInt64? = nil, bytes: UInt64? = nil) {
        self.age = age
        self.messages = messages
        self.bytes = bytes
    }

    package static let forever = InboxKeep()
}

/// Removes what nobody needs any more, a step at a time: each is a short transaction between those
/// of the lanes.
extension InboxWriter {
    /// Messages, or ids, that a step removes at most.
    enum RetentionStep: UInt64 {
        /// Twice a transaction's usual appends, so that removing keeps up with storing.
        case betweenChanges = 2_048
        /// About 10 ms, for which a change that comes just then has to wait.
        case whileIdle = 8_192
    }

    /// One step. True: there may be more to do.
    func retain(_ keep: InboxKeep, idKeep: UInt64, _ step: RetentionStep) throws -> Bool {
        guard try isDue(keep, idKeep: idKeep) else { return false }
        return try transaction { writer in
            let messages = try writer.removeMessages(keep, step)
            let ids = try writer.removeIDs(idKeep, step)
            return messages || ids
        }
    }

    /// A look without a transaction.
    private func isDue(_ keep: InboxKeep, idKeep: UInt64) throws -> Bool {
        let now = Clock.milliseconds()
        let id = try database.statement("SELECT time FROM known ORDER BY n LIMIT 1")
        if let time = try id.first({ $0.bits(0) }), time &+ idKeep < now { return true }
        if keep.messages.map({ state.messages > $0 }) ?? false { return true }
        if keep.bytes.map({ state.bytes > $0 }) ?? false { return true }
        guard let age = keep.age else { return false }
        let oldest = try database.statement(
            "SELECT stored FROM message WHERE idx >= ? ORDER BY idx LIMIT 1")
        oldest.bind(1, state.trimmed)
        return try oldest.first { $0.bits(0) &+ age < now } ?? false
    }

    private struct Removal {
        var end: UInt64
        var messages: UInt64 = 0
        var bytes: UInt64 = 0
        var senders: Set<UInt64> = []
        var bodies: [UInt64] = []
        var isStepFull = false
        /// Nothing before `end` stays.
        var isWhole = true
        /// The message at `end` would go, but a cursor may need it.
        var isHeldByCursor = false
    }

    private func removeMessages(_ keep: InboxKeep, _ step: RetentionStep) throws -> Bool {
        let floor = try database.statement("SELECT min(floor) FROM cursor").first {
            $0.isNull(0) ? nil : $0.bits(0)
        }
        // A floor in memory is never behind the one on the disk.
        let limit = min((floor ?? nil) ?? .max, state.next)
        let removal = try plan(keep, below: limit, step)
        if removal.end > state.trimmed {
            try remove(removal)
        }
        if removal.isHeldByCursor { return try advanceSlowest(at: limit) }
        return removal.isStepFull
    }

    /// True for a message that is a dead letter, or was one; `?1` is `hasKept`, which spares asking
    /// for each message where there are none.
    private static let isKept = """
        CASE WHEN ?1 THEN EXISTS(SELECT 1 FROM dead WHERE dead.idx = message.idx)
        OR EXISTS(SELECT 1 FROM returned WHERE returned.idx = message.idx) ELSE 0 END
        """

    private func hasKept() throws -> UInt64 {
        let sql = "SELECT EXISTS(SELECT 1 FROM dead) OR EXISTS(SELECT 1 FROM returned)"
        return try database.statement(sql).first { $0.bits(0) } ?? 1
    }

    private func plan(
        _ keep: InboxKeep, below limit: UInt64, _ step: RetentionStep
    ) throws -> Removal {
        var removal = Removal(end: state.trimmed)
        let rows = try database.statement(
            """
            SELECT idx, sender, stored, typeof(body) = 'integer',
            length(body) + ifnull(length(extras), 0), ifnull(length(extras), 0),
            \(Self.isKept)
            FROM message WHERE idx >= ?2 ORDER BY idx LIMIT ?3
            """)
        rows.bind(1, try hasKept())
        rows.bind(2, state.trimmed)
        rows.bind(3, step.rawValue)
        defer { rows.reset() }
        var seen: UInt64 = 0
        while try rows.step() {
            let index = rows.bits(0)
            let isOver =
                keep.messages.map { state.messages - removal.messages > $0 } ?? false
                || keep.bytes.map { state.bytes - removal.bytes > $0 } ?? false
                || keep.age.map { rows.bits(2) &+ $0 < now } ?? false
            guard isOver else { return removal }
            guard index < limit else {
                removal.isHeldByCursor = true
                return removal
            }
            seen += 1
            removal.end = index + 1
            guard rows.integer(6) == 0 else {
                removal.isWhole = false
                continue
            }
            removal.messages += 1
            removal.senders.insert(rows.bits(1))
            if rows.integer(3) != 0 {
                try addLarge(index, extras: rows.bits(5), to: &removal)
            } else {
                removal.bytes += rows.bits(4)
            }
        }
        removal.isStepFull = seen == step.rawValue
        return removal
    }

    private func addLarge(_ index: UInt64, extras: UInt64, to removal: inout Removal) throws {
        let statement = try database.statement("SELECT body FROM message WHERE idx = ?")
        statement.bind(1, index)
        guard let body = try statement.first({ $0.bits(0) }) else { return }
        removal.bodies.append(body)
        removal.bytes += try Pieces.count(of: body, database) + extras
    }

    private func remove(_ removal: Removal) throws {
        let messages = try database.statement(
            // Without a question for each of them they go in one walk through the file.
            "DELETE FROM message WHERE idx >= ?2 AND idx < ?3"
                + (removal.isWhole ? "" : " AND NOT \(Self.isKept)"))
        if !removal.isWhole { messages.bind(1, UInt64(1)) }
        messages.bind(2, state.trimmed)
        messages.bind(3, removal.end)
        try messages.run()
        guard UInt64(database.changes) == removal.messages else { throw Unpacker.damage }
        for body in removal.bodies { try Pieces.drop(body, database) }
        let runs = try database.statement(
            "DELETE FROM run WHERE sender = ?1 AND first < ?2 AND last < ?2")
        for sender in removal.senders {
            runs.bind(1, sender)
            runs.bind(2, removal.end)
            try runs.run()
        }
        state.messages -= removal.messages
        state.bytes -= removal.bytes
        state.trimmed = removal.end
        let oldest = try database.statement("SELECT min(idx) FROM message").first {
            $0.isNull(0) ? nil : $0.bits(0)
        }
        let first = (oldest ?? nil) ?? state.next
        let topicsGone = try topics.expire(below: first)
        let sendersGone = try senders.expire(below: first)
        if topicsGone || sendersGone { reader.drop() }
    }

    /// A cursor whose filter lets nothing through finishes nothing: its floor moves here.
    private func advanceSlowest(at floor: UInt64) throws -> Bool {
        let statement = try database.statement("SELECT name FROM cursor WHERE floor = ? LIMIT 1")
        statement.bind(1, floor)
        guard let name = try statement.first({ $0.text(0) }), var cursor = try consumer(name)
        else { return false }
        var transaction = self
        guard try ConsumerRules.advanceFloor(of: &cursor, in: &transaction) else { return false }
        try save(cursor)
        return true
    }

    private func removeIDs(_ idKeep: UInt64, _ step: RetentionStep) throws -> Bool {
        let statement = try database.statement(
            """
            DELETE FROM known WHERE n IN (SELECT n FROM known ORDER BY n LIMIT ?) AND time < ?
            """)
        statement.bind(1, step.rawValue)
        statement.bind(2, now > idKeep ? now - idKeep : 0)
        try statement.run()
        return UInt64(database.changes) == step.rawValue
    }
}
