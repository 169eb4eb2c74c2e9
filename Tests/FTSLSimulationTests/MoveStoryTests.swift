import FTSLCore
import FTSLSimulation
import TestSupport
import Testing

/// Hosts that move, step by step and fault by fault; each story was a bug, or is one of a mutation.
@Suite("Moves step by step [FTSL §10.5]", .computing)
struct MoveStoryTests {
    typealias Effect = MoveFault.Effect

    /// Two clients whose streams go on for three seconds, and a sender; host 0 leaves meanwhile.
    private static func scenario(_ faults: [MoveFault]) -> MoveScenario {
        var scenario = MoveScenario(seed: 9, hosts: 2)
        scenario.maxPause = 2_000
        scenario.unused = 100
        for index in 0..<2 {
            var up = Script(write: WriteScript(total: 6_000, chunk: 400))
            up.write.pause = 100
            up.read.chunk = 700
            up.read.pause = 40
            var down = up
            down.write.endsLast = index == 1
            scenario.clients.append(
                MovingClient(ClientScenario(initiator: up, acceptor: down), endpoints: [0]))
        }
        var sender = ProducerScenario()
        for number in UInt64(1)...12 {
            let message = PlannedMessage(number: number, topic: "a", size: 300)
            sender.submissions.append(
                PlannedSubmission(time: Int(number) * 400, messages: [message]))
        }
        scenario.senders = [sender]
        scenario.moves = [PlannedMove(time: 700, from: 0, to: 1)]
        scenario.faults = faults
        return scenario
    }

    private func run(
        _ faults: [MoveFault], mutation: MoveMutation? = nil
    ) -> MoveReport {
        MoveWorld(Self.scenario(faults), mutation: mutation).run()
    }

    @Test("Without a fault everything moves")
    func plain() {
        let report = run([])
        #expect(report.violation == nil && report.moved == 1)
    }

    static func effects(on host: Int) -> [Effect] {
        [
            .crash(host, 0), .crash(host, 3_000), .crash(host, 14_000), .cut(0, 1),
            .partition(0, 1, 1_500), .partition(0, 1, 15_000), .partition(host, 2, 5_000),
            .slowDisk(host, by: 1_500, 5_000), .full(host, 2_500), .abort(0),
        ]
    }

    @Test("Any fault at any step of either host breaks nothing", arguments: 0...1)
    func everyStep(_ host: Int) {
        for step in 1...16 {
            for effect in Self.effects(on: host) {
                let fault = MoveFault(.step(host: host, step, later: 0), effect)
                let report = run([fault])
                #expect(report.violation == nil, "\(fault)")
            }
        }
    }

    @Test("Both hosts die at any step of either, and whoever is back first asks the other")
    func bothDie() {
        for host in 0...1 {
            for step in 1...16 {
                for (a, b) in [(0, 0), (200, 4_000), (4_000, 200)] {
                    let at = MoveFault.Trigger.step(host: host, step, later: 0)
                    let report = run([
                        MoveFault(at, .crash(0, a)), MoveFault(at, .crash(1, b)),
                    ])
                    #expect(report.violation == nil, "step \(step) of \(host): \(a), \(b)")
                }
            }
        }
    }

    /// Mistakes that seeds of a few hundred do not meet: two faults in the right order do.
    @Test(
        "A mistake that one fault does not show, two do",
        arguments: [
            MoveMutation.forgetsThaw, .thawsEarly, .decidesInMemory, .servesUndecided,
        ])
    func twoFaults(_ mutation: MoveMutation) {
        let first: [Effect] = [
            .partition(0, 1, 6_000), .partition(0, 1, 1_500), .crash(1, 3_000), .abort(0),
            .full(0, 2_500),
        ]
        let second: [Effect] = [.crash(0, 500), .crash(0, 4_000), .cut(0, 1)]
        for step in 1...12 {
            for begin in first {
                for end in second {
                    for later in [0, 1, 50, 400, 1_500, 2_500] {
                        let at = MoveFault.Trigger.step(host: step % 2, step, later: 0)
                        let then = MoveFault.Trigger.step(host: step % 2, step, later: later)
                        let faults = [
                            MoveFault(at, .slowDisk(0, by: 300, 4_000)), MoveFault(at, begin),
                            MoveFault(then, end),
                        ]
                        if run(faults, mutation: mutation).violation != nil { return }
                    }
                }
            }
        }
        Issue.record("\(mutation) survived")
    }

    /// The source said *aborted*, and its clients went on, before *thawed* was on disk: a process
    /// after it decided for the target, and what had been accepted meanwhile was gone.
    @Test("A source that goes on has that on its disk first")
    func thawedFirst() {
        for later in stride(from: 0, through: 2_400, by: 300) {
            let faults = [
                MoveFault(.step(host: 1, 7, later: 0), .partition(0, 1, 6_000)),
                MoveFault(.step(host: 0, 7, later: 0), .slowDisk(0, by: 2_500, 20_000)),
                MoveFault(.step(host: 0, 8, later: later), .crash(0, 500)),
            ]
            #expect(run(faults).violation == nil)
        }
    }

    /// The source waited for ever for the word of a target that had died while it decided.
    @Test("A target that dies while its source decides holds nobody up")
    func targetDiesMeanwhile() {
        let report = run([
            MoveFault(.time(700), .slowDisk(0, by: 1_500, 8_000)),
            MoveFault(.step(host: 1, 8, later: 10), .crash(1, 100)),
        ])
        #expect(report.violation == nil)
        #expect(report.moved == 1)
    }

    /// A source that had thawed after a restart did not ask whether its target was started by hand.
    @Test("A source that was overruled while it was away gives way", arguments: [false, true])
    func overruled(_ evenIfAlive: Bool) {
        let at = MoveFault.Trigger.step(host: 1, 8, later: 0)
        let report = run([
            MoveFault(at, .partition(0, 1, 25_000)), MoveFault(at, .crash(0, 1_000)),
            MoveFault(at, .resolve(1, evenIfAlive: evenIfAlive)),
        ])
        #expect(report.violation == nil)
    }

    /// Seed 192198734933898: a source that had rolled back moved on to a third host before its first
    /// target, cut off, was started by hand; both served the inbox for good, at one generation.
    @Test("A target that was started by hand gives way to where its source went meanwhile")
    func overruledLate() {
        for crashes in [false, true] {
            let report = MoveWorld(Self.movedOn(crashes)).run()
            #expect(report.violation == nil, "\(crashes)")
            #expect(report.moved == 1)
        }
        for mutation in [MoveMutation.reusesGeneration, .forgetsOverruled] {
            let report = MoveWorld(Self.movedOn(false), mutation: mutation).run()
            #expect(report.violation?.invariant == .oneOwner, "\(mutation)")
        }
    }

    private static func movedOn(_ crashes: Bool) -> MoveScenario {
        let at = MoveFault.Trigger.step(host: 1, 8, later: 0)
        var scenario = scenario([
            MoveFault(at, .partition(0, 1, 20_000)),
            MoveFault(at, .resolve(1, evenIfAlive: false)),
        ])
        if crashes { scenario.faults.append(MoveFault(.time(14_000), .crash(0, 1_000))) }
        scenario.hosts = 3
        scenario.moves.append(PlannedMove(time: 4_000, from: 0, to: 2))
        return scenario
    }
}
