/// The 128-bit name of one attempt to move a service from one host to another. [FTSL §10]
package struct TicketID: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 16
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

    /// Of what `description` says; nil for any other text.
    package init?(_ description: some StringProtocol) {
        let digits = Array(description.utf8)
        guard digits.count == 32, let half = String(validating: digits[..<16], as: UTF8.self),
            let rest = String(validating: digits[16...], as: UTF8.self),
            let high = UInt64(half, radix: 16), let low = UInt64(rest, radix: 16)
        else { return nil }
        self.init(high: high, low: low)
        guard self.description == description else { return nil }
    }
}
