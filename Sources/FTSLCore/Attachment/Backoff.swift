/// Delays between dials: at once, then 50 ms doubling to 10 s, with full jitter. [FTSL §6]
package struct Backoff: Sendable {
    package private(set) var failures = 0

    package init() {}

    /// The delay before the next dial; zero for the first after a success.
    package mutating func next(using rng: inout some RandomNumberGenerator) -> Duration {
        defer { failures += 1 }
        guard failures > 0 else { return .zero }
        let ceiling = Self.ceiling(afterFailures: failures)
        return .nanoseconds(Int64(UInt64.random(in: 0...ceiling.wholeNanoseconds, using: &rng)))
    }

    package mutating func reset() { failures = 0 }

    package static func ceiling(afterFailures failures: Int) -> Duration {
        min(Bound.redialCap, Bound.redialFirst * (1 << min(failures - 1, 16)))
    }
}
