internal import FTSLCore
internal import FTSLKit

/// Counts refused connections by reason, and lets one of a kind a minute be told.
struct Refusals {
    /// What is told: the newest, and how many there were since the last that was told.
    struct Told {
        var failure: Failure
        var source: String
        var count: UInt64
        var isFirst: Bool

        var sentence: String {
            isFirst
                ? "refused a connection: \(failure.text)"
                : "refused \(count) more connections: \(failure.text)"
        }

        /// The line of `--status-fd`.
        var fields: [String: JSONValue] {
            [
                "event": .string("refused"), "code": .string(failure.code.name),
                "reason": .string(failure.text), "source": .string(source),
                "count": .integer(count),
            ]
        }
    }

    private struct Entry {
        var count: UInt64
        var toldAt: Instant
    }

    private var entries: [FailureCode: Entry] = [:]

    /// Nil: it was only counted.
    mutating func tell(_ failure: Failure, from source: String, now: Instant) -> Told? {
        let entry = entries[failure.code]
        let count = (entry?.count ?? 0) + 1
        if let entry, now.since(entry.toldAt) < .seconds(60) {
            entries[failure.code]?.count = count
            return nil
        }
        entries[failure.code] = Entry(count: 0, toldAt: now)
        return Told(failure: failure, source: source, count: count, isFirst: entry == nil)
    }
}

extension Failure {
    /// A connection that ended as connections do.
    var isOrdinary: Bool {
        switch code {
        case .unreachable, .superseded, .silentPeer, .shuttingDown, .busy, .moved: fault != .time
        default: false
        }
    }
}
