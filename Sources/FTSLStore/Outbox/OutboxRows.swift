internal import FTSLCore
internal import NIOCore

/// A lane and what its row says besides.
struct LaneRow {
    var key: UInt64
    var lane: OutboxLane
    var isCurrent: Bool
    /// Of bodies and heads that wait.
    var bytes: UInt64

    static let columns = """
        key, destination, producer, current, inbox, moves, starts, end, chain, settled,
        settled_chain, halted, bytes, offered
        """

    init(key: UInt64, lane: OutboxLane) {
        self.key = key
        self.lane = lane
        isCurrent = true
        bytes = 0
    }

    init(_ row: Statement) throws {
        key = row.bits(0)
        lane = OutboxLane(
            destination: row.text(1),
            producer: try row.withBytes(2) { try ProducerID(bytes: $0) })
        isCurrent = row.integer(3) != 0
        lane.inbox = row.isNull(4) ? nil : try row.withBytes(4) { try InboxID(bytes: $0) }
        lane.generation = Generation(moves: row.bits(5), starts: row.bits(6))
        lane.end = LaneSequence(row.bits(7))
        lane.chain = ChainValue(row.bits(8))
        lane.settledBelow = LaneSequence(row.bits(9))
        lane.settledChain = ChainValue(row.bits(10))
        lane.halted = try row.isNull(11) ? nil : Self.code(row.bits(11))
        bytes = row.bits(12)
        lane.offeredBelow = LaneSequence(row.bits(13))
    }

    private static func code(_ value: UInt64) throws -> FailureCode {
        guard let raw = UInt16(exactly: value), let code = FailureCode(rawValue: raw) else {
            throw Unpacker.damage
        }
        return code
    }

    func save(_ database: Database) throws {
        let statement = try database.statement(
            "REPLACE INTO lane VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        statement.bind(1, key)
        statement.bind(2, lane.destination)
        statement.bind(3, lane.producer.bytes)
        statement.bind(4, isCurrent ? 1 : Int64(0))
        if let inbox = lane.inbox { statement.bind(5, inbox.bytes) } else { statement.bindNull(5) }
        let numbers = [
            lane.generation.moves, lane.generation.starts, lane.end.value, lane.chain.value,
            lane.settledBelow.value, lane.settledChain.value,
        ]
        for (column, number) in numbers.enumerated() { statement.bind(Int32(column) + 6, number) }
        if let halted = lane.halted {
            statement.bind(12, UInt64(halted.rawValue))
        } else {
            statement.bindNull(12)
        }
        statement.bind(13, bytes)
        statement.bind(14, lane.offeredBelow.value)
        try statement.run()
    }

    static func current(_ destination: String, _ database: Database) throws -> LaneRow? {
        let statement = try database.statement(
            "SELECT \(columns) FROM lane WHERE destination = ? AND current")
        statement.bind(1, destination)
        return try statement.first { try LaneRow($0) }
    }

    static func of(_ producer: ProducerID, _ database: Database) throws -> LaneRow? {
        let statement = try database.statement("SELECT \(columns) FROM lane WHERE producer = ?")
        statement.bind(1, producer.bytes)
        return try statement.first { try LaneRow($0) }
    }

    /// The row id of a message.
    func at(_ sequence: LaneSequence) -> UInt64 {
        key << OutboxSchema.sequenceBits | min(sequence.value, OutboxSchema.maxSequence)
    }
}

/// Messages as rows.
enum OutboxRow {
    static let columns = "at, created, expires, digest, chain, flags, head, body"
    private static let cancelled: UInt64 = 16

    static func flags(_ message: OutboxMessage) -> UInt64 {
        UInt64(message.skipped?.rawValue ?? 0) | (message.cancelRequested ? cancelled : 0)
    }

    static func skipped(_ flags: UInt64) -> SkipReason? {
        SkipReason(rawValue: UInt8(flags & (cancelled - 1)))
    }

    static func head(_ envelope: Envelope) -> [UInt8] {
        var packer = Packer()
        packer.text(envelope.topic)
        envelope.packExtras(into: &packer)
        return packer.bytes
    }

    static func message(_ row: Statement, _ database: Database) throws -> OutboxMessage {
        var envelope = Envelope(topic: "", created: row.bits(1))
        try row.withBytes(6) { bytes in
            var unpacker = Unpacker(bytes)
            envelope.topic = try unpacker.text()
            try envelope.unpackExtras(unpacker.rest)
        }
        let body: Body
        var digest = BodyDigest(count: 0, digest: row.bits(3))
        if row.isInteger(7) {
            digest.count = try Pieces.count(of: row.bits(7), database)
            body = .pieces(digest)
        } else {
            let bytes = row.buffer(7)
            digest.count = UInt64(bytes.readableBytes)
            body = .inline(bytes)
        }
        var message = OutboxMessage(
            sequence: LaneSequence(row.bits(0) & OutboxSchema.maxSequence), envelope: envelope,
            expires: row.isNull(2) ? nil : row.bits(2), digest: digest, body: body,
            chain: ChainValue(row.bits(4)))
        let flags = row.bits(5)
        message.skipped = skipped(flags)
        message.cancelRequested = flags & cancelled != 0
        return message
    }

    static func exception(
        _ sequence: LaneSequence, lane key: UInt64, _ database: Database
    ) throws -> Resolution? {
        let statement = try database.statement(
            "SELECT kind, value FROM exception WHERE lane = ? AND sequence = ?")
        statement.bind(1, key)
        statement.bind(2, sequence.value)
        return try statement.first { try Resolution(kind: $0.bits(0), value: $0.bits(1)) }
    }
}
