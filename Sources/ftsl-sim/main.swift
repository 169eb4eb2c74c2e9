import FTSLSimulation
let range: ClosedRange<UInt64> = {
    let a = CommandLine.arguments
    if a.count > 2 { return UInt64(a[1])!...UInt64(a[2])! }
    return UInt64(a[1])!...UInt64(a[1])!
}()
var bad = 0
for seed in range {
    let report = World(Scenario(seed: seed), keepingLines: range.count == 1).run()
    if let v = report.violation {
        print("seed \(seed): \(v)"); bad += 1
        if bad > 20 { break }
    }
    if range.count == 1 {
        print(Scenario(seed: seed).plan)
        for l in report.lines ?? [] { print(l) }
        print(report.endings, report.digest, report.events, report.duration)
    }
}
print("done", bad)
