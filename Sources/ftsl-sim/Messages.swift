import ArgumentParser
import FTSLSimulation

/// Worlds of one-way messages.
extension Simulate {
    private func messageScenario(_ seed: UInt64) throws -> MessageScenario {
        var scenario = MessageScenario(seed: seed)
        if let plan {
            guard let plan = FaultPlan(plan) else {
                throw ValidationError("the plan is not readable; see the output of --replay")
            }
            scenario.plan = plan
        }
        return scenario
    }

    func runMessages(_ seed: UInt64) throws {
        var scenario = try messageScenario(seed)
        if shrink != nil { scenario = scenario.shrunk(mutation: messageMutation) }
        let report = MessageWorld(scenario, mutation: messageMutation, keepingLines: trace).run()
        for line in report.lines ?? [] { print(line) }
        print("plan: \(scenario.plan)")
        let seconds = Double(report.duration / 1_000_000) / 1_000
        print(
            "\(report.stored) messages stored, \(report.events) events, \(seconds) s, "
                + "digest \(report.digest)")
        guard let violation = report.violation else { return }
        print("seed \(seed) violates \(violation)")
        throw ExitCode.failure
    }

    func explainMessages(_ seed: UInt64) {
        var small = MessageScenario(seed: seed)
        if !untilFailure { small = small.shrunk(mutation: messageMutation) }
        let violation = MessageWorld(small, mutation: messageMutation).run().violation
        print("seed \(seed) violates \(violation.map { "\($0)" } ?? "nothing any more")")
        let extra = messageMutation.map { " --message-mutation \($0.rawValue)" } ?? ""
        print("  ftsl-sim --messages --trace --replay \(seed) --plan '\(small.plan)'\(extra)")
    }
}
