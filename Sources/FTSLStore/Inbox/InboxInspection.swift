package import FTSLCore

/// Looks into an inbox for people, while a host may use it; one thread at a time. Counts are kept
/// by the host, so that none of this depends on how many messages there are.
package final class InboxInspection {
    package struct Summary: Hashable, Sendable {
        package var identity: InboxIdentity
        package var messages: UInt64
        /// Of bodies, ids and headers.
        package var bytes: UInt64
        package var producers: UInt64
        package var cursors: UInt64
        package var deadLetters: UInt64
        /// The index that the next message gets.
        package var next: InboxIndex
        package var oldest: InboxIndex?
        /// When it was stored, in milliseconds since 1970.
        package var oldestStored: UInt64?
        /// Nil: nobody else has it.
        package var move: InboxMove?
    }

    package struct Producer: Hashable, Sendable {
        package var cursor: ProducerCursor
        /// Milliseconds since 1970.
        package var used: UInt64
    }

    package struct Cursor: Hashable, Sendable {
        package var cursor: ConsumerCursor
        /// Indexes from the floor on that are not finished; some may not match its filter.
        package var lag: UInt64
        package var deadLetters: UInt64
        /// Milliseconds since 1970.
        package var used: UInt64
    }

    let database: Database

    package init(_ path: String) throws {
        database = try StoreFile.inspect(path, InboxSchema.schema)
    }

    package func summary() throws -> Summary {
        let state = try InboxState.load(database)
        let oldest = try database.statement("SELECT idx, stored FROM message ORDER BY idx LIMIT 1")
            .first { ($0.bits(0), $0.bits(1)) }
        return Summary(
            identity: InboxIdentity(id: state.id, generation: state.generation),
            messages: state.messages, bytes: state.bytes, producers: state.producers,
            cursors: state.cursors, deadLetters: state.dead, next: InboxIndex(state.next),
            oldest: oldest.map { InboxIndex($0.0) }, oldestStored: oldest?.1,
            move: try InboxMove.load(database))
    }

    /// In the order of their ids, those after one; a page for callers that show many.
    package func producers(after: ProducerID? = nil, limit: Int) throws -> [Producer] {
        let rows = try database.statement(
            """
            SELECT id, owner, next, chain, fence, settled, exceptions, used FROM producer
            WHERE id > ? ORDER BY id LIMIT ?
            """)
        rows.bind(1, after?.bytes ?? [])
        rows.bind(2, Int64(limit))
        defer { rows.reset() }
        var producers: [Producer] = []
        while try rows.step() {
            let id = try rows.withBytes(0) { try ProducerID(bytes: $0) }
            var cursor = ProducerCursor(producer: id, owner: rows.text(1))
            cursor.next = LaneSequence(rows.bits(2))
            cursor.chain = ChainValue(rows.bits(3))
            cursor.fence = LaneFence(rows.bits(4))
            cursor.settledBelow = LaneSequence(rows.bits(5))
            cursor.exceptions = try rows.withBytes(6) { try [LaneException](packed: $0) }
            producers.append(Producer(cursor: cursor, used: rows.bits(7)))
        }
        return producers
    }

    /// In the order of their names, those after one.
    package func cursors(after: String = "", limit: Int) throws -> [Cursor] {
        let next = try InboxState.load(database).next
        let names = try database.statement(
            "SELECT name FROM cursor WHERE name > ? ORDER BY name LIMIT ?")
        names.bind(1, after)
        names.bind(2, Int64(limit))
        defer { names.reset() }
        let dead = try database.statement("SELECT count(*) FROM dead WHERE cursor = ?")
        var cursors: [Cursor] = []
        while try names.step() {
            let name = names.text(0)
            guard let (cursor, used) = try InboxWriter.cursor(name, database) else { continue }
            dead.bind(1, name)
            let finished = cursor.finished.reduce(UInt64(0)) { $0 + UInt64($1.count) }
            let left = max(next, cursor.floor.value) - cursor.floor.value
            cursors.append(
                Cursor(
                    cursor: cursor, lag: left - min(left, finished),
                    deadLetters: try dead.first { $0.bits(0) } ?? 0, used: used))
        }
        return cursors
    }

    /// In the order of their names.
    package func topics(limit: Int) throws -> [String] {
        let names = try database.statement("SELECT name FROM topic ORDER BY name LIMIT ?")
        names.bind(1, Int64(limit))
        defer { names.reset() }
        var topics: [String] = []
        while try names.step() { topics.append(names.text(0)) }
        return topics
    }

    /// The message that a producer gave a sequence, if it is still here.
    package func message(of producer: ProducerID, _ sequence: LaneSequence) throws
        -> StoredMessage?
    {
        let runs = try database.statement(
            """
            SELECT first, last, sender FROM run WHERE sender = (SELECT key FROM sender
            WHERE name = ?) AND sequence <= ? ORDER BY sequence DESC, first DESC LIMIT 1
            """)
        runs.bind(1, producer.bytes)
        runs.bind(2, Int64(clamping: sequence.value))
        guard let run = try runs.first({ ($0.bits(0), $0.bits(1), $0.bits(2)) }) else { return nil }
        let find = try database.statement(
            "SELECT idx FROM message WHERE idx >= ? AND idx <= ? AND sender = ? AND sequence = ?")
        find.bind(1, run.0)
        find.bind(2, run.1)
        find.bind(3, run.2)
        find.bind(4, sequence.value)
        guard let index = try find.first({ InboxIndex($0.bits(0)) }) else { return nil }
        return try message(at: index)
    }

    package func message(at index: InboxIndex) throws -> StoredMessage? {
        var reader = MessageReader(database)
        return try reader.message(at: index, now: Clock.milliseconds())
    }

    /// The indexes of messages that were given an id, by whichever owner.
    package func known(id: String) throws -> [(owner: String, message: KnownMessage)] {
        let rows = try database.statement(
            "SELECT owner, idx, count, digest FROM known WHERE id = ? ORDER BY n")
        rows.bind(1, id)
        var found: [(owner: String, message: KnownMessage)] = []
        while try rows.step() {
            let digest = BodyDigest(count: rows.bits(2), digest: rows.bits(3))
            found.append(
                (rows.text(0), KnownMessage(index: InboxIndex(rows.bits(1)), digest: digest)))
        }
        return found
    }

    /// What is wrong with the whole file; empty: nothing. Reads all of it.
    package func verify() throws -> [String] { try Integrity.findings(database) }
}

/// What a user decides about an inbox, hosted or not: each is a transaction of its own, and a
/// host sees it before its next one.
package enum InboxAdministration {
    /// Forgets a producer. False: the inbox does not know it.
    package static func retire(_ producer: ProducerID, at path: String) throws -> Bool {
        try InboxWriter(existing: path).transaction { try $0.retire(producer) }
    }

    /// Forgets a cursor and its dead letters. False: there is none.
    package static func dropCursor(_ name: String, at path: String) throws -> Bool {
        try InboxWriter(existing: path).transaction { try $0.dropCursor(name) }
    }
}
