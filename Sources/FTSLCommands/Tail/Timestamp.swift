internal import FoundationEssentials

/// Times for people and programs: RFC 3339 in UTC, with milliseconds.
enum Timestamp {
    static func text(milliseconds: UInt64) -> String {
        // A peer's clock may say anything.
        let seconds = Double(min(milliseconds, 253_402_300_799_999)) / 1000
        return Date(timeIntervalSince1970: seconds).formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
