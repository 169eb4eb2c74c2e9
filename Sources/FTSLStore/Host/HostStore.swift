package import FTSLCore
internal import Synchronization

/// The durable records of one listener about what moves away from it and to it. [FTSL §10]
///
/// Every record is on the disk when the call returns; calls wait for the disk and come from any
/// thread. Images lie beside the file; see `HostStore.makeImage`.
package final class HostStore: Sendable {
    package let path: String
    private let lock: FileLock
    private let database: Mutex<Confined<Database>>

    /// The file whose lock makes a process the listener of that name.
    package static func lockPath(of path: String) -> String { path + "-lock" }

    /// Locks the file, makes it when it is not there, and erases images that no record needs.
    /// Throws `StoreFailure`, `.locked` while another process has it.
    package init(_ path: String) throws {
        self.path = path
        lock = try FileLock(Self.lockPath(of: path), of: path)
        let database = try StoreFile.open(path, HostSchema.schema)
        // Secrets of sessions do not outlive their rows.
        try database.execute("PRAGMA secure_delete=ON")
        self.database = Mutex(Confined(database))
        try eraseUnneededImages()
    }

    /// One transaction, on the disk when it returns.
    func change<Result: Sendable>(_ body: (Database) throws -> Result) throws -> Result {
        try database.withLock { database in
            try database.value.transaction { try body(database.value) }
        }
    }

    func read<Result: Sendable>(_ body: (Database) throws -> Result) throws -> Result {
        try database.withLock { try body($0.value) }
    }

    // MARK: Tickets of a source

    /// Before the image leaves, with the signposts that stand once the ticket is moved.
    package func recordFrozen(
        _ ticket: SourceTicket, signposts: [Signpost] = [], inbox: InboxSignpost? = nil
    ) throws {
        try change { database in
            try Self.insert(ticket, .frozen, database)
            for signpost in signposts {
                try Self.save(signpost, of: ticket.ticket, database)
            }
            if let inbox { try Self.save(inbox, of: ticket.ticket, database) }
        }
    }

    /// Rolled back; throws `.misuse` for a ticket that is not frozen.
    package func recordThawed(_ ticket: TicketID) throws {
        try change { database in
            try Self.set(ticket, .thawed, from: [.frozen], database)
            try Self.dropLeaving(ticket, database)
        }
    }

    /// The commit point: afterwards the target serves, whatever happens here. Throws `.misuse` for
    /// a ticket that is not frozen; an error means that nothing is recorded.
    package func recordMoved(_ ticket: TicketID) throws {
        try change { database in
            try Self.set(ticket, .moved, from: [.frozen], database)
            for sql in [
                """
                REPLACE INTO signpost SELECT session, secret, identity, endpoints, key, moves,
                starts, until FROM leaving WHERE ticket = ?
                """,
                """
                REPLACE INTO inbox_signpost SELECT inbox, endpoints, key, moves, starts
                FROM leaving_inbox WHERE ticket = ?
                """,
                """
                REPLACE INTO generation SELECT 0, session, moves, until FROM leaving
                WHERE ticket = ?
                """,
                """
                REPLACE INTO generation SELECT 1, inbox, moves, 0 FROM leaving_inbox
                WHERE ticket = ?
                """,
            ] {
                let statement = try database.statement(sql)
                statement.bind(1, ticket.bytes)
                try statement.run()
            }
            try Self.dropLeaving(ticket, database)
        }
    }

    /// The target was activated without this host; throws `.misuse` for an unknown ticket.
    package func recordFenced(_ ticket: TicketID) throws {
        try change { try Self.set(ticket, .fenced, from: [.frozen, .thawed, .moved], $0) }
    }

    /// What was activated here by hand has gone from its source to another host, and this one gave
    /// way: kept as a ticket of this host that is fenced.
    package func recordSuperseded(_ ticket: SourceTicket) throws {
        try change { try Self.insert(ticket, .fenced, $0) }
    }

    /// In the order of their time.
    package func sourceTickets() throws -> [SourceTicket] {
        try read { database in
            let rows = try database.statement(
                """
                SELECT ticket, target, target_key, moves, digest, state, at FROM source
                ORDER BY at, ticket
                """)
            defer { rows.reset() }
            var tickets: [SourceTicket] = []
            while try rows.step() {
                guard let state = SourceTicket.State(rawValue: rows.integer(5)) else {
                    throw Unpacker.damage
                }
                tickets.append(
                    SourceTicket(
                        ticket: try rows.withBytes(0) { try TicketID(bytes: $0) },
                        target: rows.text(1), targetKey: rows.text(2), moves: rows.bits(3),
                        imageDigest: rows.withBytes(4) { [UInt8]($0) }, state: state,
                        at: rows.bits(6)))
            }
            return tickets
        }
    }

    private static func insert(
        _ ticket: SourceTicket, _ state: SourceTicket.State, _ database: Database
    ) throws {
        let statement = try database.statement("INSERT INTO source VALUES(?, ?, ?, ?, ?, ?, ?)")
        statement.bind(1, ticket.ticket.bytes)
        statement.bind(2, ticket.target)
        statement.bind(3, ticket.targetKey)
        statement.bind(4, ticket.moves)
        statement.bind(5, ticket.imageDigest)
        statement.bind(6, state.rawValue)
        statement.bind(7, ticket.at)
        try statement.run()
    }

    private static func set(
        _ ticket: TicketID, _ state: SourceTicket.State, from earlier: [SourceTicket.State],
        _ database: Database
    ) throws {
        let find = try database.statement("SELECT state FROM source WHERE ticket = ?")
        find.bind(1, ticket.bytes)
        let found = try find.first { $0.integer(0) }.flatMap(SourceTicket.State.init(rawValue:))
        guard let found, earlier.contains(found) else { throw notNow(ticket, state, found) }
        let change = try database.statement("UPDATE source SET state = ? WHERE ticket = ?")
        change.bind(1, state.rawValue)
        change.bind(2, ticket.bytes)
        try change.run()
    }

    static func notNow(_ ticket: TicketID, _ wanted: Any, _ found: Any?) -> StoreFailure {
        let now = found.map { "is \($0)" } ?? "is unknown"
        return StoreFailure(.misuse, "ticket \(ticket) \(now) and cannot become \(wanted)")
    }

    /// Tickets that came to nothing, here and as a target, older than a time in milliseconds since
    /// 1970: who asks about one that is forgotten gets the same answer.
    package func forgetTickets(before time: UInt64) throws {
        try change { database in
            for (table, state) in [
                ("source", SourceTicket.State.thawed.rawValue),
                ("target", TargetTicket.State.discarded.rawValue),
            ] {
                let statement = try database.statement(
                    "DELETE FROM \(table) WHERE state = ? AND at < ?")
                statement.bind(1, state)
                statement.bind(2, time)
                try statement.run()
            }
        }
    }
}

extension TicketID {
    var bytes: [UInt8] { Identifier.bytes(high, low) }

    init(bytes: UnsafeRawBufferPointer) throws {
        let halves = try Identifier.halves(bytes)
        self.init(high: halves.high, low: halves.low)
    }
}

extension SessionID {
    var bytes: [UInt8] { Identifier.bytes(high, low) }

    init(bytes: UnsafeRawBufferPointer) throws {
        let halves = try Identifier.halves(bytes)
        self.init(high: halves.high, low: halves.low)
    }
}
