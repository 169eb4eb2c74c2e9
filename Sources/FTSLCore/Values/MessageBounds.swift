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
    /// Bodies larger than this travel in parts of this size. A part counts only when it is here
    /// whole: on a link that dies every 300 ms, 8 KiB still get through at 30 kB/s, and their
    /// header of 22 bytes is a quarter of a per cent.
    package static let fragment = 8 << 10
    /// The least that a frame must carry where messages are: an envelope, its fields, a part.
    package static let messagePayload = 32 << 10
    /// Messages that a courier marks on the disk as sent before it sends them: each mark costs a
    /// commit.
    package static let offeredAhead: UInt64 = 4_096
    /// A batch of messages goes to the store when it has so many or so many body bytes, or when
    /// what came from the connection at once is used up.
    package static let batchMessages = 1_024
    package static let batchBytes = 1 << 20
    /// Parts of a large body are gathered up to this before the store has to keep them.
    package static let piece = 256 << 10
    /// Producers of which a host remembers, in memory, what their next lane could use.
    package static let laneMemories = 4_096
    /// Bytes of begun messages it remembers so; beyond, they begin again.
    package static let laneMemoryBytes = 64 << 20
    /// How often a lane without room asks whether there is some.
    package static let roomProbe: Duration = .seconds(1)
    /// Dead letters of a cursor that were put back and are not finished yet.
    package static let returnedLetters = 4_096
    /// Deliveries that a member may hold unanswered, whatever credit it gives.
    package static let deliveries: UInt64 = 4_096
    /// Settlements of the past that a cursor remembers, to answer their repetition.
    package static let settlementsRemembered = 4_096
    /// Messages and body bytes read ahead for a cursor: a page is read when half is used up.
    package static let readAheadMessages = 64
    package static let readAheadBytes: UInt64 = 256 << 10
    /// What of it may wait for one connection: the rest goes to members that are faster.
    package static let queuedDeliveries = 32
    package static let queuedDeliveryBytes: UInt64 = 128 << 10
    /// Read of a large body at once.
    package static let bodyPiece: UInt64 = 256 << 10
    /// What a consumer lets come before it has taken anything.
    package static let consumerMessages: UInt64 = 256
    package static let consumerBytes: UInt64 = 1 << 20
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
