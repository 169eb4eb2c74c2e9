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
