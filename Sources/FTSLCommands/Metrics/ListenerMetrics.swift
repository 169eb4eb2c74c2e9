internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import Glibc

/// Counts what happens at a listener, and writes it down when somebody asks.
final class ListenerMetrics {
    private unowned let listener: Listener
    private var opened: UInt64 = 0
    private var ended: [String: UInt64] = [:]
    private var attachments: UInt64 = 0
    private var reconnects: UInt64 = 0
    private var disconnects: UInt64 = 0
    private var migrations: [String: UInt64] = ["moved": 0, "rolled_back": 0]
    private var latency = DurationHistogram([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ])
    private var pause = DurationHistogram([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
    /// Sessions that are served, and the bytes of those that no longer are.
    private var sessions: [SessionID: Session] = [:]
    private var past = StreamTotals()

    init(_ listener: Listener) { self.listener = listener }

    // MARK: What happens

    func observe(_ event: AcceptorEvent) {
        switch event {
        case .confirmed(let id):
            opened += 1
            note(id)
        case .adopted(let id): note(id)
        case .attached(_, _, let resumed):
            attachments += 1
            if resumed { reconnects += 1 }
        case .detached: disconnects += 1
        case .ended(let id, let outcome):
            ended[SessionMonitor.name(of: outcome), default: 0] += 1
            forget(id)
        case .departed(let id): forget(id)
        case .close, .activity, .wrote, .forgotten: break
        }
    }

    private func note(_ id: SessionID) { sessions[id] = listener.driver?.acceptor.session(id) }

    private func forget(_ id: SessionID) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        past.add(session)
    }

    func stored(within duration: Duration) { latency.observe(duration) }

    func moved(paused duration: Duration) {
        migrations["moved", default: 0] += 1
        pause.observe(duration)
    }

    func rolledBack() { migrations["rolled_back", default: 0] += 1 }

    // MARK: What is told

    var text: String {
        var page = MetricsPage()
        page.add(
            .build,
            labels: [
                ("version", CommandLineTool.version), ("name", listener.control?.name ?? ""),
                ("service", listener.options.moves.service),
            ])
        addSessions(to: &page)
        addStreams(to: &page)
        addInbox(to: &page)
        page.add(.migrations, migrations)
        page.add(.pause, pause)
        addProcess(to: &page)
        return page.text
    }

    private func addSessions(to page: inout MetricsPage) {
        guard let acceptor = listener.driver?.acceptor else { return }
        let attached = acceptor.attachedSessions
        page.add(.draining, acceptor.isDraining ? 1 : 0)
        page.add(
            .sessions,
            [
                "attached": UInt64(attached),
                "parked": UInt64(max(0, acceptor.activeSessions - attached)),
            ])
        page.add(.tombstones, UInt64(acceptor.tombstones))
        page.add(.signposts, UInt64(acceptor.signpostCount))
        page.add(.unproven, UInt64(acceptor.unprovenConnections))
        page.add(.opened, opened)
        page.add(.ended, ended)
        page.add(.attachments, attachments)
        page.add(.reconnects, reconnects)
        page.add(.disconnects, disconnects)
        page.add(
            .refusals, Dictionary(uniqueKeysWithValues: acceptor.refusals.map { ($0.name, $1) }))
        page.add(.reserved, acceptor.reservedMemory)
    }

    private func addStreams(to page: inout MetricsPage) {
        var totals = past
        var unacknowledged: UInt64 = 0
        var untaken: UInt64 = 0
        for session in sessions.values {
            totals.add(session)
            unacknowledged += session.sendingChannels.reduce(0) { $0 + $1.unacknowledged }
            untaken += session.receivingChannels.reduce(0) { $0 + $1.buffered }
        }
        page.add(.received, totals.received)
        page.add(.sent, totals.sent)
        page.add(.replayed, totals.replayed)
        page.add(.unacknowledged, unacknowledged)
        page.add(.untaken, untaken)
    }

    private func addInbox(to page: inout MetricsPage) {
        // Also right after it moved away: counters do not come and go.
        guard listener.options.messages.inbox != nil else { return }
        let inbox = listener.inbox
        let contents = inbox?.store.contents ?? InboxContents()
        let statistics = inbox?.store.statistics ?? StoreStatistics()
        let counts = inbox?.counts ?? InboxCounts()
        page.add(.lanes, UInt64(inbox?.laneCount ?? 0))
        page.add(.accepted, counts.accepted)
        page.add(.rejected, counts.rejected)
        page.add(.stored, contents.messages)
        page.add(.storedBytes, contents.bytes)
        page.add(.cursors, contents.cursors)
        page.add(.dead, contents.deadLetters)
        page.add(.commits, statistics.commits)
        page.add(.failures, statistics.failures)
        page.add(.latency, latency)
    }

    private func addProcess(to page: inout MetricsPage) {
        let usage = ProcessUsage.now
        page.add(.memory, usage.residentBytes)
        page.add(.descriptors, usage.descriptors)
        page.add(.processor, seconds: usage.processorSeconds)
    }
}

/// Bytes of streams, each counted once but for those that were sent again.
private struct StreamTotals {
    var received: UInt64 = 0
    var sent: UInt64 = 0
    var replayed: UInt64 = 0

    mutating func add(_ session: Session) {
        received += session.receivingChannels.reduce(0) { $0 + $1.bytesReceived }
        sent += session.sendingChannels.reduce(0) { $0 + min($1.sentHigh, $1.end) }
        replayed += session.sendingChannels.reduce(0) { $0 + $1.replayed }
    }
}

/// What the system says of this process.
struct ProcessUsage {
    var residentBytes: UInt64 = 0
    var descriptors: UInt64 = 0
    var processorSeconds = 0.0

    static var now: ProcessUsage {
        var usage = ProcessUsage()
        var times = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &times) == 0 {
            usage.processorSeconds = [times.ru_utime, times.ru_stime].reduce(0) {
                $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
            }
        }
        if let file = fopen("/proc/self/statm", "re") {
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 256)
            if fgets(&line, CInt(line.count), file) != nil {
                let bytes = line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
                let text = String(decoding: bytes, as: UTF8.self)
                let pages = text.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }
                usage.residentBytes = (pages ?? 0) * UInt64(max(0, sysconf(CInt(_SC_PAGESIZE))))
            }
        }
        usage.descriptors = UInt64(OpenDescriptors.all().count)
        return usage
    }
}
