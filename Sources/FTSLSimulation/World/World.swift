internal import FTSLCore
internal import NIOCore

/// A whole network with its processes, in virtual time. One seed, one course of events.
package final class World {
    package let scenario: Scenario
    let mutation: Mutation?
    var now: UInt64 = 0
    var queue = EventQueue<Event>()
    var rng: SimulationRandom
    package internal(set) var trace: Trace
    var checker = Checker()

    var initiators: [InitiatorProcess] = []
    var acceptor: AcceptorProcess
    /// The service runs of each client, over all incarnations of the acceptor.
    var services: [[ServiceRun]]
    var links: [Link] = []
    var paths: [NetworkPath]
    /// Faults that faults lead to; their events carry negative numbers.
    var laterFaults: [Fault] = []
    var attacks: [AttackRun] = []
    /// The connection whose bytes the acceptor is reading.
    var proving: Link?
    /// Faults that wait for a number of bytes, per client and direction.
    var byteFaults: [Int] = []
    /// From here on nothing more goes wrong.
    var quietSince: UInt64 = 0
    var restarts = 0
    /// Time during which clients could not reach the acceptor, all faults together.
    var outage: UInt64 = 0

    /// What the network does to one client.
    struct NetworkPath {
        var refusedUntil: UInt64 = 0
        var unreachableUntil: UInt64 = 0
        var slowUntil: UInt64 = 0
        var slowBy: UInt64 = 0
        var delivered: [Direction: UInt64] = [.up: 0, .down: 0]
    }

    struct ServiceRun {
        let id: SessionID
        let incarnation: Int
        let application: Application
        var outcome: Outcome?
        var settledAt: UInt64 = 0
    }

    package init(_ scenario: Scenario, mutation: Mutation? = nil, keepingLines: Bool = false) {
        self.scenario = scenario
        self.mutation = mutation
        trace = Trace(keepingLines: keepingLines)
        var rng = SimulationRandom(seed: scenario.seed ^ 0x5EED_5EED_5EED_5EED)
        acceptor = Self.makeAcceptor(scenario, incarnation: 0, rng: rng.split())
        for (client, settings) in scenario.clients.enumerated() {
            var configuration = InitiatorConfiguration()
            configuration.limits = settings.limits
            configuration.maxWindow = settings.maxWindow
            configuration.retryFirst = true
            configuration.linger = scenario.linger
            configuration.giveUpAfter = scenario.giveUpAfter
            let core = Initiator(configuration: configuration, rng: rng.split())
            initiators.append(InitiatorProcess(client: client, core: core))
        }
        self.rng = rng
        paths = scenario.clients.map { _ in NetworkPath() }
        services = scenario.clients.map { _ in [] }
        for (client, settings) in scenario.clients.enumerated() {
            queue.push(.start(client: client), at: UInt64(settings.start) * 1_000_000)
        }
        for (index, fault) in scenario.plan.faults.enumerated() {
            guard scenario.clients.indices.contains(fault.client) else { continue }
            switch fault.trigger {
            case .time(let milliseconds):
                queue.push(.fault(index), at: UInt64(max(0, milliseconds)) * 1_000_000)
            case .bytes: byteFaults.append(index)
            case .commit: break
            }
        }
    }

    static func makeAcceptor(
        _ scenario: Scenario, incarnation: Int, rng: SimulationRandom
    ) -> AcceptorProcess {
        var rng = rng
        var configuration = AcceptorConfiguration()
        configuration.flags = scenario.flags
        configuration.limits = scenario.acceptorLimits
        configuration.maxWindow = scenario.acceptorMaxWindow
        configuration.maxMemory = scenario.maxMemory
        configuration.sharedWindow = scenario.sharedWindow
        let host = HostIdentity(generation: .first, instance: rng.next())
        let core = Acceptor(configuration: configuration, host: host, rng: rng)
        return AcceptorProcess(core: core, incarnation: incarnation)
    }

    // MARK: Running

    /// Runs to the end and says how it went.
    package func run() -> Report {
        run(until: .max)
        if checker.failure == nil, !isFinished {
            checker.fail(.live, "nothing more would happen, and not all is over")
        }
        if checker.failure == nil { checkEndings() }
        return report()
    }

    /// Runs until a moment, for a look at the state things are in then.
    package func run(until end: UInt64) {
        let patience = UInt64(scenario.patience ?? 1_000_000) * 1_000_000
        while checker.failure == nil, !isFinished, let time = queue.nextTime, time <= end,
            let (_, event) = queue.pop()
        {
            now = time
            if let process = owner(of: event), process.pausedUntil > now {
                queue.push(event, at: process.pausedUntil)
                continue
            }
            handle(event)
            if now > quietSince + patience {
                checker.fail(.live, "not over \(patience / 1_000_000_000) s after the last fault")
            }
            if trace.events > 3_000_000 { checker.fail(.live, "endless activity") }
        }
    }

    /// Bytes that the client's application has written to channel 0 so far.
    package func written(by client: Int) -> UInt64 {
        initiators[client].application?.writers[0].written ?? 0
    }

    private var isFinished: Bool {
        initiators.allSatisfy { $0.ending != nil } && acceptor.core.sessionIDs.isEmpty
    }

    private func owner(of event: Event) -> Process? {
        switch event {
        case .start(let client): initiators[client]
        case .accepted: acceptor
        case .connected(let link), .dialFailed(let link):
            links[link].client.map { initiators[$0] }
        case .deliver(let link, let direction): process(direction.receiver, of: links[link])
        case .notice(let link, let role): process(role, of: links[link])
        case .timer(let role, let client, _), .wake(let role, let client, _, _):
            role == .initiator ? initiators[client] : acceptor
        case .fault, .attack: nil
        case .closed: acceptor
        }
    }

    private func process(_ role: Role, of link: Link) -> Process? {
        role == .acceptor ? acceptor : link.client.map { initiators[$0] }
    }

    private func handle(_ event: Event) {
        switch event {
        case .start(let client):
            trace.note(now, "start", UInt64(client))
            initiators[client].core.start(now: initiators[client].clock(now))
            pump(initiators[client])
        case .accepted(let link): accepted(links[link])
        case .connected(let link): connected(links[link])
        case .dialFailed(let link): dialFailed(links[link])
        case .deliver(let link, let direction): deliver(links[link], direction)
        case .notice(let link, let role): notice(links[link], role)
        case .timer(let role, let client, let serial):
            if role == .initiator {
                timer(initiators[client], serial)
            } else {
                acceptorTimer(serial)
            }
        case .wake(let role, let client, let wake, let life): woken(role, client, wake, life)
        case .fault(let index):
            strike(index < 0 ? laterFaults[-index - 1] : scenario.plan.faults[index])
        case .attack(let index): continueAttack(index)
        case .closed(let link): closed(links[link])
        }
    }

    /// Nothing is due before; called whenever a core's deadline may have come nearer.
    func schedule(_ process: Process, deadline: Instant) {
        let time = process.worldTime(deadline)
        guard time < process.timerAt else { return }
        process.timerAt = max(time, now)
        process.timerSerial += 1
        queue.push(
            .timer(process.role, client: process.client, serial: process.timerSerial),
            at: process.timerAt)
    }

    func sleep(_ application: Application) {
        for (wake, after) in application.wakes {
            queue.push(
                .wake(
                    application.role, client: application.client, wake, life: application.life),
                at: now + after)
        }
        application.wakes.removeAll()
    }

    private func woken(_ role: Role, _ client: Int, _ wake: Application.Wake, _ life: Int) {
        if role == .initiator {
            let process = initiators[client]
            guard let application = process.application else { return }
            application.woken(wake, now: process.clock(now))
            sleep(application)
            process.core.touched(now: process.clock(now))
            pump(process)
        } else {
            guard services[client].indices.contains(life) else { return }
            let run = services[client][life]
            guard !run.application.isDead else { return }
            run.application.woken(wake, now: acceptor.clock(now))
            sleep(run.application)
            acceptor.touched(run.id, now: now)
            pumpAcceptor()
        }
        inspect(client)
    }
}
