internal import FTSLCore
internal import NIOCore

extension InboxTables: DiskTables {
    func isChange(_ request: InboxRequest) -> Bool {
        if case .change = request { true } else { false }
    }

    mutating func apply(_ request: InboxRequest) throws -> InboxReply {
        guard case .change(let change) = request else { return read(request) }
        return .changed(try InboxRules.apply(change, in: &self, limits: limits))
    }

    mutating func tidy() throws { try retain() }

    static func failed(_ text: String) -> InboxReply {
        .failed(Failure(.local, .inboxUnavailable, text))
    }

    func read(_ request: InboxRequest) -> InboxReply {
        switch request {
        case .change: Self.failed("a change is not read")
        case .fetch(let from, let filter, let maxMessages, let maxBytes):
            fetch(from, filter, maxMessages, maxBytes)
        case .fetchPiece(let index, let offset, let maxBytes):
            fetchPiece(index, offset, maxBytes)
        case .fetchDead(let cursor, let from, let maxMessages, _):
            fetchDead(cursor, from, maxMessages)
        case .fetchProcessed(let wanted, _): .processed(processed(wanted))
        }
    }

    private func fetch(
        _ from: InboxIndex, _ filter: TopicFilter, _ maxMessages: Int, _ maxBytes: UInt64
    ) -> InboxReply {
        var page: [StoredMessage] = []
        var bytes: UInt64 = 0
        for message in messages where message.index >= from {
            guard page.count < maxMessages, bytes < maxBytes else {
                return .messages(page, scanned: message.index)
            }
            guard filter.matches(message.envelope.topic) else { continue }
            if case .inline(let body) = message.body { bytes += UInt64(body.readableBytes) }
            page.append(message)
        }
        return .messages(page, scanned: max(nextIndex, from))
    }

    private func fetchPiece(
        _ index: InboxIndex, _ offset: UInt64, _ maxBytes: UInt64
    ) -> InboxReply {
        guard let body = bodies[index] else { return Self.failed("the message is not there") }
        let left = body.readableBytes - min(body.readableBytes, Int(offset))
        let count = min(Int(clamping: maxBytes), left)
        return .piece(
            body.getSlice(at: body.readerIndex + Int(offset), length: count) ?? ByteBuffer())
    }

    private func fetchDead(
        _ cursor: String, _ from: InboxIndex, _ maxMessages: Int
    ) -> InboxReply {
        let dead = letters.values.filter { $0.cursor == cursor && $0.index >= from }
            .sorted { $0.index < $1.index }.prefix(maxMessages)
        return .deadLetters(Array(dead), dead.compactMap { message(at: $0.index) })
    }

    private func processed(_ wanted: MessageFrame.Watch) -> MessageFrame.Processed {
        let (producer, name) = (wanted.producer, wanted.cursor)
        let watched = name.isEmpty ? Array(consumers.values) : consumers[name].map { [$0] } ?? []
        guard !watched.isEmpty else { return .init(floor: .first, ranges: []) }
        let dead = letters.values.filter { name.isEmpty || $0.cursor == name }
            .compactMap { message(at: $0.index) }.filter { $0.producer == producer }
            .map(\.sequence).filter { $0 >= wanted.from }
        let open = messages.filter { message in
            message.producer == producer
                && watched.contains {
                    $0.filter.matches(message.envelope.topic) && !$0.hasFinished(message.index)
                }
        }.map(\.sequence.value)
        let end = producers[producer]?.next.value ?? 1
        guard let first = open.first else {
            return .init(floor: LaneSequence(end), ranges: [], dead: Set(dead).sorted())
        }
        var ranges: [ClosedRange<UInt64>] = []
        for (low, high) in zip(open, open.dropFirst() + [end]) where high > low + 1 {
            ranges.append(low + 1...high - 1)
        }
        return .init(floor: LaneSequence(first), ranges: ranges, dead: Set(dead).sorted())
    }
}
