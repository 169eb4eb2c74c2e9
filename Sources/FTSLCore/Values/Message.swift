internal import CXXHash
package import NIOCore

/// How hard a message is tried. [FTSL §7.1]
package enum DeliveryMode: UInt8, CaseIterable, Sendable {
    case exactlyOnce = 1
    case atLeastOnce = 2
    case atMostOnce = 3
}

/// What surrounds the body of a message.
package struct Envelope: Hashable, Sendable {
    package struct Header: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The sender's own name for the message and its idempotency key; empty: none was given.
    package var id: String
    package var topic: String
    package var headers: [Header]
    /// The producer's clock at submission, in milliseconds since 1970; shown, never judged by.
    package var created: UInt64
    /// Milliseconds the message still has to live, by the clock of whoever holds it; nil: for ever.
    package var remaining: UInt64?

    package init(
        id: String = "", topic: String, headers: [Header] = [], created: UInt64,
        remaining: UInt64? = nil
    ) {
        self.id = id
        self.topic = topic
        self.headers = headers
        self.created = created
        self.remaining = remaining
    }
}

/// The size of a body and its XXH3-64, known before its bytes are.
package struct BodyDigest: Hashable, Sendable {
    package var count: UInt64
    package var digest: UInt64

    package init(count: UInt64, digest: UInt64) {
        self.count = count
        self.digest = digest
    }

    /// Of a whole body at hand.
    package init(of body: ByteBuffer) {
        count = UInt64(body.readableBytes)
        digest = body.withUnsafeReadableBytes { XXH3_64bits($0.baseAddress, $0.count) }
    }
}

/// Where the bytes of a body are.
package enum Body: Hashable, Sendable {
    case inline(ByteBuffer)
    /// Kept by the store in pieces, because it is large.
    case pieces(BodyDigest)

    package var count: UInt64 {
        switch self {
        case .inline(let bytes): UInt64(bytes.readableBytes)
        case .pieces(let digest): digest.count
        }
    }
}

/// How the inbox resolved a message otherwise than by storing it. [FTSL §7.4]
package enum Resolution: Hashable, Sendable {
    case rejected(FailureCode)
    case duplicate(of: InboxIndex)
    case skipped(SkipReason)
}

package enum SkipReason: UInt8, Sendable {
    case expired = 1
    case cancelled = 2
}

/// A resolution that the sender must learn, by sequence.
package struct LaneException: Hashable, Sendable {
    package var sequence: LaneSequence
    package var resolution: Resolution

    package init(sequence: LaneSequence, resolution: Resolution) {
        self.sequence = sequence
        self.resolution = resolution
    }
}
