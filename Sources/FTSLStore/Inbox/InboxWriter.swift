internal import FTSLCore
internal import NIOCore

/// The one connection that changes an inbox: what `InboxRules` see of the file. [FTSL §7]
///
/// Rows of producers and cursors are read once, changed in memory, and written once a transaction.
/// A rollback forgets them, and so does a commit of another connection.
final class InboxWriter {
    /// Rows kept in memory besides those that a transaction changes.
    private static let cacheCapacity = 16_384

    let database: Database
    var state: InboxState
    private(set) var now: UInt64 = 0
    private var saved: InboxState
    private var version: Int64 = -1
    var reader: MessageReader
    var topics: Interner<String>
    var senders: Interner<ProducerID>
    private var producers: [ProducerID: ProducerCursor] = [:]
    private var changedProducers: Set<ProducerID> = []
    var cursors: [String: ConsumerCursor] = [:]
    var changedCursors: Set<String> = []
    private let insertMessage: Statement

    /// Throws `.moved` for an inbox that another host has now.
    init(_ path: String) throws {
        database = try StoreFile.open(path, InboxSchema.schema)
        try InboxState.create(database)
        if let move = try InboxMove.load(database) { throw move.failure(path) }
        state = try InboxState.load(database)
        saved = state
        reader = MessageReader(database)
        topics = Interner(database)
        senders = Interner(database)
        insertMessage = try database.prepare(
            "INSERT INTO message VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    }

    /// Of a file that is there.
    convenience init(existing path: String) throws {
        _ = try StoreFile.inspect(path, InboxSchema.schema)
        try self.init(path)
    }

    // MARK: Transactions

    func begin() throws {
        try database.begin()
        do {
            let version = try database.statement("PRAGMA data_version").first { $0.integer(0) }
            if version != self.version {
                drop()
                state = try InboxState.load(database)
                saved = state
                self.version = version ?? -1
            }
            now = Clock.milliseconds()
        } catch {
            database.rollback()
            throw error
        }
    }

    /// On the disk when it returns; an error means that nothing is.
    func commit() throws {
        do {
            try flush()
            try database.commit()
        } catch {
            rollback()
            throw error
        }
        saved = state
        topics.clearUses()
        senders.clearUses()
        changedProducers.removeAll(keepingCapacity: true)
        changedCursors.removeAll(keepingCapacity: true)
        if producers.count > Self.cacheCapacity { producers.removeAll() }
        if cursors.count > Self.cacheCapacity { cursors.removeAll() }
    }

    func rollback() {
        database.rollback()
        state = saved
        drop()
    }

    func transaction<Result>(_ body: (InboxWriter) throws -> Result) throws -> Result {
        try begin()
        let result: Result
        do {
            result = try body(self)
        } catch {
            rollback()
            throw error
        }
        try commit()
        return result
    }

    private func drop() {
        reader.drop()
        topics.drop()
        senders.drop()
        producers.removeAll()
        changedProducers.removeAll()
        cursors.removeAll()
        changedCursors.removeAll()
    }

    private func flush() throws {
        try topics.flush()
        try flushRuns()
        for id in changedProducers {
            if let cursor = producers[id] { try write(cursor) }
        }
        for name in changedCursors {
            if let cursor = cursors[name] { try write(cursor) }
        }
        if state != saved { try state.save(database) }
    }

    private func flushRuns() throws {
        try senders.flush()
        guard !senders.uses.isEmpty else { return }
        let statement = try database.statement("INSERT INTO run VALUES(?, ?, ?, ?)")
        for (key, use) in senders.uses {
            statement.bind(1, key)
            statement.bind(2, use.first)
            statement.bind(3, use.last)
            statement.bind(4, use.sequence)
            try statement.run()
        }
    }
}

// MARK: Producers

extension InboxWriter: InboxTransaction {
    var identity: InboxIdentity { InboxIdentity(id: state.id, generation: state.generation) }
    var messageCount: UInt64 { state.messages }
    var byteCount: UInt64 { state.bytes }
    var nextIndex: InboxIndex { InboxIndex(state.next) }
    var producerCount: Int { Int(state.producers) }
    var consumerCount: Int { Int(state.cursors) }
    var deadLetterCount: Int { Int(state.dead) }

    func producer(_ id: ProducerID) throws -> ProducerCursor? {
        if let known = producers[id] { return known }
        let statement = try database.statement(
            "SELECT owner, next, chain, fence, settled, exceptions FROM producer WHERE id = ?")
        statement.bind(1, id.bytes)
        let found = try statement.first { row in
            var cursor = ProducerCursor(producer: id, owner: row.text(0))
            cursor.next = LaneSequence(row.bits(1))
            cursor.chain = ChainValue(row.bits(2))
            cursor.fence = LaneFence(row.bits(3))
            cursor.settledBelow = LaneSequence(row.bits(4))
            cursor.exceptions = try row.withBytes(5) { try [LaneException](packed: $0) }
            return cursor
        }
        producers[id] = found
        return found
    }

    func save(_ cursor: ProducerCursor) throws {
        if try producer(cursor.producer) == nil { state.producers += 1 }
        producers[cursor.producer] = cursor
        changedProducers.insert(cursor.producer)
    }

    private func write(_ cursor: ProducerCursor) throws {
        let statement = try database.statement(
            "REPLACE INTO producer VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
        statement.bind(1, cursor.producer.bytes)
        statement.bind(2, cursor.owner)
        statement.bind(3, cursor.next.value)
        statement.bind(4, cursor.chain.value)
        statement.bind(5, cursor.fence.value)
        statement.bind(6, cursor.settledBelow.value)
        statement.bind(7, cursor.exceptions.packed())
        statement.bind(8, now)
        try statement.run()
    }

    func nextFence() throws -> LaneFence {
        state.fence += 1
        return LaneFence(state.fence)
    }

    /// Forgets a producer: its lane begins at 1 again, should it come back. False: unknown.
    func retire(_ id: ProducerID) throws -> Bool {
        guard try producer(id) != nil else { return false }
        producers[id] = nil
        changedProducers.remove(id)
        let statement = try database.statement("DELETE FROM producer WHERE id = ?")
        statement.bind(1, id.bytes)
        try statement.run()
        state.producers -= 1
        return true
    }
}

// MARK: Messages

extension InboxWriter {
    func append(
        _ message: IncomingMessage, from producer: ProducerID, chain: ChainValue
    ) throws -> InboxIndex {
        let index = state.next
        let envelope = message.envelope
        let extras = envelope.packedExtras()
        insertMessage.bind(1, index)
        insertMessage.bind(2, try topics.key(envelope.topic, at: index, fresh: &state.key))
        insertMessage.bind(
            3,
            try senders.key(
                producer, at: index, sequence: message.sequence.value, fresh: &state.key))
        insertMessage.bind(4, message.sequence.value)
        insertMessage.bind(5, now)
        insertMessage.bind(6, now &- envelope.created)
        insertMessage.bind(7, message.digest.digest)
        if let remaining = envelope.remaining {
            let expires = now.addingReportingOverflow(remaining)
            insertMessage.bind(8, expires.overflow ? .max : expires.partialValue)
        } else {
            insertMessage.bindNull(8)
        }
        if let extras { insertMessage.bind(9, extras) } else { insertMessage.bindNull(9) }
        switch message.body {
        case .inline(let bytes):
            try bytes.withUnsafeReadableBytes { raw in
                insertMessage.bind(10, borrowing: raw)
                try insertMessage.run()
            }
        case .pieces:
            insertMessage.bind(10, try takePartial(message.sequence, from: producer))
            try insertMessage.run()
        }
        state.next += 1
        state.messages += 1
        state.bytes += message.body.count + UInt64(extras?.count ?? 0)
        return InboxIndex(index)
    }

    // MARK: Large bodies

    private func partial(_ sequence: LaneSequence, from producer: ProducerID) throws -> UInt64? {
        let statement = try database.statement(
            "SELECT body FROM partial WHERE producer = ? AND sequence = ?")
        statement.bind(1, producer.bytes)
        statement.bind(2, sequence.value)
        return try statement.first { $0.bits(0) }
    }

    private func forgetPartial(_ sequence: LaneSequence, from producer: ProducerID) throws {
        let statement = try database.statement(
            "DELETE FROM partial WHERE producer = ? AND sequence = ?")
        statement.bind(1, producer.bytes)
        statement.bind(2, sequence.value)
        try statement.run()
    }

    /// Its pieces belong to a message from now on.
    private func takePartial(_ sequence: LaneSequence, from producer: ProducerID) throws -> UInt64 {
        guard let body = try partial(sequence, from: producer) else {
            throw StoreFailure(.misuse, "message \(sequence.value) has no pieces")
        }
        try forgetPartial(sequence, from: producer)
        return body
    }

    func keepPiece(
        _ bytes: ByteBuffer, at offset: UInt64, of sequence: LaneSequence, from: ProducerID
    ) throws {
        var body = try partial(sequence, from: from)
        if body == nil {
            let statement = try database.statement("INSERT INTO partial VALUES(?, ?, ?)")
            statement.bind(1, from.bytes)
            statement.bind(2, sequence.value)
            statement.bind(3, state.key)
            try statement.run()
            body = state.key
            state.key += 1
        }
        if let body { try Pieces.keep(bytes, at: offset, of: body, database) }
    }

    func dropPieces(of sequence: LaneSequence, from: ProducerID) throws {
        guard let body = try partial(sequence, from: from) else { return }
        try forgetPartial(sequence, from: from)
        try Pieces.drop(body, database)
    }

    /// At the start of a host: half bodies of an earlier life; who sends them starts again.
    func dropPartials() throws {
        try database.execute(
            "DELETE FROM piece WHERE body IN (SELECT body FROM partial); DELETE FROM partial")
    }

    // MARK: Idempotency

    func known(_ key: IdempotencyKey) throws -> KnownMessage? {
        let statement = try database.statement(
            "SELECT idx, count, digest FROM known WHERE owner = ? AND id = ?")
        statement.bind(1, key.owner)
        statement.bind(2, key.id)
        return try statement.first { row in
            KnownMessage(
                index: InboxIndex(row.bits(0)),
                digest: BodyDigest(count: row.bits(1), digest: row.bits(2)))
        }
    }

    func remember(_ message: KnownMessage, as key: IdempotencyKey) throws {
        let statement = try database.statement(
            """
            REPLACE INTO known(owner, id, idx, count, digest, time) VALUES(?, ?, ?, ?, ?, ?)
            """)
        statement.bind(1, key.owner)
        statement.bind(2, key.id)
        statement.bind(3, message.index.value)
        statement.bind(4, message.digest.count)
        statement.bind(5, message.digest.digest)
        statement.bind(6, now)
        try statement.run()
    }
}
