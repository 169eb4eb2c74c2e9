import FTSLCore
import FTSLSimulation
import Testing

extension Scenario {
    /// A short conversation in which everything happens: data both ways, standard error, both ends,
    /// EXIT.
    static func small(seed: UInt64 = 7, up: UInt64 = 90, down: UInt64 = 110) -> Scenario {
        var initiator = Script(write: WriteScript(total: up, chunk: 60))
        initiator.write.pause = 3
        var acceptor = Script(write: WriteScript(total: down, chunk: 60))
        acceptor.write.endsLast = true
        acceptor.writeError = WriteScript(total: 20, chunk: 15)
        var client = ClientScenario(initiator: initiator, acceptor: acceptor)
        client.limits = SessionLimits(heartbeat: .seconds(1), sessionTimeout: .seconds(300))
        var scenario = Scenario(seed: seed, clients: [client])
        scenario.flags = [.exitStatus, .standardError]
        scenario.acceptorLimits = client.limits
        return scenario
    }

    /// A transfer that takes a while: `seconds` on a line of 100 kB/s with 5 ms latency.
    static func transfer(seconds: Int, seed: UInt64 = 3) -> Scenario {
        let total = UInt64(seconds) * 100_000
        var client = ClientScenario(
            initiator: Script(write: WriteScript(total: total, chunk: 8_192)),
            acceptor: Script(write: WriteScript(total: 1_000)))
        client.shape.latency = 5_000_000
        client.shape.nanosecondsPerByte = 10_000
        client.shape.chunk = 1_448
        client.shape.capacity = 16 << 10
        client.limits = SessionLimits(heartbeat: .seconds(1), sessionTimeout: .seconds(24 * 3_600))
        var scenario = Scenario(seed: seed, clients: [client])
        scenario.acceptorLimits = client.limits
        return scenario
    }

    func with(_ faults: Fault...) -> Scenario {
        var copy = self
        copy.plan = FaultPlan(faults)
        return copy
    }

    /// Runs, and records a failure with the plan that shows it.
    @discardableResult
    func check(
        keepingLines: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Report {
        let report = World(self, keepingLines: keepingLines).run()
        if let violation = report.violation {
            Issue.record("\(violation); plan: \(plan)", sourceLocation: sourceLocation)
        }
        return report
    }
}

extension Report {
    var client: Client { clients[0] }
    var isComplete: Bool {
        client.outcome == .complete && client.services == [.complete]
    }
}

let second: UInt64 = 1_000_000_000
let millisecond: UInt64 = 1_000_000
