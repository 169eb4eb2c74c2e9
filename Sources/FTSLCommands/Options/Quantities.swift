internal import ArgumentParser

/// A number of bytes: `K M G T` are powers of 1024.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible, Sendable {
    var bytes: UInt64

    init(bytes: UInt64) { self.bytes = bytes }

    init?(argument: String) {
        let suffixes: [Character: UInt64] = [
            "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
        ]
        var digits = argument[...]
        var unit: UInt64 = 1
        if let last = digits.last, let known = suffixes[Character(last.uppercased())] {
            unit = known
            digits.removeLast()
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt64(digits)
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow, product < 1 << 62 else { return nil }
        bytes = product
    }

    var description: String {
        for (suffix, unit) in [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)] as [(String, UInt64)]
        where bytes >= unit && bytes % unit == 0 { return "\(bytes / unit)\(suffix)" }
        return "\(bytes)"
    }

    var defaultValueDescription: String { description }
}

/// A length of time: `ms s m h d`; a bare number is seconds.
struct TimeSpan: ExpressibleByArgument, CustomStringConvertible, Sendable {
    var duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let units: [(String, Double)] = [
            ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
        ]
        let unit = units.first { argument.hasSuffix($0.0) }
        let number = unit.map { argument.dropLast($0.0.count) } ?? argument[...]
        guard number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
            let value = Double(number), value.isFinite
        else { return nil }
        let seconds = value * (unit?.1 ?? 1)
        guard seconds <= 100 * 365 * 86_400 else { return nil }
        duration = .nanoseconds(Int64(seconds * 1e9))
    }

    var description: String {
        let milliseconds =
            Int64(duration.components.seconds) * 1000
            + duration.components.attoseconds / 1_000_000_000_000_000
        for (suffix, unit) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
            as [(String, Int64)] where milliseconds >= unit && milliseconds % unit == 0
        { return "\(milliseconds / unit)\(suffix)" }
        return "\(milliseconds)ms"
    }

    var defaultValueDescription: String { description }
}
