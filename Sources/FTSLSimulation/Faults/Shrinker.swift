/// Makes a failing run smaller: fewer faults, less data, fewer clients, as long as it fails the
/// same way.
package struct Shrinker {
    private let mutation: Mutation?
    package private(set) var attempts = 0

    package init(mutation: Mutation? = nil) { self.mutation = mutation }

    /// The smallest failing scenario found; the same one when it does not fail.
    package mutating func shrink(_ scenario: Scenario) -> Scenario {
        guard let first = failure(of: scenario) else { return scenario }
        var best = scenario
        var progress = true
        while progress, attempts < 400 {
            progress = false
            for candidate in candidates(for: best) where failure(of: candidate) == first {
                best = candidate
                progress = true
                break
            }
        }
        return best
    }

    private mutating func failure(of scenario: Scenario) -> Checker.Invariant? {
        attempts += 1
        return World(scenario, mutation: mutation).run().violation?.invariant
    }

    /// Simpler neighbours, the boldest first.
    private func candidates(for scenario: Scenario) -> [Scenario] {
        var result: [Scenario] = []
        if scenario.plan.faults.count > 2 {
            let half = scenario.plan.faults.count / 2
            for part in [scenario.plan.faults.prefix(half), scenario.plan.faults.dropFirst(half)] {
                var smaller = scenario
                smaller.plan.faults = Array(part)
                result.append(smaller)
            }
        }
        for index in scenario.plan.faults.indices {
            var smaller = scenario
            smaller.plan.faults.remove(at: index)
            result.append(smaller)
        }
        return result
    }
}
