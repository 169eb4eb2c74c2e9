import FTSLCore
import FTSLSimulation
import Foundation
import TestSupport
import Testing

@Suite("Seeds of moving hosts [FTSL §10]", .computing)
struct MoveSeedTests {
    @Test("Two thousand seeds hold every invariant while hosts move", arguments: 0..<20)
    func seeds(_ hundred: UInt64) {
        for seed in hundred * 100 + 1...hundred * 100 + 100 {
            let report = MoveWorld(MoveScenario(seed: seed)).run()
            #expect(report.violation == nil, "ftsl-sim --moves --trace --replay \(seed)")
        }
    }

    /// With the fault that each has found; without one it was the checker's, which did not know
    /// what an application had taken before it gave it back. 54,891 found `movesUnstarted` while
    /// clients asked every 5 ms.
    static let finds: [(UInt64, MoveMutation?)] = [
        (192_198_734_933_898, .forgetsOverruled),
        (22_663, .replacesUnseen), (67_234, .replacesUnseen),
        (54_891, nil), (59_535, .movesUnstarted),
        (45_823, nil), (59_963, nil), (62_828, nil),
    ]

    @Test("Seeds that have found something hold, and find it again", arguments: finds)
    func found(_ seed: UInt64, _ mutation: MoveMutation?) {
        #expect(MoveWorld(MoveScenario(seed: seed)).run().violation == nil)
        guard let mutation else { return }
        let report = MoveWorld(MoveScenario(seed: seed), mutation: mutation).run()
        #expect(report.violation != nil, "\(mutation)")
    }

    @Test("Seeds nobody has tried hold every invariant while hosts move")
    func freshSeeds() {
        let seconds =
            ProcessInfo.processInfo.environment["FTSL_SIM_FRESH_SECONDS"].flatMap(Double.init) ?? 5
        let end = Date().addingTimeInterval(seconds)
        var seed = UInt64.random(in: 0...(.max >> 16))
        print("fresh seeds of moving hosts from \(seed)")
        while Date() < end {
            let report = MoveWorld(MoveScenario(seed: seed)).run()
            if let violation = report.violation {
                Issue.record("\(violation): ftsl-sim --moves --trace --replay \(seed)")
                return
            }
            seed += 1
        }
    }

    @Test("The same seed is the same run of moving hosts, byte for byte")
    func determinism() {
        for seed: UInt64 in 1...30 {
            let first = MoveWorld(MoveScenario(seed: seed), keepingLines: true).run()
            let second = MoveWorld(MoveScenario(seed: seed), keepingLines: true).run()
            #expect(first.digest == second.digest)
            #expect(first.lines == second.lines)
        }
        let digests = Set((1...30).map { MoveWorld(MoveScenario(seed: $0)).run().digest })
        #expect(digests.count == 30, "other seeds are other runs")
    }

    @Test("Most runs decide a ticket, and some decide several")
    func coverage() {
        let moved = (1...100).map { MoveWorld(MoveScenario(seed: $0)).run().moved }
        #expect(moved.count { $0 > 0 } > 40)
        #expect(moved.count { $0 > 1 } > 8)
    }
}
