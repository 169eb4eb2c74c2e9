package import NIOCore

/// Frames of lanes and subscriptions. A session carries at most one of each. [FTSL §7]
package enum MessageFrame: Hashable, Sendable {
    // Lane: producer to inbox.
    case lane(Lane)
    case message(Fragment)
    /// Takes the place of a message; with the chain up to and with it, which the inbox, that never
    /// sees the message, could not compute.
    case skip(LaneSequence, SkipReason, ChainValue)
    /// Outcomes below this are on the sender's disk: their exceptions can be dropped.
    case recorded(LaneSequence)
    /// Asks for PROCESSED of a named cursor; empty: of every durable cursor.
    case watch(Watch)
    // Lane: inbox to producer.
    case ready(Ready)
    case accepted(Progress)
    case processed(Processed)

    // Subscription: consumer to inbox.
    case subscribe(Subscribe)
    case grant(DeliveryCredit)
    case settle(Settlement)
    /// Puts a dead letter of a cursor back.
    case `return`(cursor: String, InboxIndex)
    // Subscription: inbox to consumer.
    case subscribed(Subscribed)
    case delivery(Delivery)
    case settled(InboxIndex, LeaseToken, SettleVerdict)
    /// Nothing below is left to deliver at the moment.
    case caughtUp(InboxIndex)

    /// The lane or the subscription is refused or ended; the session goes on.
    case refused(Subject, FailureCode, text: String)

    package enum Subject: UInt8, Sendable {
        case lane = 1
        case subscription = 2
        case watch = 3
    }

    package struct Lane: Hashable, Sendable {
        package var producer: ProducerID
        package var mode: DeliveryMode
        /// Nil: any, because none was met before.
        package var inbox: InboxID?
        /// The highest generation of that inbox proven so far.
        package var generation: Generation
        package var oldestRetained: LaneSequence
        package var settledBelow: LaneSequence

        package init(
            producer: ProducerID, mode: DeliveryMode, inbox: InboxID?, generation: Generation,
            oldestRetained: LaneSequence, settledBelow: LaneSequence
        ) {
            self.producer = producer
            self.mode = mode
            self.inbox = inbox
            self.generation = generation
            self.oldestRetained = oldestRetained
            self.settledBelow = settledBelow
        }
    }

    package struct Ready: Hashable, Sendable {
        package var inbox: InboxID
        package var generation: Generation
        /// The inbox's chain value up to `progress.next` − 1.
        package var chain: ChainValue
        package var progress: Progress
        package var partial: Partial?

        package init(
            inbox: InboxID, generation: Generation, chain: ChainValue, progress: Progress,
            partial: Partial?
        ) {
            self.inbox = inbox
            self.generation = generation
            self.chain = chain
            self.progress = progress
            self.partial = partial
        }
    }

    /// How much of a message that was begun on an earlier attachment is there already.
    package struct Partial: Hashable, Sendable {
        package var sequence: LaneSequence
        package var bytes: UInt64
        /// XXH3-64 of these bytes.
        package var digest: UInt64

        package init(sequence: LaneSequence, bytes: UInt64, digest: UInt64) {
            self.sequence = sequence
            self.bytes = bytes
            self.digest = digest
        }
    }

    package struct Progress: Hashable, Sendable {
        /// Everything below is resolved and on disk.
        package var next: LaneSequence
        package var exceptions: [LaneException]
        /// Messages may be sent below this sequence…
        package var sequenceLimit: LaneSequence
        /// …as long as no more body bytes than this went out on this attachment.
        package var byteLimit: UInt64

        package init(
            next: LaneSequence, exceptions: [LaneException], sequenceLimit: LaneSequence,
            byteLimit: UInt64
        ) {
            self.next = next
            self.exceptions = exceptions
            self.sequenceLimit = sequenceLimit
            self.byteLimit = byteLimit
        }
    }

    /// A message, or part of one; the first part has the envelope.
    package struct Fragment: Hashable, Sendable {
        package var sequence: LaneSequence
        package var head: Head?
        /// Where in the body `bytes` begin.
        package var offset: UInt64
        package var bytes: ByteBuffer

        package init(sequence: LaneSequence, head: Head? = nil, offset: UInt64, bytes: ByteBuffer) {
            self.sequence = sequence
            self.head = head
            self.offset = offset
            self.bytes = bytes
        }
    }

    package struct Head: Hashable, Sendable {
        package var envelope: Envelope
        package var digest: BodyDigest

        package init(envelope: Envelope, digest: BodyDigest) {
            self.envelope = envelope
            self.digest = digest
        }
    }

    /// Whose messages, and which consumer, somebody wants to know about.
    package struct Watch: Hashable, Sendable {
        package var producer: ProducerID
        /// Dead letters below are of no interest.
        package var from: LaneSequence
        /// Empty: every durable one.
        package var cursor: String

        package init(producer: ProducerID, from: LaneSequence = .first, cursor: String) {
            self.producer = producer
            self.from = from
            self.cursor = cursor
        }
    }

    /// Which of the producer's messages a cursor has finished.
    package struct Processed: Hashable, Sendable {
        package var floor: LaneSequence
        /// At most 256, ascending.
        package var ranges: [ClosedRange<UInt64>]
        /// Which of them are dead letters, from where WATCH said: at most 256, ascending. With so
        /// many, nothing is said of what is above the last.
        package var dead: [LaneSequence]

        package init(
            floor: LaneSequence, ranges: [ClosedRange<UInt64>], dead: [LaneSequence] = []
        ) {
            self.floor = floor
            self.ranges = ranges
            self.dead = dead
        }
    }

    package struct Subscribe: Hashable, Sendable {
        package enum Kind: UInt8, Sendable {
            /// Leaves no trace in the inbox; nothing is settled.
            case ephemeral = 1
            case cursor = 2
            case group = 3
            /// Lists the dead letters of a cursor, then ends.
            case deadLetters = 4
        }
        package var kind: Kind
        package var cursor: String
        package var start: ConsumerStart
        package var filter: TopicFilter
        package var inbox: InboxID?
        package var generation: Generation
        package var credit: DeliveryCredit
        /// Failed deliveries before a message is a dead letter.
        package var maxAttempts: UInt32

        package init(
            kind: Kind, cursor: String, start: ConsumerStart, filter: TopicFilter, inbox: InboxID?,
            generation: Generation, credit: DeliveryCredit, maxAttempts: UInt32
        ) {
            self.kind = kind
            self.cursor = cursor
            self.start = start
            self.filter = filter
            self.inbox = inbox
            self.generation = generation
            self.credit = credit
            self.maxAttempts = maxAttempts
        }
    }

    package struct Subscribed: Hashable, Sendable {
        package var inbox: InboxID
        package var generation: Generation
        /// Where the cursor stands.
        package var floor: InboxIndex
        /// The index the next message will get.
        package var end: InboxIndex

        package init(inbox: InboxID, generation: Generation, floor: InboxIndex, end: InboxIndex) {
            self.inbox = inbox
            self.generation = generation
            self.floor = floor
            self.end = end
        }
    }

    /// Absolute, since SUBSCRIBE on this attachment.
    package struct DeliveryCredit: Hashable, Sendable {
        package var messages: UInt64
        package var bytes: UInt64

        package init(messages: UInt64, bytes: UInt64) {
            self.messages = messages
            self.bytes = bytes
        }
    }

    package struct LeaseToken: Hashable, Sendable {
        /// The inbox's durable start counter when the lease was given.
        package var starts: UInt64
        package var attempt: UInt32

        package init(starts: UInt64, attempt: UInt32) {
            self.starts = starts
            self.attempt = attempt
        }
    }

    package struct Delivery: Hashable, Sendable {
        package var index: InboxIndex
        package var token: LeaseToken
        package var head: DeliveryHead?
        package var offset: UInt64
        package var bytes: ByteBuffer

        package init(
            index: InboxIndex, token: LeaseToken, head: DeliveryHead? = nil, offset: UInt64,
            bytes: ByteBuffer
        ) {
            self.index = index
            self.token = token
            self.head = head
            self.offset = offset
            self.bytes = bytes
        }
    }

    package struct DeliveryHead: Hashable, Sendable {
        package var producer: ProducerID
        package var sequence: LaneSequence
        package var stored: UInt64
        package var envelope: Envelope
        package var digest: BodyDigest
        /// Of a dead letter: why it died.
        package var reason: String

        package init(
            producer: ProducerID, sequence: LaneSequence, stored: UInt64, envelope: Envelope,
            digest: BodyDigest, reason: String
        ) {
            self.producer = producer
            self.sequence = sequence
            self.stored = stored
            self.envelope = envelope
            self.digest = digest
            self.reason = reason
        }
    }

    package struct Settlement: Hashable, Sendable {
        package enum Verdict: Hashable, Sendable {
            case done
            case retry(after: Duration)
            case dead(reason: String)
        }
        package var index: InboxIndex
        package var token: LeaseToken
        package var verdict: Verdict

        package init(index: InboxIndex, token: LeaseToken, verdict: Verdict) {
            self.index = index
            self.token = token
            self.verdict = verdict
        }
    }

    package enum SettleVerdict: UInt8, Sendable {
        case settled = 0
        case fenced = 1
    }
}
