internal import FTSLCore
internal import NIOCore

/// Answers what only reads, on a connection of its own: each answer is one snapshot, not older
/// than the newest commit that was answered before it was asked.
final class InboxReader {
    /// Rows a fetch looks at before it says how far it came.
    private static let maxScanned = 20_000
    private let database: Database
    private var reader: MessageReader

    init(_ path: String) throws {
        database = try StoreFile.inspect(path, InboxSchema.schema)
        reader = MessageReader(database)
    }

    func answer(_ request: InboxRequest) throws -> InboxReply {
        try database.statement("BEGIN").run()
        defer { database.rollback() }
        switch request {
        case .change: throw StoreFailure(.misuse, "a change is not read")
        case .fetch(let from, let filter, let maxMessages, let maxBytes):
            return try fetch(from, filter, maxMessages, maxBytes)
        case .fetchPiece(let index, let offset, let maxBytes):
            return try fetchPiece(index, offset, maxBytes)
        case .fetchDead(let cursor, let from, let maxMessages, let maxBytes):
            return try fetchDead(cursor, from, maxMessages, maxBytes)
        case .fetchProcessed(let wanted, let owner):
            return try fetchProcessed(wanted, owner)
        }
    }

    private func end() throws -> UInt64 {
        try database.statement("SELECT next FROM state").first { $0.bits(0) } ?? 1
    }

    // MARK: Messages

    private func fetch(
        _ from: InboxIndex, _ filter: TopicFilter, _ maxMessages: Int, _ maxBytes: UInt64
    ) throws -> InboxReply {
        let (end, now) = (try end(), Clock.milliseconds())
        guard try filter.patterns.isEmpty || reader.isTopic(from: from, matching: filter) else {
            return .messages([], scanned: InboxIndex(max(end, from.value)))
        }
        var messages: [StoredMessage] = []
        var bytes: UInt64 = 0
        var scanned = 0
        let rows = try database.statement(
            "SELECT \(MessageReader.columns) FROM message WHERE idx >= ? ORDER BY idx")
        rows.bind(1, Int64(clamping: from.value))
        defer { rows.reset() }
        while try rows.step() {
            let index = rows.bits(0)
            guard messages.count < maxMessages, bytes < maxBytes, scanned < Self.maxScanned else {
                return .messages(messages, scanned: InboxIndex(index))
            }
            scanned += 1
            guard try reader.lets(rows.bits(1), through: filter) else { continue }
            let message = try reader.message(rows, now: now)
            if case .inline(let body) = message.body { bytes += UInt64(body.readableBytes) }
            messages.append(message)
        }
        return .messages(messages, scanned: InboxIndex(max(end, from.value)))
    }

    private func fetchPiece(
        _ index: InboxIndex, _ offset: UInt64, _ maxBytes: UInt64
    ) throws -> InboxReply {
        let statement = try database.statement("SELECT body FROM message WHERE idx = ?")
        statement.bind(1, Int64(clamping: index.value))
        let found: (large: UInt64?, inline: ByteBuffer)? = try statement.first { row in
            row.isInteger(0) ? (row.bits(0), ByteBuffer()) : (nil, row.buffer(0))
        }
        guard let found else {
            return .failed(
                Failure(.local, .inboxUnavailable, "message \(index.value) is not there any more"))
        }
        if let large = found.large {
            return .piece(
                try Pieces.read(large, offset: offset, maxBytes: maxBytes, database))
        }
        var body = found.inline
        body.moveReaderIndex(forwardBy: Int(min(offset, UInt64(body.readableBytes))))
        let count = Int(min(maxBytes, UInt64(body.readableBytes)))
        return .piece(body.readSlice(length: count) ?? ByteBuffer())
    }

    private func fetchDead(
        _ cursor: String, _ from: InboxIndex, _ maxMessages: Int, _ maxBytes: UInt64
    ) throws -> InboxReply {
        let now = Clock.milliseconds()
        let rows = try database.statement(
            """
            SELECT idx, attempts, reason, died FROM dead WHERE cursor = ? AND idx >= ? ORDER BY idx
            """)
        rows.bind(1, cursor)
        rows.bind(2, Int64(clamping: from.value))
        defer { rows.reset() }
        var letters: [DeadLetter] = []
        var messages: [StoredMessage] = []
        var bytes: UInt64 = 0
        while letters.count < maxMessages, bytes < maxBytes, try rows.step() {
            let letter = InboxWriter.deadLetter(cursor, rows)
            guard let message = try reader.message(at: letter.index, now: now) else { continue }
            if case .inline(let body) = message.body { bytes += UInt64(body.readableBytes) }
            letters.append(letter)
            messages.append(message)
        }
        return .deadLetters(letters, messages)
    }

    // MARK: Processed

    private func fetchProcessed(
        _ wanted: MessageFrame.Watch, _ owner: String?
    ) throws -> InboxReply {
        let nothing = InboxReply.processed(.init(floor: .first, ranges: []))
        if let owner {
            let known = try database.statement("SELECT owner FROM producer WHERE id = ?")
            known.bind(1, wanted.producer.bytes)
            guard let real = try known.first({ $0.text(0) }) else { return nothing }
            guard real == owner else {
                let text = "the producer \(wanted.producer) belongs to another identity"
                return .failed(Failure(.peer, .foreignProducer, text))
            }
        }
        let cursors = try cursors(wanted.cursor)
        guard let floor = cursors.map(\.oldestNeeded).min() else { return nothing }
        let sender = try database.statement("SELECT key FROM sender WHERE name = ?")
        sender.bind(1, wanted.producer.bytes)
        guard let key = try sender.first({ $0.bits(0) }) else {
            // None of its messages is here: those that were are processed.
            let next = try next(of: wanted.producer, stored: nil)
            return .processed(.init(floor: next, ranges: []))
        }
        var processed = try processed(key, wanted.producer, cursors, from: floor)
        processed.dead = try dead(wanted, key)
        return .processed(processed)
    }

    /// Dead letters of the producer, one more than is told at once.
    private func dead(_ wanted: MessageFrame.Watch, _ sender: UInt64) throws -> [LaneSequence] {
        let run = try database.statement(
            """
            SELECT first FROM run WHERE sender = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1
            """)
        run.bind(1, sender)
        run.bind(2, Int64(clamping: wanted.from.value))
        let first = try run.first { $0.bits(0) } ?? 0
        let rows = try database.statement(
            """
            SELECT sequence FROM dead JOIN message ON message.idx = dead.idx
            WHERE dead.idx >= ?1 AND sender = ?2 AND sequence >= ?3 AND (?4 = '' OR cursor = ?4)
            GROUP BY dead.idx ORDER BY dead.idx LIMIT ?5
            """)
        rows.bind(1, first)
        rows.bind(2, sender)
        rows.bind(3, Int64(clamping: wanted.from.value))
        rows.bind(4, wanted.cursor)
        rows.bind(5, Int64(Bound.processedRanges + 1))
        var letters: [LaneSequence] = []
        while try rows.step() { letters.append(LaneSequence(rows.bits(0))) }
        return letters
    }

    private func cursors(_ name: String) throws -> [ConsumerCursor] {
        guard name.isEmpty else {
            return try InboxWriter.cursor(name, database).map { [$0.cursor] } ?? []
        }
        let names = try database.statement("SELECT name FROM cursor")
        defer { names.reset() }
        var found: [ConsumerCursor] = []
        while try names.step() {
            if let entry = try InboxWriter.cursor(names.text(0), database) {
                found.append(entry.cursor)
            }
        }
        return found
    }

    private func next(of producer: ProducerID, stored: UInt64?) throws -> LaneSequence {
        let statement = try database.statement("SELECT next FROM producer WHERE id = ?")
        statement.bind(1, producer.bytes)
        let known = try statement.first { $0.bits(0) } ?? 1
        return LaneSequence(max(known, stored.map { $0 + 1 } ?? 1))
    }

    /// Walks the producer's messages from the slowest cursor on, transaction by transaction.
    private func processed(
        _ sender: UInt64, _ producer: ProducerID, _ cursors: [ConsumerCursor],
        from floor: InboxIndex
    ) throws -> MessageFrame.Processed {
        let runs = try database.statement(
            "SELECT first, last FROM run WHERE sender = ? AND last >= ? ORDER BY first")
        runs.bind(1, sender)
        runs.bind(2, floor.value)
        defer { runs.reset() }
        let rows = try database.statement(
            """
            SELECT idx, topic, sequence FROM message WHERE idx >= ? AND idx <= ? AND sender = ?
            ORDER BY idx
            """)
        defer { rows.reset() }
        var progress = ProcessedRanges(openFrom: Self.openFrom(cursors))
        while try runs.step() {
            rows.bind(1, max(runs.bits(0), floor.value))
            rows.bind(2, runs.bits(1))
            rows.bind(3, sender)
            while try rows.step() {
                let index = InboxIndex(rows.bits(0))
                let isDone = try cursors.allSatisfy { cursor in
                    try cursor.hasFinished(index)
                        || !reader.lets(rows.bits(1), through: cursor.filter)
                }
                guard progress.add(rows.bits(2), index, isDone: isDone) else {
                    return progress.processed
                }
            }
            rows.reset()
        }
        progress.close(try next(of: producer, stored: progress.newest))
        return progress.processed
    }

    /// From here on nothing can be finished: a cursor that takes everything has not come so far.
    private static func openFrom(_ cursors: [ConsumerCursor]) -> UInt64 {
        cursors.filter(\.filter.patterns.isEmpty).map { cursor in
            max(cursor.floor.value, cursor.finished.last.map { $0.upperBound + 1 } ?? 0)
        }.min() ?? .max
    }
}

/// Collects which sequences of a producer are processed.
private struct ProcessedRanges {
    let openFrom: UInt64
    private var floor: LaneSequence?
    private var firstOpen: InboxIndex?
    private var ranges: [ClosedRange<UInt64>] = []
    /// The last sequence that is not processed.
    private var open: UInt64 = 0
    private(set) var newest: UInt64?

    init(openFrom: UInt64) { self.openFrom = openFrom }

    var processed: MessageFrame.Processed {
        MessageFrame.Processed(floor: floor ?? .first, ranges: ranges)
    }

    /// False: what lies beyond is not told.
    mutating func add(_ sequence: UInt64, _ index: InboxIndex, isDone: Bool) -> Bool {
        newest = sequence
        if isDone {
            return firstOpen.map { index.value < $0.value + Bound.finishedAhead } ?? true
        }
        if floor == nil {
            floor = LaneSequence(sequence)
            firstOpen = index
        } else if sequence > open + 1 {
            ranges.append(open + 1...sequence - 1)
        }
        open = sequence
        return ranges.count < Bound.processedRanges && index.value < openFrom
    }

    /// Nothing stored is left: everything below `next` that is not listed as open is processed.
    mutating func close(_ next: LaneSequence) {
        guard floor != nil else {
            floor = next
            return
        }
        if next.value > open + 1 { ranges.append(open + 1...next.value - 1) }
    }
}
