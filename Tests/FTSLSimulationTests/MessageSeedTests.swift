import FTSLCore
import FTSLSimulation
import Foundation
import TestSupport
import Testing

@Suite("Seeds of one-way messages [FTSL §7]", .computing)
struct MessageSeedTests {
    @Test("Two thousand seeds hold every invariant of messages", arguments: 0..<20)
    func seeds(_ hundred: UInt64) {
        for seed in hundred * 100 + 1...hundred * 100 + 100 {
            let report = MessageWorld(MessageScenario(seed: seed)).run()
            #expect(
                report.violation == nil, "ftsl-sim --messages --trace --replay \(seed)")
        }
    }

    /// The checker's mistakes: a dead letter that was put back was dead again before the answer left;
    /// a consumer came back when its lease had run out already; a cursor began in the commit that
    /// removed what nobody needed; who asks for large messages again needs more time.
    @Test(
        "Seeds that have found something hold",
        arguments: [311_145, 701_061, 712_626, 749_519] as [UInt64])
    func found(_ seed: UInt64) {
        #expect(MessageWorld(MessageScenario(seed: seed)).run().violation == nil)
    }

    @Test("Seeds nobody has tried hold every invariant of messages")
    func freshSeeds() {
        let seconds =
            ProcessInfo.processInfo.environment["FTSL_SIM_FRESH_SECONDS"].flatMap(Double.init) ?? 5
        let end = Date().addingTimeInterval(seconds)
        var seed = UInt64.random(in: 0...(.max >> 16))
        print("fresh seeds of messages from \(seed)")
        while Date() < end {
            let report = MessageWorld(MessageScenario(seed: seed)).run()
            if let violation = report.violation {
                Issue.record("\(violation): ftsl-sim --messages --trace --replay \(seed)")
                return
            }
            seed += 1
        }
    }

    @Test("The same seed is the same run of messages, byte for byte")
    func determinism() {
        for seed: UInt64 in 1...60 {
            let first = MessageWorld(MessageScenario(seed: seed), keepingLines: true).run()
            let second = MessageWorld(MessageScenario(seed: seed), keepingLines: true).run()
            #expect(first.digest == second.digest)
            #expect(first.lines == second.lines)
        }
        let digests = Set((1...60).map { MessageWorld(MessageScenario(seed: $0)).run().digest })
        #expect(digests.count == 60, "other seeds are other runs")
    }

    @Test("A plan of faults at commits and of disks is read back as the same plan")
    func plansAreText() {
        for seed: UInt64 in 1...500 {
            let plan = MessageScenario(seed: seed).plan
            #expect(FaultPlan(plan.description) == plan, "\(plan)")
        }
        #expect(FaultPlan("commit 0 acceptor client 0 restart") == nil)
        #expect(FaultPlan("commit 1 nobody client 0 restart") == nil)
    }

    /// Each was a bug; the story stands beside its seed.
    @Test(
        "Seeds of messages that once failed hold",
        arguments: [
            // The checker's own mistake: a full disk stopped a cursor while a member was away.
            130_688_035_991_320,
            // Another: a dozen messages of a megabyte take their time at 40 kB/s.
            176_175_062_007_531,
            // An inbox that rejects when it is full gave no credit, so that nothing came to reject.
            120 as UInt64, 170,
            // PROCESSED was not told when the last message matched no watched cursor.
            100,
            // A cursor taken over got what was read ahead before what its last consumer had left.
            361, 421,
            // A cursor that nobody had for a moment gave tokens a second time.
            1_155, 1_740, 1_838,
        ])
    func oldFailures(_ seed: UInt64) {
        #expect(MessageWorld(MessageScenario(seed: seed)).run().violation == nil)
    }
}
