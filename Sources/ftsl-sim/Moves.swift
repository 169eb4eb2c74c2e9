import ArgumentParser
import FTSLSimulation

/// Worlds of hosts that move.
extension Simulate {
    func runMoves(_ seed: UInt64) throws {
        var scenario = MoveScenario(seed: seed)
        if shrink != nil { scenario = scenario.shrunk(mutation: moveMutation) }
        let report = MoveWorld(scenario, mutation: moveMutation, keepingLines: trace).run()
        for line in report.lines ?? [] { print(line) }
        printMoves(scenario)
        let seconds = Double(report.duration / 1_000_000) / 1_000
        print(
            "\(report.moved) tickets decided, \(report.events) events, \(seconds) s, "
                + "digest \(report.digest)")
        guard let violation = report.violation else { return }
        print("seed \(seed) violates \(violation)")
        throw ExitCode.failure
    }

    private func printMoves(_ scenario: MoveScenario) {
        for move in scenario.moves {
            print("move at \(move.time) from \(move.source) to \(move.target)")
        }
        for fault in scenario.faults { print("fault \(fault)") }
    }

    func explainMoves(_ seed: UInt64) {
        let violation = MoveWorld(MoveScenario(seed: seed), mutation: moveMutation).run().violation
        print("seed \(seed) violates \(violation.map { "\($0)" } ?? "nothing any more")")
        let extra = moveMutation.map { " --move-mutation \($0.rawValue)" } ?? ""
        print("  ftsl-sim --moves --trace --shrink \(seed)\(extra)")
    }
}
