internal import ArgumentParser
internal import FTSLCore
internal import FoundationEssentials

/// `--from`: `beginning`, `end`, an index, `-n`, an age, or a time.
struct StartArgument: ExpressibleByArgument, Equatable {
    var start: ConsumerStart

    init?(argument: String) {
        if let start = Self.parse(argument) { self.start = start } else { return nil }
    }

    private static func parse(_ text: String) -> ConsumerStart? {
        switch text {
        case "beginning": return .beginning
        case "end": return .end
        default: break
        }
        if let number = number(text[...]) { return number == 0 ? nil : .index(InboxIndex(number)) }
        if text.hasPrefix("-") {
            return number(text.dropFirst()).map { $0 == 0 ? .end : .last($0) }
        }
        if let age = TimeSpan(argument: text) {
            return .age(UInt64(age.duration.wholeNanoseconds / 1_000_000))
        }
        return time(text).map { .since($0) }
    }

    /// Digits only: `UInt64` also takes a sign.
    private static func number(_ text: Substring) -> UInt64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt64(text) : nil
    }

    /// RFC 3339, or a day or a time without zone, which is UTC; milliseconds since 1970.
    private static func time(_ text: String) -> UInt64? {
        var complete = text.replacing(" ", with: "T")
        if !complete.contains("T") { complete += "T00:00:00" }
        guard let clock = complete.split(separator: "T").last, !clock.isEmpty else { return nil }
        if !clock.contains(where: { $0 == "Z" || $0 == "z" || $0 == "+" || $0 == "-" }) {
            complete += "Z"
        }
        complete = complete.uppercased()
        let whole = Date.ISO8601FormatStyle()
        let fraction = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard
            let date = (try? Date(complete, strategy: whole))
                ?? (try? Date(complete, strategy: fraction)),
            date.timeIntervalSince1970 >= 0
        else { return nil }
        return UInt64((date.timeIntervalSince1970 * 1000).rounded())
    }
}
