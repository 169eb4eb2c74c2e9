package import FTSLCore

/// Where sessions and inboxes went, and the newest generations known of them.
extension HostStore {
    // MARK: Signposts

    /// A signpost that stands once its ticket is moved.
    static func save(_ signpost: Signpost, of ticket: TicketID, _ database: Database) throws {
        let statement = try database.statement(
            "INSERT INTO leaving VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)")
        statement.bind(1, ticket.bytes)
        statement.bind(2, signpost.session.bytes)
        statement.bind(3, signpost.secret)
        if let identity = signpost.identity {
            statement.bind(4, identity)
        } else {
            statement.bindNull(4)
        }
        statement.bind(5, signpost.endpoints)
        statement.bind(6, signpost.key)
        statement.bind(7, signpost.generation.moves)
        statement.bind(8, signpost.generation.starts)
        statement.bind(9, Int64(clamping: signpost.until))
        try statement.run()
    }

    static func save(
        _ signpost: InboxSignpost, of ticket: TicketID, _ database: Database
    ) throws {
        let statement = try database.statement(
            "INSERT INTO leaving_inbox VALUES(?, ?, ?, ?, ?, ?)")
        statement.bind(1, ticket.bytes)
        statement.bind(2, signpost.inbox.bytes)
        statement.bind(3, signpost.endpoints)
        statement.bind(4, signpost.key)
        statement.bind(5, signpost.generation.moves)
        statement.bind(6, signpost.generation.starts)
        try statement.run()
    }

    static func dropLeaving(_ ticket: TicketID, _ database: Database) throws {
        for table in ["leaving", "leaving_inbox"] {
            let statement = try database.statement("DELETE FROM \(table) WHERE ticket = ?")
            statement.bind(1, ticket.bytes)
            try statement.run()
        }
    }

    /// In the order of their sessions.
    package func signposts() throws -> [Signpost] {
        try read { database in
            let rows = try database.statement(
                """
                SELECT session, secret, identity, endpoints, key, moves, starts, until
                FROM signpost ORDER BY session
                """)
            defer { rows.reset() }
            var signposts: [Signpost] = []
            while try rows.step() {
                signposts.append(
                    Signpost(
                        session: try rows.withBytes(0) { try SessionID(bytes: $0) },
                        secret: rows.withBytes(1) { [UInt8]($0) },
                        identity: rows.isNull(2) ? nil : rows.text(2), endpoints: rows.text(3),
                        key: rows.text(4),
                        generation: Generation(moves: rows.bits(5), starts: rows.bits(6)),
                        until: rows.bits(7)))
            }
            return signposts
        }
    }

    package func inboxSignposts() throws -> [InboxSignpost] {
        try read { database in
            let rows = try database.statement(
                "SELECT inbox, endpoints, key, moves, starts FROM inbox_signpost ORDER BY inbox")
            defer { rows.reset() }
            var signposts: [InboxSignpost] = []
            while try rows.step() {
                signposts.append(
                    InboxSignpost(
                        inbox: try rows.withBytes(0) { try InboxID(bytes: $0) },
                        endpoints: rows.text(1), key: rows.text(2),
                        generation: Generation(moves: rows.bits(3), starts: rows.bits(4))))
            }
            return signposts
        }
    }

    /// Signposts and generations whose time, in milliseconds since 1970, is over.
    package func removeSignposts(expiredAt now: UInt64) throws {
        try change { database in
            for table in ["signpost", "generation"] {
                let statement = try database.statement(
                    "DELETE FROM \(table) WHERE until > 0 AND until <= ?")
                statement.bind(1, Int64(clamping: now))
                try statement.run()
            }
        }
    }

    package func removeSignposts(of sessions: [SessionID]) throws {
        try change { database in
            let statement = try database.statement("DELETE FROM signpost WHERE session = ?")
            for session in sessions {
                statement.bind(1, session.bytes)
                try statement.run()
            }
        }
    }

    // MARK: Generations

    /// The newest generation's moves of what is held or was held here; nil: nothing is known.
    package func highestMoves(_ subject: KnownGeneration.Subject) throws -> UInt64? {
        try read { database in
            let statement = try database.statement(
                "SELECT moves FROM generation WHERE kind = ? AND id = ?")
            statement.bind(1, subject.row.kind)
            statement.bind(2, subject.row.id)
            return try statement.first { $0.bits(0) }
        }
    }

    /// Never lowers what is known; the longer time counts.
    static func raise(_ known: KnownGeneration, _ database: Database) throws {
        let statement = try database.statement(
            """
            INSERT INTO generation VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            moves = max(moves, excluded.moves),
            until = iif(until = 0 OR excluded.until = 0, 0, max(until, excluded.until))
            """)
        statement.bind(1, known.subject.row.kind)
        statement.bind(2, known.subject.row.id)
        statement.bind(3, known.moves)
        statement.bind(4, Int64(clamping: known.until))
        try statement.run()
    }
}

extension KnownGeneration.Subject {
    var row: (kind: Int64, id: [UInt8]) {
        switch self {
        case .session(let session): (0, session.bytes)
        case .inbox(let inbox): (1, inbox.bytes)
        }
    }
}
