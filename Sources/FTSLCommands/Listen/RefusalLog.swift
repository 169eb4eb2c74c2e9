internal import FTSLCore

extension Failure {
    /// A connection that ended as connections do.
    var isOrdinary: Bool {
        switch code {
        case .unreachable, .superseded, .silentPeer, .shuttingDown, .busy: fault != .time
        default: false
        }
    }
}

/// Counts refusals of a kind and lets one line a minute through.
struct RefusalLog {
    private struct Entry {
        var count: UInt64
        var toldAt: Instant
    }

    private var entries: [FailureCode: Entry] = [:]

    mutating func line(for failure: Failure, now: Instant) -> String? {
        guard var entry = entries[failure.code] else {
            entries[failure.code] = Entry(count: 0, toldAt: now)
            return "refused a connection: \(failure.text)"
        }
        entry.count += 1
        defer { entries[failure.code] = entry }
        guard now.since(entry.toldAt) >= .seconds(60) else { return nil }
        defer {
            entry.count = 0
            entry.toldAt = now
        }
        return "refused \(entry.count) more connections: \(failure.text)"
    }
}
