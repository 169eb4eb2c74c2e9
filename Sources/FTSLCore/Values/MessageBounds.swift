/// Bounds of lanes and subscriptions, each with its reason.
extension Bound {
    /// Bodies up to this are one row; larger ones are kept in pieces, and never whole in memory.
    package static let inlineBody = 1 << 20
    /// Outcomes other than *accepted* that a lane may leave unrecorded.
    package static let laneExceptions = 1_024
    /// Messages of one lane that may be on their way: a commit's worth for each end, twice.
    package static let laneMessages: UInt64 = 8_192
    /// Body bytes of one lane that may be on their way.
    package static let laneBytes: UInt64 = 8 << 20
    /// Finished indexes that may lie beyond a cursor's floor. [FTSL §7.6]
    package static let finishedAhead: UInt64 = 65_536
    package static let topic = 255
    package static let messageID = 255
    package static let headers = 64
    package static let headerValue = 4_096
    package static let cursorName = 64
    /// The envelope must fit a frame with room for a body: topic, id and headers together.
    package static let envelope = 16 << 10
    package static let processedRanges = 256
    /// How long a member may work on a message without a sign of life of its session.
    package static let lease: Duration = .seconds(30)
    package static let maxAttempts: UInt32 = 5
}
