internal import FTSLCore
internal import NIOCore

/// Producers with outboxes, an inbox, its consumers, their disks and the network between them, in
/// virtual time. One seed, one course of events.
package final class MessageWorld {
    package let scenario: MessageScenario
    let mutation: MessageMutation?
    var now: UInt64 = 0
    var queue = EventQueue<MessageEvent>()
    var rng: SimulationRandom
    package internal(set) var trace: Trace
    var checker: MessageChecker

    var host: HostProcess
    var clients: [ClientProcess] = []
    var inbox: FakeDisk<InboxTables>
    var links: [Link] = []
    var paths: [World.NetworkPath]
    /// Faults that faults lead to; their events carry negative numbers.
    var laterFaults: [Fault] = []
    /// The connection whose bytes the host is reading.
    var proving: Link?
    /// Faults that wait for a number of bytes or of commits.
    var waitingFaults: [Int] = []
    /// From here on nothing more goes wrong.
    var quietSince: UInt64 = 0
    /// Submissions and wishes that are still to come.
    var unsubmitted = 0
    private var nextSubmission: UInt64 = 1 << 40
    var submissions: [StoreRequestID: (client: Int, submission: Int)] = [:]
    private var steps = 0
    /// Answers that a mutation gave before their time.
    var answeredEarly: Set<StoreRequestID> = []

    package init(
        _ scenario: MessageScenario, mutation: MessageMutation? = nil, keepingLines: Bool = false
    ) {
        self.scenario = scenario
        self.mutation = mutation
        trace = Trace(keepingLines: keepingLines)
        var rng = SimulationRandom(seed: scenario.seed ^ 0x5EED_5EED_5EED_5EED)
        inbox = FakeDisk(Self.makeInbox(scenario, mutation, using: &rng))
        host = Self.makeHost(scenario, inbox.tables.identity, incarnation: 0, rng: rng.split())
        paths = scenario.shapes.map { _ in World.NetworkPath() }
        checker = MessageChecker(scenario)
        for client in scenario.shapes.indices {
            let process = ClientProcess(client: client)
            if client < scenario.producers.count {
                process.outbox = FakeDisk(OutboxTables(rng: rng.split()))
            }
            clients.append(process)
        }
        self.rng = rng
        serve()
        plan()
    }

    private func plan() {
        for (client, producer) in scenario.producers.enumerated() {
            queue.push(.start(client), at: 0)
            unsubmitted += producer.submissions.count
            for (index, submission) in producer.submissions.enumerated() {
                queue.push(.submit(client, submission: index), at: nanoseconds(submission.time))
            }
        }
        for (index, consumer) in scenario.consumers.enumerated() {
            queue.push(
                .start(scenario.producers.count + index), at: nanoseconds(consumer.start))
        }
        for (index, fault) in scenario.plan.faults.enumerated() {
            guard clients.indices.contains(fault.client) else { continue }
            if case .time(let milliseconds) = fault.trigger {
                queue.push(.fault(index), at: nanoseconds(milliseconds))
            } else {
                waitingFaults.append(index)
            }
        }
    }

    func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(max(0, milliseconds)) * 1_000_000 }

    func fail(_ invariant: Checker.Invariant, _ text: String) { checker.fail(invariant, text) }

    // MARK: Running

    /// Runs to the end and says how it went.
    package func run() -> MessageReport {
        run(until: .max)
        if checker.failure == nil, !isFinished {
            fail(.live, "nothing more would happen, and not all is done: \(unfinished ?? "")")
        }
        return MessageReport(
            seed: scenario.seed, violation: checker.failure, digest: trace.digest,
            events: trace.events, duration: now,
            stored: checker.storedCount, lines: trace.lines)
    }

    /// Runs until a moment, for a look at the state things are in then, or for a change of it.
    package func run(until end: UInt64) {
        let patience = nanoseconds(scenario.patience)
        while checker.failure == nil, !isOver, let time = queue.nextTime, time <= end,
            let (_, event) = queue.pop()
        {
            now = time
            if let process = owner(of: event), process.pausedUntil > now {
                queue.push(event, at: process.pausedUntil)
                continue
            }
            handle(event)
            if now > quietSince + patience {
                let left = unfinished ?? ""
                fail(.live, "not done \(scenario.patience / 1_000) s after the last fault: \(left)")
            }
            if trace.events > 2_000_000 { fail(.live, "endless activity") }
        }
        if end < .max { now = max(now, end) }
    }

    /// Looked at now and then: whether all is done takes longer to see than an event.
    private var isOver: Bool {
        steps += 1
        return steps % 16 == 0 && isFinished
    }

    private func owner(of event: MessageEvent) -> Process? {
        switch event {
        case .start, .fault, .submit, .cancel, .commit, .read: nil
        case .accepted, .closed: host
        case .connected(let link), .dialFailed(let link): process(.initiator, of: links[link])
        case .deliver(let link, let direction): process(direction.receiver, of: links[link])
        case .notice(let link, let role): process(role, of: links[link])
        case .timer(let process, _), .answers(let process, _), .redial(let process, _),
            .wake(let process, _, _):
            self.process(process)
        }
    }

    func process(_ number: Int) -> Process { number < 0 ? host : clients[number] }

    private func process(_ role: Role, of link: Link) -> Process? {
        role == .acceptor ? host : link.client.map { clients[$0] }
    }

    private func handle(_ event: MessageEvent) {
        switch event {
        case .start(let client): if client < 0 { startHost() } else { start(client) }
        case .accepted(let link): accepted(links[link])
        case .connected(let link): connected(links[link])
        case .dialFailed(let link): dialFailed(links[link])
        case .deliver(let link, let direction): deliver(links[link], direction)
        case .notice(let link, let role): notice(links[link], role)
        case .closed(let link): closed(links[link])
        case .timer(let process, let serial):
            if process < 0 { hostTimer(serial) } else { timer(clients[process], serial) }
        case .commit(let process, let epoch): committed(process, epoch)
        case .read(let process, let epoch): hasRead(process, epoch)
        case .answers(let process, let epoch): answers(process, epoch)
        case .redial(let client, let life):
            if clients[client].life == life, clients[client].isUp { dial(clients[client]) }
        case .submit(let client, let submission): submit(client, submission)
        case .cancel(let client, let place): cancel(client, place)
        case .wake(let client, let life, let wake):
            if clients[client].life == life, clients[client].isUp { woken(clients[client], wake) }
        case .fault(let index):
            strike(index < 0 ? laterFaults[-index - 1] : scenario.plan.faults[index])
        }
    }

    /// Nothing is due before; called whenever a deadline may have come nearer.
    func schedule(_ process: Process, deadline: Instant) {
        let time = process.worldTime(deadline)
        guard time < process.timerAt else { return }
        process.timerAt = max(time, now)
        process.timerSerial += 1
        queue.push(
            .timer(process.client, serial: process.timerSerial), at: process.timerAt)
    }

    func submissionID() -> StoreRequestID {
        nextSubmission += 1
        return StoreRequestID(value: nextSubmission)
    }
}

/// How one run went.
package struct MessageReport: Sendable {
    package var seed: UInt64
    package var violation: Checker.Violation?
    package var digest: UInt64
    package var events: UInt64
    /// Virtual nanoseconds until all was done.
    package var duration: UInt64
    package var stored: Int
    /// Everything that happened, if it was asked for.
    package var lines: [String]?
}
