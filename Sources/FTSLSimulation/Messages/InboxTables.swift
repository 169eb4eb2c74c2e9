internal import FTSLCore
internal import NIOCore

/// A message's place on its lane.
struct LanePlace: Hashable {
    var producer: ProducerID
    var sequence: LaneSequence
}

/// What an inbox has on its disk. A value: a snapshot is a copy, and a transaction is a copy that
/// takes its place.
struct InboxTables: InboxTransaction {
    struct LetterKey: Hashable {
        var cursor: String
        var index: InboxIndex
    }

    var identity: InboxIdentity
    var now: UInt64 = 0
    /// In order of their indexes; removed ones leave holes.
    var messages: [StoredMessage] = []
    var nextIndex = InboxIndex.first
    var producers: [ProducerID: ProducerCursor] = [:]
    var fence: UInt64 = 0
    /// Bodies too large for a row: not whole yet, and whole.
    var pieces: [LanePlace: ByteBuffer] = [:]
    var bodies: [InboxIndex: ByteBuffer] = [:]
    var keys: [IdempotencyKey: KnownMessage] = [:]
    var consumers: [String: ConsumerCursor] = [:]
    var letters: [LetterKey: DeadLetter] = [:]
    /// Messages that are kept when every cursor has passed them; nil: all.
    var keep: Int?
    var limits = InboxLimits()
    var mutation: MessageMutation?

    var messageCount: UInt64 { UInt64(messages.count) }
    var byteCount: UInt64 { messages.reduce(0) { $0 + $1.body.count } }
    var producerCount: Int { producers.count }
    var consumerCount: Int { consumers.count }
    var deadLetterCount: Int { letters.count }

    init(id: InboxID) {
        identity = InboxIdentity(id: id, generation: .first)
    }

    // MARK: Producers

    func producer(_ id: ProducerID) -> ProducerCursor? { producers[id] }

    mutating func save(_ cursor: ProducerCursor) {
        if mutation == .messageWithoutCursor, cursor.next.value % 7 == 0,
            let before = producers[cursor.producer], before.next < cursor.next
        {
            return
        }
        producers[cursor.producer] = cursor
    }

    mutating func nextFence() -> LaneFence {
        fence += 1
        return LaneFence(fence)
    }

    // MARK: Messages

    mutating func append(
        _ message: IncomingMessage, from producer: ProducerID, chain: ChainValue
    ) throws -> InboxIndex {
        let index = nextIndex
        nextIndex = index.next
        if case .pieces(let whole) = message.body {
            let place = LanePlace(producer: producer, sequence: message.sequence)
            guard let body = pieces.removeValue(forKey: place),
                UInt64(body.readableBytes) == whole.count
            else { throw Failure(.local, .internalError, "a body without its pieces") }
            bodies[index] = body
        }
        if mutation == .cursorWithoutMessage, message.sequence.value % 5 == 0 { return index }
        messages.append(
            StoredMessage(
                index: index, producer: producer, sequence: message.sequence,
                envelope: message.envelope, stored: now, digest: message.digest,
                body: message.body))
        return index
    }

    mutating func keepPiece(
        _ bytes: ByteBuffer, at offset: UInt64, of sequence: LaneSequence, from: ProducerID
    ) throws {
        let place = LanePlace(producer: from, sequence: sequence)
        let before = pieces[place] ?? ByteBuffer()
        guard var kept = before.getSlice(at: before.readerIndex, length: Int(offset)) else {
            throw Failure(.local, .internalError, "a piece at \(offset) beyond the end")
        }
        kept.writeImmutableBuffer(bytes)
        pieces[place] = kept
    }

    mutating func dropPieces(of sequence: LaneSequence, from: ProducerID) {
        pieces[LanePlace(producer: from, sequence: sequence)] = nil
    }

    func known(_ key: IdempotencyKey) -> KnownMessage? { keys[key] }
    mutating func remember(_ message: KnownMessage, as key: IdempotencyKey) { keys[key] = message }

    // MARK: Consumers

    func consumer(_ name: String) -> ConsumerCursor? { consumers[name] }

    mutating func save(_ cursor: ConsumerCursor) {
        if mutation == .forgetsSettlements, let before = consumers[cursor.name],
            before.floor.value % 3 == 0
        {
            return
        }
        consumers[cursor.name] = cursor
    }

    func message(at index: InboxIndex) -> StoredMessage? {
        messages.first { $0.index == index }
    }

    func index(from: InboxIndex, matching filter: TopicFilter) -> InboxIndex? {
        messages.first { $0.index >= from && filter.matches($0.envelope.topic) }?.index
    }

    func index(storedSince milliseconds: UInt64) -> InboxIndex? {
        messages.first { $0.stored >= milliseconds }?.index
    }

    func index(last count: UInt64, matching filter: TopicFilter) -> InboxIndex? {
        messages.filter { filter.matches($0.envelope.topic) }.suffix(Int(clamping: count)).first?
            .index
    }

    mutating func bury(_ letter: DeadLetter) {
        letters[LetterKey(cursor: letter.cursor, index: letter.index)] = letter
    }

    func deadLetter(_ cursor: String, _ index: InboxIndex) -> DeadLetter? {
        letters[LetterKey(cursor: cursor, index: index)]
    }

    mutating func exhume(_ cursor: String, _ index: InboxIndex) {
        letters[LetterKey(cursor: cursor, index: index)] = nil
    }

    // MARK: Retention

    /// Removes what every cursor has passed and nobody wants kept, as the store does.
    mutating func retain() throws {
        guard let keep, messages.count > keep else { return }
        for name in consumers.keys.sorted() {
            guard var cursor = consumers[name] else { continue }
            if try ConsumerRules.advanceFloor(of: &cursor, in: &self) { consumers[name] = cursor }
        }
        let needed = consumers.values.map(\.floor).min() ?? nextIndex
        let held = Set(letters.keys.map(\.index))
            .union(consumers.values.flatMap(\.returned))
        let excess = messages.count - keep
        let gone = messages.prefix(excess).filter { $0.index < needed && !held.contains($0.index) }
        guard !gone.isEmpty else { return }
        let indexes = Set(gone.map(\.index))
        messages.removeAll { indexes.contains($0.index) }
        for index in indexes { bodies[index] = nil }
    }
}
