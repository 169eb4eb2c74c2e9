/// What an inbox knows for ever about a producer: how far its messages are resolved. [FTSL §7.2]
///
/// Kept in the store; changed only by `InboxRules`, in the transaction that stores the messages.
package struct ProducerCursor: Hashable, Sendable {
    package var producer: ProducerID
    /// The authenticated identity that used the producer first; nobody else may. [FTSL §7.3]
    package var owner: String
    /// Everything below is resolved.
    package var next: LaneSequence
    /// The chain up to `next` − 1.
    package var chain: ChainValue
    /// The newest LANE; frames of an older one are *superseded*.
    package var fence: LaneFence
    /// The sender has recorded the outcome of everything below.
    package var settledBelow: LaneSequence
    /// Resolutions other than *accepted* at or above `settledBelow`, in order.
    package var exceptions: [LaneException]

    package init(producer: ProducerID, owner: String) {
        self.producer = producer
        self.owner = owner
        next = .first
        chain = .empty
        fence = LaneFence(0)
        settledBelow = .first
        exceptions = []
    }
}

/// A message on its way into the inbox, whole.
package struct IncomingMessage: Hashable, Sendable {
    package var sequence: LaneSequence
    package var envelope: Envelope
    package var digest: BodyDigest
    package var body: Body

    package init(sequence: LaneSequence, envelope: Envelope, digest: BodyDigest, body: Body) {
        self.sequence = sequence
        self.envelope = envelope
        self.digest = digest
        self.body = body
    }
}

/// A message as an inbox holds it.
package struct StoredMessage: Hashable, Sendable {
    package var index: InboxIndex
    package var producer: ProducerID
    package var sequence: LaneSequence
    package var envelope: Envelope
    /// The inbox's clock when it was stored, in milliseconds since 1970.
    package var stored: UInt64
    package var digest: BodyDigest
    package var body: Body

    package init(
        index: InboxIndex, producer: ProducerID, sequence: LaneSequence, envelope: Envelope,
        stored: UInt64, digest: BodyDigest, body: Body
    ) {
        self.index = index
        self.producer = producer
        self.sequence = sequence
        self.envelope = envelope
        self.stored = stored
        self.digest = digest
        self.body = body
    }
}
