/// The 128-bit name of one attempt to move; known to its two hosts only. [FTSL §8]
package struct TicketID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random(using rng: inout some RandomNumberGenerator) -> TicketID {
        TicketID(high: rng.next(), low: rng.next())
    }

    /// 32 hexadecimal digits.
    package var description: String { Hexadecimal.of(high) + Hexadecimal.of(low) }
}
