package import FTSLCore

/// Tickets of a target: an image that was prepared is started once, or never.
extension HostStore {
    /// After the image is sealed; `ticket.state` is taken as prepared.
    package func recordPrepared(_ ticket: TargetTicket) throws {
        try change { database in
            let statement = try database.statement(
                "INSERT INTO target VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
            statement.bind(1, ticket.ticket.bytes)
            statement.bind(2, ticket.source)
            statement.bind(3, ticket.sourceKey)
            statement.bind(4, ticket.moves)
            statement.bind(5, ticket.digest)
            statement.bind(6, TargetTicket.State.prepared.rawValue)
            statement.bind(7, ticket.hasInbox ? 1 : 0 as Int64)
            statement.bind(8, ticket.at)
            try statement.run()
        }
    }

    /// The image is consumed, before anything of it starts; what it holds is known at its new
    /// generation. Throws `.misuse` for a ticket that is not prepared.
    package func recordActive(_ ticket: TicketID, holding: [KnownGeneration]) throws {
        try consume(ticket, .active, holding)
    }

    /// As `recordActive`, without the source's word.
    package func recordForced(_ ticket: TicketID, holding: [KnownGeneration]) throws {
        try consume(ticket, .forced, holding)
    }

    private func consume(
        _ ticket: TicketID, _ state: TargetTicket.State, _ holding: [KnownGeneration]
    ) throws {
        try change { database in
            try Self.set(ticket, state, from: [.prepared], database)
            for known in holding { try Self.raise(known, database) }
        }
    }

    /// Throws `.misuse` for a ticket that is not prepared. The image goes with `eraseImage`.
    package func recordDiscarded(_ ticket: TicketID) throws {
        try change { try Self.set(ticket, .discarded, from: [.prepared], $0) }
    }

    /// It was consumed and did not start; its image stays at `imagePath`.
    package func recordFailed(_ ticket: TicketID) throws {
        try change { try Self.set(ticket, .failed, from: [.active, .forced], $0) }
    }

    /// In the order of their time.
    package func targetTickets() throws -> [TargetTicket] {
        try read { database in
            let rows = try database.statement(
                """
                SELECT ticket, source, source_key, moves, digest, state, has_inbox, at FROM target
                ORDER BY at, ticket
                """)
            defer { rows.reset() }
            var tickets: [TargetTicket] = []
            while try rows.step() {
                guard let state = TargetTicket.State(rawValue: rows.integer(5)) else {
                    throw Unpacker.damage
                }
                tickets.append(
                    TargetTicket(
                        ticket: try rows.withBytes(0) { try TicketID(bytes: $0) },
                        source: rows.text(1), sourceKey: rows.text(2), moves: rows.bits(3),
                        digest: rows.withBytes(4) { [UInt8]($0) }, state: state,
                        hasInbox: rows.integer(6) != 0, at: rows.bits(7)))
            }
            return tickets
        }
    }

    private static func set(
        _ ticket: TicketID, _ state: TargetTicket.State, from earlier: [TargetTicket.State],
        _ database: Database
    ) throws {
        let find = try database.statement("SELECT state FROM target WHERE ticket = ?")
        find.bind(1, ticket.bytes)
        let found = try find.first { $0.integer(0) }.flatMap(TargetTicket.State.init(rawValue:))
        guard let found, earlier.contains(found) else { throw notNow(ticket, state, found) }
        let change = try database.statement("UPDATE target SET state = ? WHERE ticket = ?")
        change.bind(1, state.rawValue)
        change.bind(2, ticket.bytes)
        try change.run()
    }
}
