import FTSLSimulation
import TestSupport
import Testing

/// Checkers that find nothing prove nothing: each way to break the code must be caught, and by its
/// checker.
@Suite("Mutations of one-way messages [FTSL §7]", .computing)
struct MessageMutationTests {
    typealias Invariant = Checker.Invariant

    static let caughtBy: [MessageMutation: Set<Invariant>] = [
        .earlyAccepted: [.durable],
        .earlySettled: [.durable],
        .earlyRecorded: [.durable],
        .lostExceptions: [.outcome],
        .noFence: [.fenced],
        .tokenWithoutStarts: [.fenced],
        .floorOffByOne: [.live],
        .cursorWithoutMessage: [.exactlyOnce],
        .messageWithoutCursor: [.exactlyOnce, .durable],
        .forgetsSettlements: [.durable],
        .diskLies: [.durable],
        .swapsBodies: [.delivered],
        .sendsSkipped: [.durable],
    ]

    @Test(
        "Every mutation of messages is caught by the checker it is meant for",
        arguments: MessageMutation.allCases)
    func caught(_ mutation: MessageMutation) throws {
        let expected = try #require(Self.caughtBy[mutation])
        for seed: UInt64 in 1...400 {
            let world = MessageWorld(MessageScenario(seed: seed), mutation: mutation)
            guard let violation = world.run().violation else { continue }
            #expect(expected.contains(violation.invariant), "seed \(seed): \(violation)")
            return
        }
        Issue.record("\(mutation) survived 400 seeds")
    }
}
