/// Numbers for people.
enum Numbers {
    /// Bytes with a binary unit: `1.2 MiB`.
    static func bytes(_ count: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(fixed(value, value < 10 ? 2 : 1)) \(units[unit])"
    }

    /// `0.4 s`, `75 s`, `1:02:03`.
    static func seconds(_ seconds: Double) -> String {
        if seconds < 100 { return "\(fixed(seconds, 1)) s" }
        let whole = Int(seconds)
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        let tail = "\(two(minutes)):\(two(rest))"
        return hours > 0 ? "\(hours):\(tail)" : tail
    }

    /// `1 message`, `2 messages`.
    static func count(_ count: UInt64, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }

    static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// A number with a fixed count of decimals, without a locale.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int64((value * scale).rounded())
        guard decimals > 0 else { return "\(scaled)" }
        let digits = String(abs(scaled) % Int64(scale))
        let padding = String(repeating: "0", count: decimals - digits.count)
        return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int64(scale)).\(padding)\(digits)"
    }
}
