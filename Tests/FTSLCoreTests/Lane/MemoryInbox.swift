import FTSLCore
import NIOCore

/// An inbox in memory: what a store keeps, without the disk.
struct MemoryInbox: InboxTransaction {
    var identity = InboxIdentity(id: InboxID(high: 9, low: 9), generation: .first)
    var now: UInt64 = 1_000_000
    var stored: [StoredMessage] = []
    var producers: [ProducerID: ProducerCursor] = [:]
    var fence: UInt64 = 0
    var pieces: [PieceKey: ByteBuffer] = [:]
    var keys: [IdempotencyKey: KnownMessage] = [:]
    var consumers: [String: ConsumerCursor] = [:]
    var letters: [LetterKey: DeadLetter] = [:]
    var removed: UInt64 = 0

    struct LetterKey: Hashable {
        var cursor: String
        var index: InboxIndex
    }

    struct PieceKey: Hashable {
        var producer: ProducerID
        var sequence: LaneSequence
    }

    var messageCount: UInt64 { UInt64(stored.count) }
    var byteCount: UInt64 { stored.reduce(0) { $0 + $1.body.count } }
    var nextIndex: InboxIndex { InboxIndex(removed + UInt64(stored.count) + 1) }
    var producerCount: Int { producers.count }
    var consumerCount: Int { consumers.count }
    var deadLetterCount: Int { letters.count }

    /// Bodies in the order in which they were stored, as text.
    var texts: [String] {
        stored.map {
            guard case .inline(let bytes) = $0.body else { return "(pieces)" }
            return String(buffer: bytes)
        }
    }

    mutating func removeAll() {
        removed += UInt64(stored.count)
        stored = []
    }

    func producer(_ id: ProducerID) -> ProducerCursor? { producers[id] }
    mutating func save(_ cursor: ProducerCursor) { producers[cursor.producer] = cursor }
    mutating func nextFence() -> LaneFence {
        fence += 1
        return LaneFence(fence)
    }

    mutating func append(
        _ message: IncomingMessage, from producer: ProducerID, chain: ChainValue
    ) -> InboxIndex {
        let index = nextIndex
        stored.append(
            StoredMessage(
                index: index, producer: producer, sequence: message.sequence,
                envelope: message.envelope, stored: now, digest: message.digest,
                body: message.body))
        return index
    }

    mutating func keepPiece(
        _ bytes: ByteBuffer, at offset: UInt64, of sequence: LaneSequence, from: ProducerID
    ) throws {
        let key = PieceKey(producer: from, sequence: sequence)
        var kept = pieces[key] ?? ByteBuffer()
        guard UInt64(kept.readableBytes) >= offset else {
            throw Failure(.local, .internalError, "a piece beyond the end")
        }
        kept = kept.getSlice(at: 0, length: Int(offset)) ?? kept
        kept.writeImmutableBuffer(bytes)
        pieces[key] = kept
    }

    mutating func dropPieces(of sequence: LaneSequence, from: ProducerID) {
        pieces[PieceKey(producer: from, sequence: sequence)] = nil
    }

    func known(_ key: IdempotencyKey) -> KnownMessage? { keys[key] }
    mutating func remember(_ message: KnownMessage, as key: IdempotencyKey) { keys[key] = message }
    func consumer(_ name: String) -> ConsumerCursor? { consumers[name] }
    mutating func save(_ cursor: ConsumerCursor) { consumers[cursor.name] = cursor }
    func message(at index: InboxIndex) -> StoredMessage? { stored.first { $0.index == index } }
    func index(from: InboxIndex, matching filter: TopicFilter) -> InboxIndex? {
        stored.first { $0.index >= from && filter.matches($0.envelope.topic) }?.index
    }
    func index(storedSince milliseconds: UInt64) -> InboxIndex? {
        stored.first { $0.stored >= milliseconds }?.index
    }
    func index(last count: UInt64, matching filter: TopicFilter) -> InboxIndex? {
        stored.filter { filter.matches($0.envelope.topic) }.suffix(Int(count)).first?.index
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
}

let producer = ProducerID(high: 1, low: 1)

func incoming(
    _ sequence: UInt64, _ text: String, id: String = "", topic: String = "t"
) -> IncomingMessage {
    IncomingMessage(
        sequence: LaneSequence(sequence), envelope: Envelope(id: id, topic: topic, created: 5),
        digest: BodyDigest(count: UInt64(text.utf8.count), digest: digest(bytes(text))),
        body: .inline(bytes(text)))
}

func new(
    _ text: String, id: String = "", topic: String = "t", expires: UInt64? = nil
) -> NewMessage {
    NewMessage(
        envelope: Envelope(id: id, topic: topic, created: 5), expires: expires,
        digest: BodyDigest(count: UInt64(text.utf8.count), digest: digest(bytes(text))),
        body: .inline(bytes(text)))
}

extension [LaneException] {
    init(_ pairs: KeyValuePairs<UInt64, Resolution>) {
        self = pairs.map { LaneException(sequence: LaneSequence($0.key), resolution: $0.value) }
    }
}
