import FTSLSimulation
import Testing

struct SeedTests {
    @Test("Two thousand seeds hold every invariant", arguments: 0..<20)
    func seeds(_ hundred: UInt64) {
        for seed in hundred * 100 + 1...hundred * 100 + 100 {
            let report = World(Scenario(seed: seed)).run()
            #expect(report.violation == nil, "ftsl-sim --trace --replay \(seed)")
        }
    }
}
