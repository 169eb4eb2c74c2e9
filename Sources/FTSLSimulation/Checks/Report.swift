package import FTSLCore

/// How one run went.
package struct Report: Sendable {
    package struct Client: Sendable {
        package var outcome: Outcome?
        package var failure: Failure?
        /// One for each time its service was started; nil: the process died, or nothing was known.
        package var services: [Outcome?]
        /// Bytes that arrived, handshakes and all, over all connections.
        package var up: UInt64
        package var down: UInt64
        /// Virtual nanoseconds of each attachment and each loss of one.
        package var attachedAt: [UInt64]
        package var detachedAt: [UInt64]
        package var endedAt: UInt64
        /// Most bytes the initiator ever retained.
        package var peakRetained: Int
    }

    package var seed: UInt64
    package var violation: Checker.Violation?
    package var digest: UInt64
    package var events: UInt64
    /// Virtual nanoseconds until all was over.
    package var duration: UInt64
    package var clients: [Client]
    /// Everything that happened, if it was asked for.
    package var lines: [String]?

    package func mentions(_ text: String) -> Bool {
        lines?.contains { $0.contains(text) } ?? false
    }
}

extension World {
    func report() -> Report {
        let clients = initiators.map { process in
            Report.Client(
                outcome: process.ending?.outcome, failure: process.ending?.failure,
                services: services[process.client].map(\.outcome),
                up: paths[process.client].delivered[.up, default: 0],
                down: paths[process.client].delivered[.down, default: 0],
                attachedAt: process.attachedTimes, detachedAt: process.detachedTimes,
                endedAt: process.endedAt, peakRetained: process.peakRetained)
        }
        return Report(
            seed: scenario.seed, violation: checker.failure, digest: trace.digest,
            events: trace.events, duration: now, clients: clients, lines: trace.lines)
    }
}
