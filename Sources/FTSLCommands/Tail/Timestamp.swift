internal import FoundationEssentials

/// Times for people and programs: RFC 3339 in UTC, with milliseconds.
enum Timestamp {
    static func text(milliseconds: UInt64) -> String {
        // A peer's clock may say anything.
        let bounded = min(milliseconds, 253_402_300_799_999)
        let date = Date(timeIntervalSince1970: Double(bounded / 1_000))
        // Fractions of floating-point seconds would be a millisecond short now and then.
        let whole = date.formatted(Date.ISO8601FormatStyle()).dropLast()
        let fraction = String(bounded % 1_000 + 1_000).dropFirst()
        return "\(whole).\(fraction)Z"
    }
}
