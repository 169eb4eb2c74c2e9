import FTSLCore
import Testing

@Suite("Ranges of finished indexes")
struct IndexRangesTests {
    @Test("Numbers in any order become the fewest ranges, and are all held")
    func anyOrder() {
        var rng = CountingGenerator(seed: 1)
        for _ in 0..<200 {
            var ranges: [ClosedRange<UInt64>] = []
            var numbers: Set<UInt64> = []
            for _ in 0..<40 {
                let number = UInt64.random(in: 1...50, using: &rng)
                ranges.insert(number)
                numbers.insert(number)
            }
            let below = UInt64.random(in: 1...50, using: &rng)
            #expect((1...50).allSatisfy { ranges.holds($0) == numbers.contains($0) })
            #expect(
                zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound + 1 < $1.lowerBound })
            ranges.remove(below: below)
            #expect(
                (1...50).allSatisfy {
                    ranges.holds($0) == ($0 >= below && numbers.contains($0))
                })
        }
    }
}
