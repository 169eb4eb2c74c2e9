package import NIOCore

/// What the machines ask an inbox's store to make durable, in order. [FTSL §7]
///
/// The store runs `InboxRules.apply` on each inside a transaction, many to a transaction, and
/// answers after the commit with the results in the same order.
package enum InboxChange: Hashable, Sendable {
    /// A LANE: fences older lanes of the producer and reads where it stands.
    case openLane(
        ProducerID, owner: String, DeliveryMode, oldest: LaneSequence, settledBelow: LaneSequence)
    /// Consecutive messages of one lane.
    case messages(ProducerID, LaneFence, [IncomingMessage])
    /// Messages of a lane whose cursor is in memory only, new as far as that knows.
    case deposit(ProducerID, owner: String, [IncomingMessage])
    case skip(ProducerID, LaneFence, LaneSequence, SkipReason, ChainValue)
    case recorded(ProducerID, LaneFence, below: LaneSequence)
    /// Refused before it could be stored: too large, a forbidden topic. The cursor passes it.
    case reject(ProducerID, LaneFence, LaneSequence, FailureCode, envelope: Envelope, BodyDigest)
    /// Part of a large body.
    case piece(ProducerID, LaneFence, LaneSequence, at: UInt64, ByteBuffer)
    /// A large body that was begun will not be completed from what is here.
    case dropPieces(ProducerID, LaneSequence)

    /// Makes the cursor unless it is there, and reads where it stands.
    case subscribe(name: String, isGroup: Bool, TopicFilter, ConsumerStart)
    /// Where a subscription without a cursor begins.
    case locate(TopicFilter, ConsumerStart)
    case finish(cursor: String, InboxIndex)
    /// A delivery failed; the attempt counts.
    case failed(cursor: String, InboxIndex, attempts: UInt32)
    case bury(DeadLetter)
    case `return`(cursor: String, InboxIndex)
}

package enum InboxResult: Hashable, Sendable {
    /// Of `openLane`; without room nothing can be stored at the moment.
    case lane(ProducerCursor, hasRoom: Bool)
    /// Of `messages`, `deposit`, `skip`, `recorded`, `reject`: where the producer stands now, which
    /// is short of what was asked when there was no room for a message or for its outcome. After
    /// `deposit` the exceptions are the new ones only. Messages below `end` can be read.
    case progress(
        next: LaneSequence, exceptions: [LaneException], hasRoom: Bool, end: InboxIndex)
    /// Of `subscribe`.
    case consumer(ConsumerCursor, end: InboxIndex)
    /// Of `locate`.
    case located(InboxIndex, end: InboxIndex)
    case done
    /// The change was not made, and never will be: the rest of the transaction stands.
    case refused(Failure)
}

/// The bounds an inbox keeps; the user's settings.
package struct InboxLimits: Hashable, Sendable {
    package enum WhenFull: Sendable {
        /// Lanes wait for room.
        case block
        /// Messages are rejected.
        case fail
    }

    package var maxMessage: UInt64 = 64 << 20
    package var maxMessages: UInt64 = .max
    package var maxBytes: UInt64 = .max
    package var whenFull = WhenFull.block
    package var maxProducers = 1_000_000
    package var maxCursors = 10_000
    package var maxDeadLetters = 100_000

    package init() {}
}
