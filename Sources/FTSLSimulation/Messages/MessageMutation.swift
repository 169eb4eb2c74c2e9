/// Faults put into what is around the message machines on purpose, to see that the checkers find
/// them; at their boundary, so that the core needs no hooks.
package enum MessageMutation: String, CaseIterable, Sendable {
    /// The inbox's machines are told of messages before their commit.
    case earlyAccepted
    /// …of settlements.
    case earlySettled
    /// …and the outbox's of outcomes.
    case earlyRecorded
    /// Outcomes other than *accepted* do not reach the producer's lane.
    case lostExceptions
    /// A settlement under an old lease counts for the newest one.
    case noFence
    /// A host that starts again gives the leases of the one before.
    case tokenWithoutStarts
    /// A cursor begins one further than it stands.
    case floorOffByOne
    /// The producer's cursor is saved without the message.
    case cursorWithoutMessage
    /// The message is saved without the producer's cursor.
    case messageWithoutCursor
    /// A settled message is not saved as such.
    case forgetsSettlements
    /// A power cut takes back what was called durable.
    case diskLies
    /// The inbox reads the body of another message.
    case swapsBodies
    /// A message that the outbox gave up is sent all the same.
    case sendsSkipped
}
