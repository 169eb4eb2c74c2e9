import FTSLCore
import FTSLSimulation
import Foundation
import TestSupport
import Testing

@Suite(.computing)
struct SeedTests {
    /// [FTSL §2]
    @Test("Two thousand seeds hold every invariant", arguments: 0..<20)
    func seeds(_ hundred: UInt64) {
        for seed in hundred * 100 + 1...hundred * 100 + 100 {
            let report = World(Scenario(seed: seed)).run()
            #expect(report.violation == nil, "ftsl-sim --trace --replay \(seed)")
        }
    }

    /// A writer that had found no room, because others had become busy, was never told of more.
    @Test("Seeds that have found something hold", arguments: [205_516_757_925_888] as [UInt64])
    func found(_ seed: UInt64) {
        #expect(World(Scenario(seed: seed)).run().violation == nil)
    }

    @Test("Seeds nobody has tried hold every invariant")
    func freshSeeds() {
        let seconds =
            ProcessInfo.processInfo.environment["FTSL_SIM_FRESH_SECONDS"].flatMap(Double.init) ?? 5
        let end = Date().addingTimeInterval(seconds)
        var seed = UInt64.random(in: 0...(.max >> 16))
        print("fresh seeds from \(seed)")
        while Date() < end {
            let report = World(Scenario(seed: seed)).run()
            if let violation = report.violation {
                Issue.record("\(violation): ftsl-sim --trace --replay \(seed)")
                return
            }
            seed += 1
        }
    }

    @Test("The same seed is the same run, byte for byte")
    func determinism() {
        for seed: UInt64 in 1...60 {
            let first = World(Scenario(seed: seed), keepingLines: true).run()
            let second = World(Scenario(seed: seed), keepingLines: true).run()
            #expect(first.digest == second.digest)
            #expect(first.lines == second.lines)
        }
        let digests = Set((1...60).map { World(Scenario(seed: $0)).run().digest })
        #expect(digests.count == 60, "other seeds are other runs")
    }

    private static let tool: URL = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().appendingPathComponent("../../.build/release/ftsl-sim")
        .standardizedFileURL

    /// The order of a dictionary differs from process to process; a run must not depend on it.
    @Test(
        "A seed is the same run in another process",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: tool.path),
            "ftsl-sim is not built"), arguments: [1 as UInt64, 584, 1_207])
    func otherProcess(_ seed: UInt64) throws {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = Self.tool
        process.arguments = ["--replay", String(seed)]
        process.standardOutput = pipe
        try process.run()
        let output = String(
            decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let digest = World(Scenario(seed: seed)).run().digest
        #expect(output.contains("digest \(digest)"))
    }

    @Test("A printed plan is read back as the same plan")
    func plansAreText() {
        for seed: UInt64 in 1...500 {
            let plan = Scenario(seed: seed).plan
            #expect(FaultPlan(plan.description) == plan, "\(plan)")
        }
        #expect(FaultPlan("at 3 client 0 explode") == nil)
        #expect(FaultPlan("after 3 sideways client 0 restart") == nil)
        #expect(FaultPlan("# nothing\n\nat 3 client 1 restart")?.faults.count == 1)
    }

    /// Each was a bug; the story stands beside its seed.
    @Test(
        "Seeds that once failed hold",
        arguments: [
            // One end gave up while it still read what the other, which had given up, wrote: each
            // waited for the other's credit until its linger time was over.
            24_293 as UInt64, 58_448,
            // What the old connection still carried arrived after RESUMED was said: the sender was
            // told of more than it had sent again, and stood still at bytes it no longer had.
            18_618, 26_278, 58_630,
        ])
    func oldFailures(_ seed: UInt64) {
        #expect(World(Scenario(seed: seed)).run().violation == nil)
    }
}
