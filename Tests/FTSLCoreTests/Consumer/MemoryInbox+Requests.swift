import FTSLCore
import NIOCore

extension MemoryInbox {
    private static let sender = ProducerID(high: 1, low: 1)

    /// Stores a message as a lane would.
    mutating func put(_ text: String, topic: String = "t") {
        let sequence = UInt64(removed) + UInt64(stored.count) + 1
        _ = append(incoming(sequence, text, topic: topic), from: Self.sender, chain: .empty)
    }

    /// A message whose body is kept in pieces.
    mutating func putLarge(_ body: ByteBuffer) {
        let whole = BodyDigest(
            count: UInt64(body.readableBytes), digest: FTSLCoreTests.digest(body))
        let sequence = LaneSequence(UInt64(stored.count) + 1)
        pieces[PieceKey(producer: Self.sender, sequence: sequence)] = body
        let message = IncomingMessage(
            sequence: sequence, envelope: Envelope(topic: "t", created: 5), digest: whole,
            body: .pieces(whole))
        _ = append(message, from: Self.sender, chain: .empty)
    }

    /// What a store would answer after its commit.
    mutating func answer(_ request: InboxRequest, limits: InboxLimits) throws -> InboxReply {
        switch request {
        case .change(let change):
            return .changed(try InboxRules.apply(change, in: &self, limits: limits))
        case .fetch(let from, let filter, let maxMessages, let maxBytes):
            return fetch(from, filter, maxMessages, maxBytes)
        case .fetchPiece(let index, let offset, let maxBytes):
            guard let message = message(at: index),
                let body = pieces[PieceKey(producer: Self.sender, sequence: message.sequence)]
            else { return .piece(ByteBuffer()) }
            let count = min(Int(maxBytes), body.readableBytes - Int(offset))
            return .piece(body.getSlice(at: Int(offset), length: count) ?? ByteBuffer())
        case .fetchDead(let cursor, let from, let maxMessages, _):
            let dead = letters.values.filter { $0.cursor == cursor && $0.index >= from }
                .sorted { $0.index < $1.index }.prefix(maxMessages)
            return .deadLetters(Array(dead), dead.compactMap { message(at: $0.index) })
        case .fetchProcessed(_, owner: "somebody else"?):
            return .failed(Failure(.peer, .foreignProducer, "not yours"))
        case .fetchProcessed(let wanted, _):
            let cursor = consumers[wanted.cursor]
            let dead = letters.values.filter { $0.cursor == wanted.cursor }
                .map { LaneSequence($0.index.value) }.filter { $0 >= wanted.from }.sorted()
            return .processed(
                .init(
                    floor: LaneSequence(cursor?.floor.value ?? 1),
                    ranges: cursor?.finished ?? [], dead: dead))
        }
    }

    private func fetch(
        _ from: InboxIndex, _ filter: TopicFilter, _ maxMessages: Int, _ maxBytes: UInt64
    ) -> InboxReply {
        var page: [StoredMessage] = []
        var count: UInt64 = 0
        for message in stored where message.index >= from {
            guard filter.matches(message.envelope.topic) else { continue }
            guard page.count < maxMessages, page.isEmpty || count < maxBytes else {
                return .messages(page, scanned: message.index)
            }
            if case .inline(let bytes) = message.body { count += UInt64(bytes.readableBytes) }
            page.append(message)
        }
        return .messages(page, scanned: nextIndex)
    }
}
