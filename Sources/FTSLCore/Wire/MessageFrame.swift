package import NIOCore

/// Frames of lanes and subscriptions. A session carries at most one of each. [FTSL §7]
package enum MessageFrame: Hashable, Sendable {
    // Lane: producer to inbox.
    case lane(Lane)
    case message(Fragment)
    case skip(LaneSequence, SkipReason)
    /// Outcomes below this are on the sender's disk: their exceptions can be dropped.
    case recorded(LaneSequence)
    /// Asks for PROCESSED of a named cursor; empty: of every durable cursor.
    case watch(cursor: String)
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
    }

    package struct Ready: Hashable, Sendable {
        package var inbox: InboxID
        package var generation: Generation
        /// The inbox's chain value up to `progress.next` − 1.
        package var chain: ChainValue
        package var progress: Progress
        package var partial: Partial?
    }

    /// How much of a message that was begun on an earlier attachment is there already.
    package struct Partial: Hashable, Sendable {
        package var sequence: LaneSequence
        package var bytes: UInt64
        /// XXH3-64 of these bytes.
        package var digest: UInt64
    }

    package struct Progress: Hashable, Sendable {
        /// Everything below is resolved and on disk.
        package var next: LaneSequence
        package var exceptions: [LaneException]
        /// Messages may be sent below this sequence…
        package var sequenceLimit: LaneSequence
        /// …as long as no more body bytes than this went out on this attachment.
        package var byteLimit: UInt64
    }

    /// A message, or part of one; the first part has the envelope.
    package struct Fragment: Hashable, Sendable {
        package var sequence: LaneSequence
        package var head: Head?
        /// Where in the body `bytes` begin.
        package var offset: UInt64
        package var bytes: ByteBuffer
    }

    package struct Head: Hashable, Sendable {
        package var envelope: Envelope
        package var digest: BodyDigest
    }

    /// Which of the producer's messages a cursor has finished.
    package struct Processed: Hashable, Sendable {
        package var floor: LaneSequence
        /// At most 256, ascending.
        package var ranges: [ClosedRange<UInt64>]
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
    }

    package struct Subscribed: Hashable, Sendable {
        package var inbox: InboxID
        package var generation: Generation
        /// Where the cursor stands.
        package var floor: InboxIndex
        /// The index the next message will get.
        package var end: InboxIndex
    }

    /// Absolute, since SUBSCRIBE on this attachment.
    package struct DeliveryCredit: Hashable, Sendable {
        package var messages: UInt64
        package var bytes: UInt64
    }

    package struct LeaseToken: Hashable, Sendable {
        /// The inbox's durable start counter when the lease was given.
        package var starts: UInt64
        package var attempt: UInt32
    }

    package struct Delivery: Hashable, Sendable {
        package var index: InboxIndex
        package var token: LeaseToken
        package var head: DeliveryHead?
        package var offset: UInt64
        package var bytes: ByteBuffer
    }

    package struct DeliveryHead: Hashable, Sendable {
        package var producer: ProducerID
        package var sequence: LaneSequence
        package var stored: UInt64
        package var envelope: Envelope
        package var digest: BodyDigest
        /// Of a dead letter: why it died.
        package var reason: String
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
    }

    package enum SettleVerdict: UInt8, Sendable {
        case settled = 0
        case fenced = 1
    }
}
