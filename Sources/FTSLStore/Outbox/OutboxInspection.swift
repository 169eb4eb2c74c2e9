package import FTSLCore

/// Looks into an outbox for people, while others use it; one thread at a time.
package final class OutboxInspection {
    package struct Lane: Hashable, Sendable {
        package var lane: OutboxLane
        /// Messages without an outcome.
        package var queued: UInt64
        /// Of their bodies and heads.
        package var bytes: UInt64
        /// When the oldest of them was made, in milliseconds since 1970.
        package var oldest: UInt64?
    }

    package struct Place: Hashable, Sendable {
        package var producer: ProducerID
        package var sequence: LaneSequence
        package var destination: String
        /// The inbox behind the destination, once met.
        package var inbox: InboxID?
        /// Nil: its lane was begun anew before the inbox told.
        package var outcome: MessageOutcome?
    }

    private let reader: OutboxReader

    package init(_ path: String) throws { reader = try OutboxReader(path) }

    /// Those that destinations have now.
    package func lanes() throws -> [Lane] {
        let database = reader.database
        let rows = try database.statement(
            "SELECT \(LaneRow.columns) FROM lane WHERE current ORDER BY destination")
        defer { rows.reset() }
        let oldest = try database.statement(
            "SELECT created FROM message WHERE at >= ? AND at <= ? ORDER BY at LIMIT 1")
        var lanes: [Lane] = []
        while try rows.step() {
            let row = try LaneRow(rows)
            oldest.bind(1, row.at(row.lane.settledBelow))
            oldest.bind(2, row.at(LaneSequence(.max)))
            lanes.append(
                Lane(
                    lane: row.lane, queued: row.lane.end.value - row.lane.settledBelow.value,
                    bytes: row.bytes, oldest: try oldest.first { $0.bits(0) }))
        }
        return lanes
    }

    package func outcome(of producer: ProducerID, _ sequence: LaneSequence) throws
        -> MessageOutcome?
    {
        try reader.outcome(of: producer, sequence)
    }

    /// Where a message is that the user gave an id; the newest first.
    package func places(ofID id: String) throws -> [Place] {
        let rows = try reader.database.statement(
            """
            SELECT producer, sequence FROM id JOIN lane ON lane.key = id.lane
            WHERE id = ? ORDER BY n DESC
            """)
        rows.bind(1, id)
        defer { rows.reset() }
        var places: [Place] = []
        while try rows.step() {
            let producer = try rows.withBytes(0) { try ProducerID(bytes: $0) }
            if let place = try place(of: producer, LaneSequence(rows.bits(1))) {
                places.append(place)
            }
        }
        return places
    }

    /// Where a message is that has no id but its producer and sequence.
    package func place(of producer: ProducerID, _ sequence: LaneSequence) throws -> Place? {
        guard let row = try LaneRow.of(producer, reader.database), sequence >= .first,
            sequence < row.lane.end
        else { return nil }
        return Place(
            producer: producer, sequence: sequence, destination: row.lane.destination,
            inbox: row.lane.inbox, outcome: try reader.outcome(of: producer, sequence))
    }

    /// What is wrong with the whole file; empty: nothing. Reads all of it.
    package func verify() throws -> [String] { try Integrity.findings(reader.database) }
}

/// What a user decides about an outbox, used by others or not: a transaction of its own.
package enum OutboxAdministration {
    /// Begins a destination's lane anew, under a fresh producer: what has no outcome is sent again.
    package static func renew(_ destination: String, at path: String) throws {
        try OutboxWriter(path).transaction { writer in
            var transaction = writer
            let producer = transaction.freshProducer()
            let change = OutboxChange.renew(destination: destination, producer: producer)
            if case .refused(let failure) = try OutboxRules.apply(change, in: &transaction) {
                throw failure
            }
        }
    }
}
