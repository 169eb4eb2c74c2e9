internal import FTSLCore

// MARK: Consumers

extension InboxWriter {
    func consumer(_ name: String) throws -> ConsumerCursor? {
        if let known = cursors[name] { return known }
        let found = try Self.cursor(name, database)
        cursors[name] = found?.cursor
        // Who asks for it uses it; written now and then.
        if let found, now > found.used + 60_000 { changedCursors.insert(name) }
        return found?.cursor
    }

    static func cursor(
        _ name: String, _ database: Database
    ) throws -> (cursor: ConsumerCursor, used: UInt64)? {
        let statement = try database.statement(
            "SELECT grouped, filter, floor, finished, attempts, used FROM cursor WHERE name = ?")
        statement.bind(1, name)
        let found = try statement.first { row in
            var cursor = ConsumerCursor(
                name: name, isGroup: row.integer(0) != 0,
                filter: try row.withBytes(1) { try TopicFilter(packed: $0) },
                floor: InboxIndex(row.bits(2)))
            try row.withBytes(3) { try cursor.unpackFinished($0) }
            try row.withBytes(4) { try cursor.unpackAttempts($0) }
            return (cursor: cursor, used: row.bits(5))
        }
        guard var found else { return nil }
        found.cursor.returned = try returned(name, database)
        return found
    }

    private static func returned(_ name: String, _ database: Database) throws -> [InboxIndex] {
        let statement = try database.statement(
            "SELECT idx FROM returned WHERE cursor = ? ORDER BY idx")
        statement.bind(1, name)
        var indexes: [InboxIndex] = []
        while try statement.step() { indexes.append(InboxIndex(statement.bits(0))) }
        return indexes
    }

    func save(_ cursor: ConsumerCursor) throws {
        let before = try consumer(cursor.name)
        if before == nil { state.cursors += 1 }
        if before?.returned ?? [] != cursor.returned {
            try saveReturned(cursor, before: before?.returned ?? [])
        }
        cursors[cursor.name] = cursor
        changedCursors.insert(cursor.name)
    }

    private func saveReturned(_ cursor: ConsumerCursor, before: [InboxIndex]) throws {
        let (old, new) = (Set(before), Set(cursor.returned))
        let insert = try database.statement("INSERT INTO returned VALUES(?, ?)")
        for index in new.subtracting(old) {
            insert.bind(1, cursor.name)
            insert.bind(2, index.value)
            try insert.run()
        }
        let delete = try database.statement("DELETE FROM returned WHERE cursor = ? AND idx = ?")
        for index in old.subtracting(new) {
            delete.bind(1, cursor.name)
            delete.bind(2, index.value)
            try delete.run()
            state.trimmed = min(state.trimmed, index.value)
        }
    }

    func write(_ cursor: ConsumerCursor) throws {
        let statement = try database.statement("REPLACE INTO cursor VALUES(?, ?, ?, ?, ?, ?, ?)")
        statement.bind(1, cursor.name)
        statement.bind(2, cursor.isGroup ? 1 : Int64(0))
        statement.bind(3, cursor.filter.packed())
        statement.bind(4, cursor.floor.value)
        statement.bind(5, cursor.packedFinished())
        statement.bind(6, cursor.packedAttempts())
        statement.bind(7, now)
        try statement.run()
    }

    /// Forgets a cursor and its dead letters. False: there is none.
    func dropCursor(_ name: String) throws -> Bool {
        guard try consumer(name) != nil else { return false }
        cursors[name] = nil
        changedCursors.remove(name)
        let kept = try database.statement(
            """
            SELECT min(idx) FROM (SELECT idx FROM dead WHERE cursor = ?1
            UNION ALL SELECT idx FROM returned WHERE cursor = ?1)
            """)
        kept.bind(1, name)
        if let first = try kept.first({ $0.isNull(0) ? nil : $0.bits(0) }) ?? nil {
            state.trimmed = min(state.trimmed, first)
        }
        for table in ["dead", "returned"] {
            let statement = try database.statement("DELETE FROM \(table) WHERE cursor = ?")
            statement.bind(1, name)
            try statement.run()
            if table == "dead" { state.dead -= UInt64(database.changes) }
        }
        let statement = try database.statement("DELETE FROM cursor WHERE name = ?")
        statement.bind(1, name)
        try statement.run()
        state.cursors -= 1
        return true
    }

    // MARK: Finding messages

    func message(at index: InboxIndex) throws -> StoredMessage? {
        try reader.message(at: index, now: now)
    }

    func index(from: InboxIndex, matching filter: TopicFilter) throws -> InboxIndex? {
        if !filter.patterns.isEmpty { try topics.flush() }
        return try reader.index(from: from, matching: filter)
    }

    func index(storedSince milliseconds: UInt64) throws -> InboxIndex? {
        try reader.index(storedSince: milliseconds)
    }

    func index(last count: UInt64, matching filter: TopicFilter) throws -> InboxIndex? {
        try reader.index(last: count, matching: filter)
    }

    // MARK: Dead letters

    func bury(_ letter: DeadLetter) throws {
        if try deadLetter(letter.cursor, letter.index) == nil { state.dead += 1 }
        let statement = try database.statement("REPLACE INTO dead VALUES(?, ?, ?, ?, ?)")
        statement.bind(1, letter.cursor)
        statement.bind(2, letter.index.value)
        statement.bind(3, UInt64(letter.attempts))
        statement.bind(4, letter.reason)
        statement.bind(5, letter.died)
        try statement.run()
    }

    func deadLetter(_ cursor: String, _ index: InboxIndex) throws -> DeadLetter? {
        let statement = try database.statement(
            "SELECT idx, attempts, reason, died FROM dead WHERE cursor = ? AND idx = ?")
        statement.bind(1, cursor)
        statement.bind(2, Int64(clamping: index.value))
        return try statement.first { Self.deadLetter(cursor, $0) }
    }

    static func deadLetter(_ cursor: String, _ row: Statement) -> DeadLetter {
        DeadLetter(
            cursor: cursor, index: InboxIndex(row.bits(0)),
            attempts: UInt32(clamping: row.integer(1)), reason: row.text(2), died: row.bits(3))
    }

    func exhume(_ cursor: String, _ index: InboxIndex) throws {
        let statement = try database.statement("DELETE FROM dead WHERE cursor = ? AND idx = ?")
        statement.bind(1, cursor)
        statement.bind(2, Int64(clamping: index.value))
        try statement.run()
        guard database.changes > 0 else { return }
        state.dead -= 1
        state.trimmed = min(state.trimmed, index.value)
    }
}
