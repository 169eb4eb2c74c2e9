internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// Makes messages of what a reader reads; large bodies go to the outbox's disk as they come.
struct OutgoingBodies {
    /// Where large bodies are kept; nil: in memory.
    let outbox: String?
    private let ttl: UInt64?
    private var draft = MessageDraft()
    private var large: OutboxBody?
    private var gathered = ByteBuffer()
    private var count: UInt64 = 0
    private var hash = StreamDigest()

    init(outbox: String?, ttl: Duration?) {
        self.outbox = outbox
        self.ttl = ttl.map { $0.wholeNanoseconds / 1_000_000 }
    }

    /// A message that is whole now, and what is to be let go once it is submitted.
    struct Whole {
        var message: NewMessage
        var kept: OutboxBody?
    }

    /// Throws `StoreFailure`.
    mutating func take(_ event: ReadEvent, now: UInt64) throws -> Whole? {
        switch event {
        case .message(let draft, let body)
        where outbox == nil || body.readableBytes <= Bound.inlineBody:
            return Whole(message: message(draft, .inline(body), Self.digest(of: body), now))
        case .message(let draft, let body):
            try begin(draft)
            try append(body)
            return try end(now)
        case .begin(let draft): try begin(draft)
        case .piece(let bytes): try append(bytes)
        case .end: return try end(now)
        }
        return nil
    }

    /// A body that was begun will never be whole.
    mutating func abandon() throws {
        try large?.release()
        large = nil
    }

    private mutating func begin(_ draft: MessageDraft) throws {
        self.draft = draft
        gathered = ByteBuffer()
        count = 0
        hash = StreamDigest()
        large = try outbox.map { try OutboxBody($0) }
    }

    private mutating func append(_ bytes: ByteBuffer) throws {
        hash.update(bytes)
        count += UInt64(bytes.readableBytes)
        gathered.writeImmutableBuffer(bytes)
        while let large, let part = gathered.readSlice(length: Bound.inlineBody) {
            try large.append(part)
        }
    }

    private mutating func end(_ now: UInt64) throws -> Whole {
        let digest = BodyDigest(count: count, digest: hash.value)
        defer {
            gathered = ByteBuffer()
            large = nil
        }
        guard let large else {
            return Whole(message: message(draft, .inline(gathered), digest, now))
        }
        if gathered.readableBytes > 0 { try large.append(gathered) }
        try large.finish(digest)
        return Whole(message: message(draft, .pieces(digest), digest, now), kept: large)
    }

    private func message(
        _ draft: MessageDraft, _ body: Body, _ digest: BodyDigest, _ now: UInt64
    ) -> NewMessage {
        NewMessage(
            envelope: Envelope(
                id: draft.id, topic: draft.topic, headers: draft.headers, created: now,
                remaining: ttl), expires: ttl.map { now + $0 }, digest: digest, body: body)
    }

    private static func digest(of body: ByteBuffer) -> BodyDigest {
        let hash = StreamDigest()
        hash.update(body)
        return BodyDigest(count: UInt64(body.readableBytes), digest: hash.value)
    }
}
