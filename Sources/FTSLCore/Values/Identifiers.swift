/// The 128-bit name of a session, chosen by the acceptor. Not a credential: only the secret is.
package struct SessionID: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 16
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random(using rng: inout some RandomNumberGenerator) -> SessionID {
        SessionID(high: rng.next(), low: rng.next())
    }

    /// 32 hexadecimal digits.
    package var description: String { Hexadecimal.of(high) + Hexadecimal.of(low) }
}

/// Hexadecimal without Foundation.
package enum Hexadecimal {
    /// Sixteen digits, zero-padded.
    package static func of(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Numbers the dials of one session: fresh and larger for every dial. Zero is the attachment that
/// opened it.
package struct AttachmentNumber: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }
    package static let opening = AttachmentNumber(0)
    package var next: AttachmentNumber { AttachmentNumber(value + 1) }
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// A transport connection as the driver names it; meaningless to the peer.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// A byte stream inside a session.
package struct ChannelNumber: Hashable, Comparable, Sendable {
    package var value: UInt8

    package init(_ value: UInt8) { self.value = value }
    /// The duplex main stream.
    package static let main = ChannelNumber(0)
    /// A remote command's standard error, acceptor to initiator.
    package static let standardError = ChannelNumber(1)
    package static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// How often a session moved and how often a process took it over; compared in that order.
/// [FTSL §1]
package struct Generation: Hashable, Comparable, Sendable {
    package var moves: UInt64
    package var starts: UInt64

    package init(moves: UInt64, starts: UInt64) {
        self.moves = moves
        self.starts = starts
    }

    package static let first = Generation(moves: 0, starts: 0)
    package static func < (a: Self, b: Self) -> Bool {
        (a.moves, a.starts) < (b.moves, b.starts)
    }
}

/// Who serves a session now: its generation and the process instance that claims it.
package struct HostIdentity: Hashable, Sendable {
    package var generation: Generation
    package var instance: UInt64

    package init(generation: Generation, instance: UInt64) {
        self.generation = generation
        self.instance = instance
    }
}
