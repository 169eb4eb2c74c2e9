package import NIOCore

/// Who an inbox is now.
package struct InboxIdentity: Hashable, Sendable {
    package var id: InboxID
    package var generation: Generation

    package init(id: InboxID, generation: Generation) {
        self.id = id
        self.generation = generation
    }
}

/// An idempotency key: the sender's identity and the id it gave. [FTSL §7.5]
package struct IdempotencyKey: Hashable, Sendable {
    package var owner: String
    package var id: String

    package init(owner: String, id: String) {
        self.owner = owner
        self.id = id
    }
}

/// What became of the message that had the key first.
package struct KnownMessage: Hashable, Sendable {
    package var index: InboxIndex
    package var digest: BodyDigest

    package init(index: InboxIndex, digest: BodyDigest) {
        self.index = index
        self.digest = digest
    }
}

/// What `InboxRules` need of a store, inside one transaction: all of it becomes durable together,
/// or nothing does. Errors are the store's own; the rules pass them on.
package protocol InboxTransaction {
    var identity: InboxIdentity { get }
    /// The inbox's clock, in milliseconds since 1970; one value per transaction.
    var now: UInt64 { get }
    /// Messages and bytes held now, for the bound on them.
    var messageCount: UInt64 { get }
    var byteCount: UInt64 { get }
    /// The index that the next message gets.
    var nextIndex: InboxIndex { get }

    // Producers.
    var producerCount: Int { get }
    mutating func producer(_ id: ProducerID) throws -> ProducerCursor?
    mutating func save(_ cursor: ProducerCursor) throws
    /// A fence larger than all given before, in this process or an earlier one.
    mutating func nextFence() throws -> LaneFence

    // Messages.
    mutating func append(
        _ message: IncomingMessage, from producer: ProducerID, chain: ChainValue
    ) throws -> InboxIndex
    /// Part of a body too large to wait in memory; replaces what was kept at or after `offset`.
    mutating func keepPiece(
        _ bytes: ByteBuffer, at offset: UInt64, of sequence: LaneSequence, from: ProducerID
    ) throws
    mutating func dropPieces(of sequence: LaneSequence, from: ProducerID) throws
    mutating func known(_ key: IdempotencyKey) throws -> KnownMessage?
    mutating func remember(_ message: KnownMessage, as key: IdempotencyKey) throws

    // Consumers.
    var consumerCount: Int { get }
    mutating func consumer(_ name: String) throws -> ConsumerCursor?
    mutating func save(_ cursor: ConsumerCursor) throws
    mutating func message(at index: InboxIndex) throws -> StoredMessage?
    /// The next message at or after `index` that the filter lets through.
    mutating func index(from: InboxIndex, matching filter: TopicFilter) throws -> InboxIndex?
    /// The first message stored at or after a time.
    mutating func index(storedSince milliseconds: UInt64) throws -> InboxIndex?
    /// The last `count`-th message that the filter lets through.
    mutating func index(last count: UInt64, matching filter: TopicFilter) throws -> InboxIndex?
    var deadLetterCount: Int { get }
    mutating func bury(_ letter: DeadLetter) throws
    mutating func deadLetter(_ cursor: String, _ index: InboxIndex) throws -> DeadLetter?
    mutating func exhume(_ cursor: String, _ index: InboxIndex) throws
}
