internal import FTSLCore
internal import NIOCore

/// The messages of an inbox as they come, in the order of the inbox. [FTSL §7.6]
///
/// It goes on over listeners that end and begin anew, and never ends by itself: leave the loop, or
/// `close` it. No more comes than `Inbox.Limits` lets be in hand: a slow reader slows the inbox's
/// sending to it, nothing else.
public struct Deliveries: AsyncSequence, Sendable {
    /// One delivery.
    public typealias Element = Delivery

    let follower: Follower

    init(_ follower: Follower) { self.follower = follower }

    /// Several iterators share what comes.
    public func makeAsyncIterator() -> Iterator { Iterator(follower: follower) }

    /// Ends the subscription, and returns; what was not answered is delivered to others.
    ///
    /// Iterators end; those who wait for an answer to be settled get `shutting-down`.
    public func close() async { await follower.close() }

    /// Takes deliveries one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let follower: Follower

        /// The next delivery; nil: the sequence was closed.
        /// - Throws: `FTSLError` when the inbox lets nothing more come (`superseded`,
        ///   `message-too-large`, …); `CancellationError`, with which no delivery is lost.
        public mutating func next() async throws -> Delivery? {
            guard let content = try await follower.next() else { return nil }
            return Delivery(content, follower)
        }
    }
}

/// A message as an inbox delivers it.
public struct Delivery: Sendable {
    /// Its number in the inbox; later messages have larger ones.
    public let index: UInt64
    /// What it is about.
    public let topic: String
    /// The sender's own name for it; nil: none was given.
    public let id: String?
    /// What the sender put beside the body.
    public let headers: [Message.Header]
    /// All of it; its digest agrees.
    public let body: [UInt8]
    /// Which time it is delivered to this cursor: from 1 on.
    public let attempt: Int
    /// Whose message it is: 32 hexadecimal digits.
    public let producer: String
    /// Its number among that producer's messages.
    public let sequence: UInt64
    /// When the inbox stored it, in milliseconds since 1970 by its clock.
    public let stored: UInt64

    private let follower: Follower

    /// The body as text; what is not UTF-8 is replaced.
    public var text: String { String(decoding: body, as: UTF8.self) }

    init(_ content: FollowerCore.Content, _ follower: Follower) {
        let envelope = content.head.envelope
        index = content.index.value
        topic = envelope.topic
        id = envelope.id.isEmpty ? nil : envelope.id
        headers = envelope.headers.map { Message.Header($0.name, $0.value) }
        body = Array(content.body.readableBytesView)
        attempt = Int(content.attempt)
        producer = content.head.producer.description
        sequence = content.head.sequence.value
        stored = content.head.stored
        self.follower = follower
    }

    /// It is processed and will not come again: returns when that is on the inbox's disk.
    ///
    /// The first answer to a delivery stands. With a visitor nothing is to be answered, and this
    /// returns at once.
    /// - Throws: `FTSLError` with `fenced` when the answer came too late: the message was given
    ///   to somebody else or is settled already; with `shutting-down` when the sequence was closed
    ///   before; `CancellationError`, with which the answer still goes out.
    public func done() async throws { try await answer(.done) }

    /// It could not be processed now and comes again, after a pause if one is given; after
    /// `Inbox.Limits.attempts` it becomes a dead letter. Otherwise as `done()`.
    public func retry(after pause: Duration = .zero) async throws {
        try await answer(.retry(after: pause))
    }

    /// It can never be processed: it becomes a dead letter (`ftsl tail --dead`), for this reason,
    /// of which 255 bytes are kept. Otherwise as `done()`.
    public func dead(_ reason: String) async throws { try await answer(.dead(reason: reason)) }

    private func answer(_ verdict: MessageFrame.Settlement.Verdict) async throws {
        let (index, attempt) = (InboxIndex(index), UInt32(attempt))
        try await follower.resident.wait { $0.answer(index, attempt, verdict, $1) }
    }
}

/// What a sequence of deliveries and its elements share: the subscription ends with the last.
final class Follower: Sendable {
    let resident: Resident<FollowerCore>

    init(_ resident: Resident<FollowerCore>) { self.resident = resident }

    deinit {
        resident.execute { core in core.close { withExtendedLifetime(core) {} } }
    }

    func next() async throws -> FollowerCore.Content? {
        try await resident.wait { $0.next($1) }
    }

    func close() async { await resident.finish { $0.close($1) } }
}
