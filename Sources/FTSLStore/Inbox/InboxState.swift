internal import FTSLCore

/// The one row of `state`: what is true of the inbox as a whole.
struct InboxState: Equatable {
    var id: InboxID
    var generation: Generation
    /// The newest fence given out.
    var fence: UInt64
    /// The index of the next message.
    var next: UInt64
    /// The key of the next topic, sender or large body; none is ever used again.
    var key: UInt64
    var messages: UInt64
    /// Of bodies, ids and headers.
    var bytes: UInt64
    var producers: UInt64
    var cursors: UInt64
    var dead: UInt64
    /// Below, only messages with dead letters are left, or with such that were put back.
    var trimmed: UInt64

    static let columns = """
        id, moves, starts, fence, next, key, messages, bytes, producers, cursors, dead,
        trimmed
        """

    static func load(_ database: Database) throws -> InboxState {
        let row = try database.statement("SELECT \(columns) FROM state").first { row in
            InboxState(
                id: try row.withBytes(0) { try InboxID(bytes: $0) },
                generation: Generation(moves: row.bits(1), starts: row.bits(2)),
                fence: row.bits(3), next: row.bits(4), key: row.bits(5), messages: row.bits(6),
                bytes: row.bits(7), producers: row.bits(8), cursors: row.bits(9),
                dead: row.bits(10), trimmed: row.bits(11))
        }
        guard let row else { throw Unpacker.damage }
        return row
    }

    func save(_ database: Database) throws {
        let statement = try database.statement(
            """
            UPDATE state SET id = ?, moves = ?, starts = ?, fence = ?, next = ?, key = ?,
            messages = ?, bytes = ?, producers = ?, cursors = ?, dead = ?, trimmed = ?
            """)
        statement.bind(1, id.bytes)
        let numbers = [
            generation.moves, generation.starts, fence, next, key, messages, bytes, producers,
            cursors, dead, trimmed,
        ]
        for (column, number) in numbers.enumerated() { statement.bind(Int32(column) + 2, number) }
        try statement.run()
    }

    /// The row of a new inbox, unless there is one.
    static func create(_ database: Database) throws {
        try database.transaction {
            guard try database.integer("SELECT count(*) FROM state") == 0 else { return }
            try database.execute(
                "INSERT INTO state VALUES(zeroblob(16), 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1)")
            var rng = SystemRandomNumberGenerator()
            var state = try load(database)
            state.id = InboxID.random(using: &rng)
            try state.save(database)
        }
    }
}
