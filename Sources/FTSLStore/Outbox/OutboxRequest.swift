package import FTSLCore
package import NIOCore

/// What submitters and couriers ask of an outbox's file.
package enum OutboxRequest: Hashable, Sendable {
    /// Make durable; answered after the commit, in the order of asking.
    case change(OutboxChange)
    /// Read messages of a destination's lane at or after a sequence.
    case page(destination: String, from: LaneSequence, maxMessages: Int, maxBytes: UInt64)
    /// Read part of a large body.
    case piece(ProducerID, LaneSequence, offset: UInt64, maxBytes: UInt64)
    case outcome(ProducerID, LaneSequence)
}

package enum OutboxReply: Hashable, Sendable {
    case changed(OutboxResult)
    /// The lane, if there is one, and its messages as they are in the same snapshot.
    case page(OutboxLane?, [OutboxMessage])
    case piece(ByteBuffer)
    /// nil: this outbox never had it, or its lane was renewed before the inbox told.
    case outcome(MessageOutcome?)
    /// The store could not: disk full, damaged. Nothing of the request is durable.
    case failed(Failure)
}
