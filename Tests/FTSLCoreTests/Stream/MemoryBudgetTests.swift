import FTSLCore
import Testing

struct MemoryBudgetTests {
    @Test("The cap is never passed, and a refusal changes nothing")
    func cap() {
        var budget = MemoryBudget(capacity: 100)
        #expect(now { budget.reserve(60) })
        #expect(!now { budget.reserve(41) })
        #expect(!now { budget.reserve(.max) }, "no overflow")
        #expect(budget.reserved == 60)
        #expect(now { budget.reserve(40) })
        budget.release(100)
        #expect(budget.reserved == 0)
    }

    @Test("What sessions ask for beyond their beginning leaves a quarter for newcomers")
    func newcomers() {
        var budget = MemoryBudget(capacity: 100)
        #expect(now { budget.reserve(50) })
        #expect(!now { budget.reserveMore(26) })
        #expect(now { budget.reserveMore(25) })
        #expect(!now { budget.reserveMore(.max) }, "no overflow")
        #expect(!now { budget.reserveMore(1) })
        #expect(now { budget.reserve(25) })
    }

    private static func second(_ number: UInt64) -> Instant {
        Instant(nanoseconds: number * 1_000_000_000)
    }

    @Test("Busy sessions share the windows that are in use; idle ones do not count")
    func shares() {
        var share = WindowShare(total: 1_000 << 10)
        #expect(share.each == 1_000 << 10)
        var marks = Array(repeating: WindowShare.Mark(), count: 10)
        for index in 0..<10 {
            // Little by little, and counted once.
            for _ in 0..<8 { share.moved(4 << 10, &marks[index], now: Self.second(7)) }
            #expect(share.each == (1_000 << 10) / UInt64(index + 1))
        }
        // Nobody is forgotten before a second without it has passed.
        share.moved(1, &marks[0], now: Self.second(8))
        #expect(share.each == 100 << 10)
        share.moved(1, &marks[0], now: Self.second(9))
        #expect(share.each == 1_000 << 10)
        var crowd = Array(repeating: WindowShare.Mark(), count: 500)
        for index in crowd.indices { share.moved(1 << 20, &crowd[index], now: Self.second(9)) }
        #expect(share.each == 64 << 10, "the reserve is everybody's")
    }

    @Test("A session gives back what it reserved, with what its window grew by")
    func sessions() {
        let budget = SharedBudget(capacity: 10 << 20)
        var pair: SessionPair? = SessionPair(budget: budget)
        let opened = budget.budget.reserved
        #expect(opened > 0)
        pair?.left.write(pattern(900_000), to: .main)
        pair?.exchange()
        pair = nil
        #expect(budget.budget.reserved == 0)
    }
}
