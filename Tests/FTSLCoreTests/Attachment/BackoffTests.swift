import FTSLCore
import Testing

struct BackoffTests {
    @Test("The first redial is at once, later ones never later than the doubling ceiling")
    func ceilings() {
        var rng = CountingGenerator(seed: 1)
        var backoff = Backoff()
        #expect(backoff.next(using: &rng) == .zero)
        let ceilings = [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]
        for (index, ceiling) in ceilings.enumerated() {
            #expect(Backoff.ceiling(afterFailures: index + 1) == .milliseconds(ceiling))
            let delay = backoff.next(using: &rng)
            #expect(delay >= .zero && delay <= .milliseconds(ceiling))
        }
    }

    @Test("Jitter is full: delays fall everywhere between zero and the ceiling")
    func fullJitter() {
        var low = 0
        var high = 0
        for seed in 0..<1_000 {
            var rng = CountingGenerator(seed: UInt64(seed))
            var backoff = Backoff()
            for _ in 0..<4 { _ = backoff.next(using: &rng) }
            let delay = backoff.next(using: &rng)
            if delay < .milliseconds(100) { low += 1 }
            if delay > .milliseconds(300) { high += 1 }
        }
        #expect((150...350).contains(low), "a quarter of 400 ms")
        #expect((150...350).contains(high))
    }

    @Test("Success makes the next redial immediate again")
    func reset() {
        var rng = CountingGenerator(seed: 7)
        var backoff = Backoff()
        for _ in 0..<20 { _ = backoff.next(using: &rng) }
        backoff.reset()
        #expect(backoff.next(using: &rng) == .zero)
        #expect(backoff.next(using: &rng) <= .milliseconds(50))
    }

    @Test("A thousand failures neither overflow nor wait longer than the cap")
    func manyFailures() {
        #expect(Backoff.ceiling(afterFailures: 1_000) == Bound.redialCap)
    }
}
