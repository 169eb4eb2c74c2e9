package import NIOCore

/// What a producer's machine asks of its outbox.
package enum OutboxRequest: Hashable, Sendable {
    /// Make durable; answered by `changed` after the commit.
    case change(OutboxChange)
    /// Read messages at or after a sequence: up to so many and about so many body bytes; answered by
    /// `messages`.
    case fetch(from: LaneSequence, maxMessages: Int, maxBytes: UInt64)
    /// Read part of a large body, at least one byte; answered by `piece`.
    case fetchPiece(LaneSequence, offset: UInt64, maxBytes: Int)
}

package enum OutboxReply: Hashable, Sendable {
    case changed(OutboxResult)
    /// Without a gap from the sequence that was asked for; none: there are no more. With the wall
    /// clock at this moment, in milliseconds since 1970, by which they expire.
    case messages([OutboxMessage], wallClock: UInt64)
    case piece(ByteBuffer)
    /// The outbox could not: disk full, damaged. Nothing of the request is durable.
    case failed(Failure)
}

/// What whoever sends messages is told.
package enum ProducerEvent: Hashable, Sendable {
    /// The lane is open.
    case ready(InboxIdentity)
    /// Everything below is resolved, and that is on disk: as the exceptions say, or else *accepted*.
    case resolved(below: LaneSequence, [LaneException])
    /// How far the watched cursor is.
    case processed(MessageFrame.Processed)
    /// The lane was refused for now; it is tried again.
    case waiting(Failure)
    /// No more is sent: a named error, a refusal for good, or the outbox failed.
    case ended(Failure)
}
