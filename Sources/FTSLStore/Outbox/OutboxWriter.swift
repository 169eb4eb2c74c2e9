internal import FTSLCore
internal import NIOCore

/// The connection of this process that changes an outbox: what `OutboxRules` see of the file.
///
/// Lanes are read once, changed in memory and written once a transaction; a commit of another
/// process makes this one read them again.
final class OutboxWriter {
    /// Rows that one change removes at most; the next goes on where it ended.
    private static let dropStep: UInt64 = 20_000

    /// A lane in memory.
    private final class Held {
        var row: LaneRow
        var isChanged = false

        init(_ row: LaneRow) { self.row = row }
    }

    let database: Database
    private(set) var now: UInt64 = 0
    private var version: Int64 = -1
    private var rows: [ProducerID: Held] = [:]
    private var current: [String: ProducerID] = [:]
    private var changed: [Held] = []
    /// Asked for with every message of a batch.
    private var last: Held?
    private let insertMessage: Statement

    init(_ path: String) throws {
        database = try StoreFile.open(path, OutboxSchema.schema)
        insertMessage = try database.prepare(
            "INSERT INTO message VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
    }

    // MARK: Transactions

    func transaction<Result>(_ body: (OutboxWriter) throws -> Result) throws -> Result {
        do {
            try begin()
            let result = try body(self)
            for held in changed { try held.row.save(database) }
            try database.commit()
            for held in changed { held.isChanged = false }
            changed.removeAll(keepingCapacity: true)
            return result
        } catch {
            database.rollback()
            drop()
            throw error
        }
    }

    private func begin() throws {
        try database.begin()
        let version = try database.statement("PRAGMA data_version").first { $0.integer(0) }
        if version != self.version {
            drop()
            self.version = version ?? -1
        }
        now = Clock.milliseconds()
    }

    private func drop() {
        rows.removeAll()
        current.removeAll()
        changed.removeAll()
        last = nil
    }

    // MARK: Lanes

    private func held(_ lane: OutboxLane) throws -> Held {
        if let last, last.row.lane.producer == lane.producer { return last }
        let held =
            try rows[lane.producer]
            ?? LaneRow.of(lane.producer, database).map { Held($0) } ?? begin(lane)
        rows[lane.producer] = held
        last = held
        return held
    }

    private func row(of lane: OutboxLane) throws -> LaneRow { try held(lane).row }

    /// A lane under a new producer takes the destination over.
    private func begin(_ lane: OutboxLane) throws -> Held {
        let newest = try database.statement("SELECT ifnull(max(key), 0) FROM lane").first {
            $0.bits(0)
        }
        let row = LaneRow(key: (newest ?? 0) + 1, lane: lane)
        guard row.key <= OutboxSchema.maxLane else {
            throw StoreFailure(.misuse, "the outbox has had too many lanes: begin another")
        }
        if let before = current[lane.destination] { rows[before]?.row.isCurrent = false }
        let statement = try database.statement(
            "UPDATE lane SET current = 0 WHERE destination = ? AND current")
        statement.bind(1, lane.destination)
        try statement.run()
        try row.save(database)
        current[lane.destination] = lane.producer
        return Held(row)
    }

    private func change(_ lane: OutboxLane, _ body: (inout LaneRow) -> Void) throws {
        let held = try held(lane)
        body(&held.row)
        guard !held.isChanged else { return }
        held.isChanged = true
        changed.append(held)
    }
}

extension OutboxWriter: OutboxTransaction {
    func freshProducer() -> ProducerID {
        var rng = SystemRandomNumberGenerator()
        return ProducerID.random(using: &rng)
    }

    func lane(_ destination: String) throws -> OutboxLane? {
        if let known = current[destination] { return rows[known]?.row.lane }
        guard let found = try LaneRow.current(destination, database) else { return nil }
        let held = rows[found.lane.producer] ?? Held(found)
        rows[found.lane.producer] = held
        current[destination] = found.lane.producer
        return held.row.lane
    }

    func save(_ lane: OutboxLane) throws {
        try change(lane) { $0.lane = lane }
    }

    // MARK: Messages

    func append(_ message: OutboxMessage, to lane: OutboxLane) throws {
        guard message.sequence.value <= OutboxSchema.maxSequence else {
            throw StoreFailure(.misuse, "the lane has had too many messages: renew it")
        }
        let head = OutboxRow.head(message.envelope)
        insertMessage.bind(1, try held(lane).row.at(message.sequence))
        insertMessage.bind(2, message.envelope.created)
        if let expires = message.expires {
            insertMessage.bind(3, expires)
        } else {
            insertMessage.bindNull(3)
        }
        insertMessage.bind(4, message.digest.digest)
        insertMessage.bind(5, message.chain.value)
        insertMessage.bind(6, OutboxRow.flags(message))
        try head.withUnsafeBytes { head in
            insertMessage.bind(7, borrowing: head)
            switch message.body {
            case .inline(let bytes):
                try bytes.withUnsafeReadableBytes { raw in
                    insertMessage.bind(8, borrowing: raw)
                    try insertMessage.run()
                }
            case .pieces(let digest):
                insertMessage.bind(8, try LargeBodies.take(digest, database))
                try insertMessage.run()
            }
        }
        try change(lane) { $0.bytes += message.body.count + UInt64(head.count) }
    }

    func message(_ sequence: LaneSequence, of lane: OutboxLane) throws -> OutboxMessage? {
        let statement = try database.statement(
            "SELECT \(OutboxRow.columns) FROM message WHERE at = ?")
        statement.bind(1, try row(of: lane).at(sequence))
        return try statement.first { try OutboxRow.message($0, database) }
    }

    func chain(of sequence: LaneSequence, of lane: OutboxLane) throws -> ChainValue? {
        let statement = try database.statement("SELECT chain FROM message WHERE at = ?")
        statement.bind(1, try row(of: lane).at(sequence))
        return try statement.first { ChainValue($0.bits(0)) }
    }

    func update(_ message: OutboxMessage, of lane: OutboxLane) throws {
        let statement = try database.statement("UPDATE message SET flags = ? WHERE at = ?")
        statement.bind(1, OutboxRow.flags(message))
        statement.bind(2, try row(of: lane).at(message.sequence))
        try statement.run()
    }

    func move(
        _ sequence: LaneSequence, of lane: OutboxLane, to other: OutboxLane,
        as message: OutboxMessage
    ) throws {
        let statement = try database.statement(
            "UPDATE message SET at = ?, chain = ?, flags = ? WHERE at = ?")
        statement.bind(1, try row(of: other).at(message.sequence))
        statement.bind(2, message.chain.value)
        statement.bind(3, OutboxRow.flags(message))
        statement.bind(4, try row(of: lane).at(sequence))
        try statement.run()
        let size = message.body.count + UInt64(OutboxRow.head(message.envelope).count)
        try change(lane) { $0.bytes -= min(size, $0.bytes) }
        try change(other) { $0.bytes += size }
    }

    /// A step at a time, for a READY may settle very many; rows below are never read again.
    func drop(below: LaneSequence, of lane: OutboxLane) throws {
        let row = try row(of: lane)
        let first = try database.statement(
            "SELECT at FROM message WHERE at >= ? ORDER BY at LIMIT 1")
        first.bind(1, row.at(LaneSequence(0)))
        guard let start = try first.first({ $0.bits(0) }) else { return }
        let end = min(row.at(below), start + Self.dropStep)
        guard start < end else { return }
        var bytes = try size(from: start, to: end)
        let isAnyLarge = try database.statement("SELECT 1 FROM large LIMIT 1").first { _ in true }
        if isAnyLarge == true { bytes += try dropLarge(from: start, to: end) }
        let statement = try database.statement("DELETE FROM message WHERE at >= ? AND at < ?")
        statement.bind(1, start)
        statement.bind(2, end)
        try statement.run()
        try change(lane) { $0.bytes -= min(bytes, $0.bytes) }
    }

    /// Of heads and bodies; of a large body only its key, as many digits as SQLite makes of it.
    private func size(from start: UInt64, to end: UInt64) throws -> UInt64 {
        let statement = try database.statement(
            "SELECT sum(length(head) + length(body)) FROM message WHERE at >= ? AND at < ?")
        statement.bind(1, start)
        statement.bind(2, end)
        return try statement.first { $0.bits(0) } ?? 0
    }

    /// What large bodies have beyond the digits of their keys.
    private func dropLarge(from start: UInt64, to end: UInt64) throws -> UInt64 {
        let statement = try database.statement(
            "SELECT body FROM message WHERE at >= ? AND at < ? AND typeof(body) = 'integer'")
        statement.bind(1, start)
        statement.bind(2, end)
        var bodies: [UInt64] = []
        while try statement.step() { bodies.append(statement.bits(0)) }
        return try bodies.reduce(0) { sum, body in
            let count = try Pieces.count(of: body, database)
            try LargeBodies.release(body, database)
            let digits = UInt64(String(body).utf8.count)
            return sum + count - min(digits, count)
        }
    }

    // MARK: Outcomes and ids

    func record(_ exception: LaneException, of lane: OutboxLane) throws {
        let (kind, value) = exception.resolution.packed
        let statement = try database.statement(
            "REPLACE INTO exception(lane, sequence, kind, value, time) VALUES(?, ?, ?, ?, ?)")
        statement.bind(1, try row(of: lane).key)
        statement.bind(2, exception.sequence.value)
        statement.bind(3, kind)
        statement.bind(4, value)
        statement.bind(5, now)
        try statement.run()
    }

    func exception(_ sequence: LaneSequence, of lane: OutboxLane) throws -> Resolution? {
        try OutboxRow.exception(sequence, lane: try row(of: lane).key, database)
    }

    func holder(ofID id: String, of lane: OutboxLane) throws -> IDHolder? {
        let statement = try database.statement(
            "SELECT sequence, count, digest FROM id WHERE id = ? AND lane = ?")
        statement.bind(1, id)
        statement.bind(2, try row(of: lane).key)
        return try statement.first {
            let digest =
                $0.isNull(1) ? nil : BodyDigest(count: $0.bits(1), digest: $0.bits(2))
            return IDHolder(sequence: LaneSequence($0.bits(0)), digest: digest)
        }
    }

    func remember(id: String, _ holder: IDHolder, of lane: OutboxLane) throws {
        let statement = try database.statement(
            """
            REPLACE INTO id(id, lane, sequence, time, count, digest) VALUES(?, ?, ?, ?, ?, ?)
            """)
        statement.bind(1, id)
        statement.bind(2, try row(of: lane).key)
        statement.bind(3, holder.sequence.value)
        statement.bind(4, now)
        if let digest = holder.digest {
            statement.bind(5, digest.count)
            statement.bind(6, digest.digest)
        } else {
            statement.bindNull(5)
            statement.bindNull(6)
        }
        try statement.run()
    }
}
