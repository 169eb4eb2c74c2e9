import ArgumentParser
import Dispatch
import FTSLSimulation
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs the protocol in a world of faults, seed by seed, and says how to run a failure again.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ftsl-sim",
        abstract: "Searches for faults the protocol does not survive; each seed is one whole run.")

    @Option(help: "Seeds to run: FIRST...LAST or one number.")
    var seeds: Seeds?
    @Option(help: "Run fresh seeds for so many seconds instead.")
    var duration: Double?
    @Option(help: "Worker threads.")
    var jobs = 2
    @Option(help: "Run one seed and say how it ends.")
    var replay: UInt64?
    @Option(help: "With --replay or --shrink: this fault plan (text) instead of the seed's own.")
    var plan: String?
    @Option(help: "Run one seed and remove faults while it still fails.")
    var shrink: UInt64?
    @Option(help: "Break the code on purpose, to see it caught: \(Mutation.names).")
    var mutation: Mutation?
    @Flag(help: "Worlds of one-way messages instead of streams.")
    var messages = false
    @Option(help: "With --messages, break the code so: \(MessageMutation.names).")
    var messageMutation: MessageMutation?
    @Flag(help: "Worlds of hosts that move instead of streams.")
    var moves = false
    @Option(help: "With --moves, break the code so: \(MoveMutation.names).")
    var moveMutation: MoveMutation?
    @Flag(help: "Stop at the first failure and do not shrink it.")
    var untilFailure = false
    @Flag(help: "With --replay: print everything that happens.")
    var trace = false

    func run() throws {
        if let seed = replay ?? shrink {
            try runOne(seed)
        } else if let duration {
            let first = UInt64.random(in: 0...(.max >> 16))
            say("fresh seeds from \(first) for \(duration) s")
            try search(first...(.max), until: .now() + duration)
        } else {
            try search((seeds ?? Seeds(range: 1...1_000)).range, until: .distantFuture)
        }
    }

    private func scenario(_ seed: UInt64) throws -> Scenario {
        var scenario = Scenario(seed: seed)
        if let plan {
            guard let plan = FaultPlan(plan) else {
                throw ValidationError("the plan is not readable; see the output of --replay")
            }
            scenario.plan = plan
        }
        return scenario
    }

    private func runOne(_ seed: UInt64) throws {
        if messages { return try runMessages(seed) }
        if moves { return try runMoves(seed) }
        var scenario = try scenario(seed)
        if shrink != nil {
            var shrinker = Shrinker(mutation: mutation)
            scenario = shrinker.shrink(scenario)
            say("\(shrinker.attempts) runs")
        }
        let report = World(scenario, mutation: mutation, keepingLines: trace).run()
        for line in report.lines ?? [] { print(line) }
        print("plan: \(scenario.plan)")
        for (index, client) in report.clients.enumerated() {
            let services = client.services.map { $0.map { "\($0)" } ?? "none" }
            print("client \(index): \(client.outcome.map { "\($0)" } ?? "none"); ", terminator: "")
            print("service: \(services.joined(separator: ", "))")
        }
        let seconds = Double(report.duration / 1_000_000) / 1_000
        print("\(report.events) events, \(seconds) s, digest \(report.digest)")
        guard let violation = report.violation else { return }
        print("seed \(seed) violates \(violation)")
        throw ExitCode.failure
    }

    private func search(_ range: ClosedRange<UInt64>, until: DispatchTime) throws {
        let search = Search(
            range: range, until: until, enough: untilFailure ? 1 : 100, fails: fails)
        DispatchQueue.concurrentPerform(iterations: max(1, jobs)) { _ in search.work() }
        say("\(search.count) seeds, \(search.failures.count) failed")
        for seed in search.failures.prefix(untilFailure ? 1 : 10) { explain(seed) }
        if !search.failures.isEmpty { throw ExitCode.failure }
    }

    private func fails(_ seed: UInt64) -> Bool {
        if moves {
            return MoveWorld(MoveScenario(seed: seed), mutation: moveMutation).run().violation
                != nil
        }
        return messages
            ? MessageWorld(MessageScenario(seed: seed), mutation: messageMutation).run().violation
                != nil
            : World(Scenario(seed: seed), mutation: mutation).run().violation != nil
    }

    private func explain(_ seed: UInt64) {
        if messages { return explainMessages(seed) }
        if moves { return explainMoves(seed) }
        var small = Scenario(seed: seed)
        if !untilFailure {
            var shrinker = Shrinker(mutation: mutation)
            small = shrinker.shrink(small)
        }
        let violation = World(small, mutation: mutation).run().violation
        print("seed \(seed) violates \(violation.map { "\($0)" } ?? "nothing any more")")
        let extra = mutation.map { " --mutation \($0.rawValue)" } ?? ""
        print("  ftsl-sim --trace --replay \(seed) --plan '\(small.plan)'\(extra)")
    }
}

/// Hands out seeds to worker threads and collects what failed.
final class Search: @unchecked Sendable {
    private let queue = DispatchQueue(label: "search")
    private let range: ClosedRange<UInt64>
    private let until: DispatchTime
    private let enough: Int
    private let fails: (UInt64) -> Bool
    private var next: UInt64
    private(set) var count: UInt64 = 0
    private(set) var failures: [UInt64] = []

    init(
        range: ClosedRange<UInt64>, until: DispatchTime, enough: Int,
        fails: @escaping (UInt64) -> Bool
    ) {
        self.enough = enough
        self.range = range
        self.until = until
        self.fails = fails
        next = range.lowerBound
    }

    func work() {
        while let seed = take() {
            let failed = fails(seed)
            queue.sync { done(seed, failed) }
        }
    }

    private func take() -> UInt64? {
        queue.sync {
            guard next <= range.upperBound, failures.count < enough, .now() < until else {
                return nil
            }
            defer { next += 1 }
            return next
        }
    }

    private func done(_ seed: UInt64, _ failed: Bool) {
        count += 1
        if failed { failures.append(seed) }
        if failed || count % 1_000 == 0 {
            say("\(count) seeds, \(failures.count) failed\(failed ? ", the last: \(seed)" : "")")
        }
    }
}

struct Seeds: ExpressibleByArgument {
    var range: ClosedRange<UInt64>

    init(range: ClosedRange<UInt64>) { self.range = range }

    init?(argument: String) {
        let parts = argument.split(separator: ".", omittingEmptySubsequences: true)
        guard let first = parts.first.flatMap({ UInt64($0) }),
            let last = parts.last.flatMap({ UInt64($0) }), parts.count <= 2, first <= last
        else { return nil }
        range = first...last
    }
}

extension MoveMutation: ExpressibleByArgument {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension MessageMutation: ExpressibleByArgument {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension Mutation: ExpressibleByArgument {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// Progress goes to standard error; what failed goes to standard output.
func say(_ text: String) {
    let line = Array((text + "\n").utf8)
    line.withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
}

Simulate.main()
