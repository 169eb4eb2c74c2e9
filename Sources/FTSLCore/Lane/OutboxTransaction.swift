/// What an outbox knows about one of its destinations. [FTSL §7.2]
package struct OutboxLane: Hashable, Sendable {
    /// As the user named it: endpoints, comma-separated.
    package var destination: String
    package var producer: ProducerID
    /// The inbox met first; on disk before the first MESSAGE leaves.
    package var inbox: InboxID?
    package var generation: Generation
    /// The sequence that the next submitted message gets.
    package var end: LaneSequence
    /// The chain up to `end` − 1.
    package var chain: ChainValue
    /// The outcome of everything below is recorded here.
    package var settledBelow: LaneSequence
    /// The chain up to `settledBelow` − 1.
    package var settledChain: ChainValue
    /// What is below may have been sent; the rest never was, and a courier raises this on the disk
    /// before it sends it.
    package var offeredBelow: LaneSequence
    /// A named error that stops the lane until the user decides; nil: none.
    package var halted: FailureCode?

    package init(destination: String, producer: ProducerID) {
        self.destination = destination
        self.producer = producer
        generation = .first
        end = .first
        chain = .empty
        settledBelow = .first
        settledChain = .empty
        offeredBelow = .first
    }

    /// More may be sent, up to what was submitted.
    mutating func offer(below sequence: LaneSequence) {
        offeredBelow = max(offeredBelow, min(sequence, end))
    }
}

/// A message as an outbox holds it.
package struct OutboxMessage: Hashable, Sendable {
    package var sequence: LaneSequence
    package var envelope: Envelope
    /// When it expires, by this machine's clock, in milliseconds since 1970.
    package var expires: UInt64?
    package var digest: BodyDigest
    package var body: Body
    /// The chain up to and with this message.
    package var chain: ChainValue
    /// On disk before SKIP leaves.
    package var skipped: SkipReason?
    /// The user no longer wants it sent.
    package var cancelRequested: Bool

    package init(
        sequence: LaneSequence, envelope: Envelope, expires: UInt64?, digest: BodyDigest,
        body: Body, chain: ChainValue
    ) {
        self.sequence = sequence
        self.envelope = envelope
        self.expires = expires
        self.digest = digest
        self.body = body
        self.chain = chain
        cancelRequested = false
    }
}

/// What became of a message, as far as its outbox knows.
package enum MessageOutcome: Hashable, Sendable {
    case queued
    /// It may have left, and the inbox has not answered.
    case sent
    case accepted
    case resolved(Resolution)

    package var isFinal: Bool {
        switch self {
        case .queued, .sent: false
        case .accepted, .resolved: true
        }
    }
}

/// A message that a program wants sent.
package struct NewMessage: Hashable, Sendable {
    package var envelope: Envelope
    /// When it expires, by this machine's clock, in milliseconds since 1970.
    package var expires: UInt64?
    package var digest: BodyDigest
    package var body: Body

    package init(envelope: Envelope, expires: UInt64?, digest: BodyDigest, body: Body) {
        self.envelope = envelope
        self.expires = expires
        self.digest = digest
        self.body = body
    }
}

/// What is asked of an outbox, by submitters and by the courier of a destination; run by
/// `OutboxRules.apply` inside a transaction, answered after the commit.
package enum OutboxChange: Hashable, Sendable {
    /// Sequences and chain are given here; the same body under an id that was used before submits
    /// nothing anew. A courier may say that it sends them at once, unless others wait before them.
    case submit([NewMessage], to: String, isOffered: Bool = false)
    /// What is below may be sent from now on.
    case offering(below: LaneSequence, destination: String)
    /// What READY says, judged and taken over in one transaction: the inbox is on disk before the
    /// first message leaves for it, and a named error halts the lane. [FTSL §7.3]
    case ready(InboxStanding, DeliveryMode, destination: String)
    /// Everything below `next` is resolved, as `exceptions` say or else *accepted*.
    case resolved(below: LaneSequence, [LaneException], destination: String)
    /// Will not be sent; on disk before SKIP leaves.
    case skipping([LaneSequence: SkipReason], destination: String)
    /// The user no longer wants it: what never left is cancelled at once, of the rest the courier
    /// learns from the inbox whether it is too late.
    case cancel(LaneSequence, destination: String)
    /// A named error stops the lane.
    case halted(FailureCode, destination: String)
    /// Begins the lane anew, under a fresh producer: what is not resolved is submitted again.
    case renew(destination: String, producer: ProducerID)
}

/// Where an inbox says, in READY, that it stands with a producer.
package struct InboxStanding: Hashable, Sendable {
    package var inbox: InboxIdentity
    /// Everything below is resolved there.
    package var next: LaneSequence
    /// The inbox's chain up to `next` − 1.
    package var chain: ChainValue
    package var exceptions: [LaneException]

    package init(
        inbox: InboxIdentity, next: LaneSequence, chain: ChainValue, exceptions: [LaneException]
    ) {
        self.inbox = inbox
        self.next = next
        self.chain = chain
        self.exceptions = exceptions
    }
}

package enum OutboxResult: Hashable, Sendable {
    case submitted(Submitted)
    /// Of `ready`, `offering`, `resolved` and `renew`: where the lane stands now.
    case lane(OutboxLane)
    case done
    /// Of `cancel`: its outcome is known, *cancelled* or what it was before.
    case known(MessageOutcome)
    case refused(Failure)
}

/// Where submitted messages are.
package struct Submitted: Hashable, Sendable {
    package var producer: ProducerID
    /// Of each message, in order.
    package var sequences: [LaneSequence]
    /// What is below may have been sent.
    package var offeredBelow: LaneSequence
    /// Those that are new and marked as sent: no cancelling changes them any more, so whoever has
    /// them need not read them back.
    package var fresh: [OutboxMessage] = []

    package init(producer: ProducerID, sequences: [LaneSequence], offeredBelow: LaneSequence) {
        self.producer = producer
        self.sequences = sequences
        self.offeredBelow = offeredBelow
    }
}

/// The message that an id was given to.
package struct IDHolder: Hashable, Sendable {
    package var sequence: LaneSequence
    /// Outlives the message; nil: older versions did not keep it.
    package var digest: BodyDigest?

    package init(sequence: LaneSequence, digest: BodyDigest?) {
        self.sequence = sequence
        self.digest = digest
    }
}

/// What `OutboxRules` need of a store, inside one transaction. Lanes are named by destination;
/// messages, exceptions and ids belong to the producer of the lane they are asked with.
package protocol OutboxTransaction {
    /// A fresh identity, should a lane be begun.
    mutating func freshProducer() -> ProducerID
    mutating func lane(_ destination: String) throws -> OutboxLane?
    mutating func save(_ lane: OutboxLane) throws
    mutating func append(_ message: OutboxMessage, to lane: OutboxLane) throws
    mutating func message(_ sequence: LaneSequence, of lane: OutboxLane) throws -> OutboxMessage?
    /// The chain up to and with a message that is there, without its body.
    mutating func chain(of sequence: LaneSequence, of lane: OutboxLane) throws -> ChainValue?
    /// Changes what is known about a message: never its envelope or body.
    mutating func update(_ message: OutboxMessage, of lane: OutboxLane) throws
    /// Moves the message at `sequence`, with its body, to another lane, where it is `message`.
    mutating func move(
        _ sequence: LaneSequence, of lane: OutboxLane, to other: OutboxLane,
        as message: OutboxMessage
    ) throws
    /// Removes messages below a sequence; their chain and outcome are in the lane.
    mutating func drop(below: LaneSequence, of lane: OutboxLane) throws
    /// Keeps an outcome other than *accepted*, for `status`.
    mutating func record(_ exception: LaneException, of lane: OutboxLane) throws
    mutating func exception(
        _ sequence: LaneSequence, of lane: OutboxLane
    ) throws -> Resolution?
    /// The user's own ids, and what each was given to.
    mutating func holder(ofID id: String, of lane: OutboxLane) throws -> IDHolder?
    mutating func remember(id: String, _ holder: IDHolder, of lane: OutboxLane) throws
}
