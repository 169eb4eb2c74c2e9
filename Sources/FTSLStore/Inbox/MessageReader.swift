internal import FTSLCore
internal import NIOCore

/// Reads messages through one connection.
struct MessageReader {
    private let database: Database
    private var topics: Names<String>
    private var senders: Names<ProducerID>
    /// The filter used last, and which topics it lets through.
    private var filter = TopicFilter.everything
    private var verdicts: [UInt64: Bool] = [:]

    init(_ database: Database) {
        self.database = database
        topics = Names(database)
        senders = Names(database)
    }

    /// Forgets numbers that a rolled-back transaction gave out.
    mutating func drop() {
        topics.drop()
        senders.drop()
        verdicts.removeAll()
    }

    // MARK: One message

    static let columns =
        "idx, topic, sender, sequence, stored, age, digest, expires, extras, body"

    mutating func message(at index: InboxIndex, now: UInt64) throws -> StoredMessage? {
        let statement = try database.statement(
            "SELECT \(Self.columns) FROM message WHERE idx = ?")
        statement.bind(1, Int64(clamping: index.value))
        return try statement.first { try message($0, now: now) }
    }

    /// The message of a row of `columns`.
    mutating func message(_ row: Statement, now: UInt64) throws -> StoredMessage {
        let stored = row.bits(4)
        var envelope = Envelope(
            topic: try topics.name(row.bits(1)), created: stored &- row.bits(5))
        if !row.isNull(7) {
            let expires = row.bits(7)
            envelope.remaining = expires > now ? expires - now : 0
        }
        if !row.isNull(8) { try row.withBytes(8) { try envelope.unpackExtras($0) } }
        let body: Body
        var digest = BodyDigest(count: 0, digest: row.bits(6))
        if row.isInteger(9) {
            digest.count = try Pieces.count(of: row.bits(9), database)
            body = .pieces(digest)
        } else {
            let bytes = row.buffer(9)
            digest.count = UInt64(bytes.readableBytes)
            body = .inline(bytes)
        }
        return StoredMessage(
            index: InboxIndex(row.bits(0)), producer: try senders.name(row.bits(2)),
            sequence: LaneSequence(row.bits(3)), envelope: envelope, stored: stored,
            digest: digest, body: body)
    }

    // MARK: Filters

    /// Whether the filter lets the topic with a number through.
    mutating func lets(_ topic: UInt64, through wanted: TopicFilter) throws -> Bool {
        if wanted.patterns.isEmpty { return true }
        if filter != wanted || verdicts.count > 16_384 {
            filter = wanted
            verdicts.removeAll(keepingCapacity: true)
        }
        if let known = verdicts[topic] { return known }
        let verdict = wanted.matches(try topics.name(topic))
        verdicts[topic] = verdict
        return verdict
    }

    /// The first message at or after an index that the filter lets through.
    mutating func index(from: InboxIndex, matching filter: TopicFilter) throws -> InboxIndex? {
        guard try filter.patterns.isEmpty || isTopic(from: from, matching: filter) else {
            return nil
        }
        let statement = try database.statement(
            "SELECT idx, topic FROM message WHERE idx >= ? ORDER BY idx")
        statement.bind(1, Int64(clamping: from.value))
        return try firstMatch(statement, skipping: 0, filter)
    }

    /// The last `count`-th that the filter lets through, or the first if there are fewer.
    mutating func index(last count: UInt64, matching filter: TopicFilter) throws -> InboxIndex? {
        guard count > 0 else { return nil }
        let statement = try database.statement(
            "SELECT idx, topic FROM message ORDER BY idx DESC")
        return try firstMatch(statement, skipping: count - 1, filter)
    }

    /// The match after so many others, or the last one there is.
    private mutating func firstMatch(
        _ rows: Statement, skipping: UInt64, _ filter: TopicFilter
    ) throws -> InboxIndex? {
        defer { rows.reset() }
        var left = skipping
        var found: InboxIndex?
        while try rows.step() {
            guard try lets(rows.bits(1), through: filter) else { continue }
            found = InboxIndex(rows.bits(0))
            guard left > 0 else { return found }
            left -= 1
        }
        return found
    }

    /// Spares a walk over all messages when no topic of theirs can match.
    func isTopic(from: InboxIndex, matching filter: TopicFilter) throws -> Bool {
        let statement = try database.statement("SELECT name FROM topic WHERE last >= ?")
        statement.bind(1, Int64(clamping: from.value))
        defer { statement.reset() }
        while try statement.step() {
            if filter.matches(statement.text(0)) { return true }
        }
        return false
    }

    /// The first message stored at or after a time, found by halving: `stored` grows with the
    /// index unless the clock was set back, and then the answer is near.
    func index(storedSince milliseconds: UInt64) throws -> InboxIndex? {
        // Together, min and max would read every row.
        let ends = try database.statement(
            "SELECT (SELECT min(idx) FROM message), (SELECT max(idx) FROM message)")
        guard let (first, last) = try ends.first({ ($0.bits(0), $0.bits(1)) }), first > 0 else {
            return nil
        }
        let probe = try database.statement(
            "SELECT idx, stored FROM message WHERE idx >= ? ORDER BY idx LIMIT 1")
        func at(_ index: UInt64) throws -> (index: UInt64, stored: UInt64)? {
            probe.bind(1, index)
            return try probe.first { ($0.bits(0), $0.bits(1)) }
        }
        var (low, high) = (first, last + 1)
        while low < high {
            let middle = low + (high - low) / 2
            guard let found = try at(middle), found.stored < milliseconds else {
                high = middle
                continue
            }
            low = found.index + 1
        }
        return try at(low).map { InboxIndex($0.index) }
    }
}
