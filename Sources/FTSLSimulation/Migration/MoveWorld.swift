internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// Hosts that give each other what they serve, with clients, senders, disks and a network, in
/// virtual time. One seed, one course of events.
package final class MoveWorld {
    package let scenario: MoveScenario
    let mutation: MoveMutation?
    var now: UInt64 = 0
    private var queue = EventQueue<() -> Void>()
    var rng: SimulationRandom
    package internal(set) var trace: Trace
    var checker = Checker()

    var hosts: [MovingHost] = []
    var dialers: [Dialer] = []
    var clients: [StreamClient] = []
    var senders: [Sender] = []
    var links: [Link] = []
    /// Nothing gets from the first to the second, or to anybody.
    var partitions: [(a: Int, b: Int?, until: UInt64)] = []
    /// Faults that wait for a step.
    var waitingFaults: [Int] = []
    /// What applications left, and inboxes on their way: images carry their numbers.
    var checkpoints: [UInt64: Application.Checkpoint] = [:]
    var cargo: [UInt64: InboxTables] = [:]
    private var tokens: UInt64 = 0
    /// The connection whose bytes a host is reading.
    var proving: Link?
    /// From here on nothing more goes wrong.
    var quietSince: UInt64 = 0
    var pendingMoves = 0
    var ghost = MoveGhost()

    package init(
        _ scenario: MoveScenario, mutation: MoveMutation? = nil, keepingLines: Bool = false
    ) {
        self.scenario = scenario
        self.mutation = mutation
        trace = Trace(keepingLines: keepingLines)
        rng = SimulationRandom(seed: scenario.seed ^ 0x5EED_5EED_5EED_5EED)
        for index in 0..<scenario.hosts {
            let inbox = InboxTables(id: .random(using: &rng))
            let host = MovingHost(index: index, core: makeCore(index), inbox: inbox)
            hosts.append(host)
            openInbox(of: host)
        }
        for index in scenario.clients.indices { addClient(index) }
        for index in scenario.senders.indices { addSender(index) }
        plan()
    }

    private func plan() {
        let submissions = scenario.senders.flatMap(\.submissions).map(\.time)
        let times = submissions + scenario.moves.map(\.time)
        quiet(after: times.max() ?? 0)
        for move in scenario.moves {
            pendingMoves += 1
            at(nanoseconds(move.time)) { [unowned self] in
                pendingMoves -= 1
                migrate(hosts[move.source], to: move.target)
            }
        }
        for (index, fault) in scenario.faults.enumerated() {
            if case .time(let milliseconds) = fault.trigger {
                at(nanoseconds(milliseconds)) { [unowned self] in strike(fault.effect) }
            } else {
                waitingFaults.append(index)
            }
        }
    }

    func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(max(0, milliseconds)) * 1_000_000 }

    func fail(_ invariant: Checker.Invariant, _ text: String) { checker.fail(invariant, text) }

    func nextToken() -> UInt64 {
        tokens += 1
        return tokens
    }

    // MARK: Time

    func at(_ time: UInt64, _ body: @escaping () -> Void) { queue.push(body, at: max(now, time)) }

    func after(_ delay: UInt64, _ body: @escaping () -> Void) { at(now + delay, body) }

    /// As `after`, unless the host's process is another by then.
    func after(_ delay: Duration, of host: MovingHost, _ body: @escaping () -> Void) {
        let life = host.life
        after(delay.wholeNanoseconds) { if host.life == life, host.isUp { body() } }
    }

    /// Nothing is due before; called whenever a deadline may have come nearer.
    func schedule(
        _ process: Process, deadline: Instant, _ body: @escaping (Instant) -> Void
    ) {
        let time = process.worldTime(deadline)
        guard time < process.timerAt else { return }
        process.timerAt = max(time, now)
        process.timerSerial += 1
        let serial = process.timerSerial
        at(process.timerAt) { [unowned self] in
            guard serial == process.timerSerial else { return }
            process.timerAt = .max
            body(process.clock(now))
        }
    }

    // MARK: Running

    /// Runs to the end and says how it went.
    package func run() -> MoveReport {
        let patience = nanoseconds(scenario.patience)
        var steps = 0
        while checker.failure == nil, let time = queue.nextTime, let (_, event) = queue.pop() {
            now = time
            event()
            steps += 1
            if steps % 16 == 0, unfinished == nil { break }
            if now > quietSince + patience {
                guard let left = unfinished else { break }
                fail(.live, "not done \(scenario.patience / 1_000) s later: \(left)")
            }
            if trace.events > 2_000_000 { fail(.live, "endless activity") }
        }
        if checker.failure == nil { checkEndings() }
        // Events refer to the world, and the world to them.
        queue = EventQueue()
        for host in hosts { forget(host) }
        for dialer in dialers { forget(dialer) }
        return MoveReport(
            seed: scenario.seed, violation: checker.failure, digest: trace.digest,
            events: trace.events, duration: now, moved: ghost.decided.count,
            lines: trace.lines)
    }

    private func forget(_ host: MovingHost) {
        for talk in host.talks.values { talk.forget() }
        host.departure = nil
        host.arrivals = [:]
        host.questions = [:]
        host.core.makePort = nil
        host.disk.jobs = []
    }

    func forget(_ dialer: Dialer) {
        dialer.isGone = true
        dialer.onOpened = nil
        dialer.onEvent = nil
        dialer.onAttached = nil
        dialer.onDetached = nil
        dialer.onEnded = nil
        dialer.drainPort = nil
    }

    /// What is still to be waited for; nil: nothing.
    private var unfinished: String? {
        if pendingMoves > 0 { return "moves" }
        for host in hosts {
            if !host.isUp { return "host \(host.index)" }
            if host.isMoving { return "what host \(host.index) gives" }
            if !host.arrivals.values.allSatisfy(\.isOver) { return "what comes to \(host.index)" }
            if !host.questions.isEmpty { return "a question of host \(host.index)" }
            if host.core.absenceOfInbox != nil { return "the inbox of host \(host.index)" }
        }
        for client in clients where client.ending == nil { return standing(of: client) }
        for sender in senders where sender.stopped == nil && !sender.isDrained {
            return "sender \(sender.index)"
        }
        return nil
    }
}

extension MoveWorld {
    private func standing(of client: StreamClient) -> String {
        var text = "client \(client.index)"
        for end in [client.application, client.services.last] {
            guard let end else { continue }
            text += "; \(end.role)"
            for writer in end.writers {
                text += " wrote \(writer.written) of \(writer.script.total)"
                text += writer.ended ? ", end" : ""
            }
            for reader in end.readers {
                text += " took \(reader.taken)\(reader.endTaken ? ", end" : "")"
            }
            text += end.session.outcome == nil ? "" : " has its outcome"
        }
        return text
    }
}

/// How one run went.
package struct MoveReport: Sendable {
    package var seed: UInt64
    package var violation: Checker.Violation?
    package var digest: UInt64
    package var events: UInt64
    /// Virtual nanoseconds until all was done.
    package var duration: UInt64
    /// Tickets that were decided for their target.
    package var moved: Int
    /// Everything that happened, if it was asked for.
    package var lines: [String]?
}
