import FTSLSimulation
import TestSupport
import Testing

/// Checkers that find nothing prove nothing: each mistake of a host must be caught, and by its
/// checker.
@Suite("Mutations of moving hosts [FTSL §10]", .computing)
struct MoveMutationTests {
    typealias Invariant = Checker.Invariant

    /// The others take two faults in the right order, or a rare seed: see `MoveStoryTests.twoFaults`
    /// and `MoveSeedTests.finds`.
    static let caughtBy: [MoveMutation: Set<Invariant>] = [
        .abortsWhileDeciding: [.durable, .definite],
        .activatesUnasked: [.oneOwner],
        .discardsUnasked: [.durable],
        .forgetsDecision: [.oneOwner, .definite, .durable],
        .forgetsSignposts: [.definite],
        .preparedInMemory: [.definite, .durable, .live],
        .keepsServing: [.prefix, .noEarlyAcknowledgement, .definite],
        .copiesEarly: [.durable],
        .usesImageTwice: [.oneOwner],
        .losesUnread: [.prefix, .live, .noEarlyAcknowledgement],
        .keepsGeneration: [.oneOwner, .definite, .live],
    ]

    @Test(
        "Every mutation of moving hosts is caught by the checker it is meant for",
        arguments: caughtBy.keys.sorted { $0.rawValue < $1.rawValue })
    func caught(_ mutation: MoveMutation) throws {
        let expected = try #require(Self.caughtBy[mutation])
        for seed: UInt64 in 1...600 {
            let world = MoveWorld(MoveScenario(seed: seed), mutation: mutation)
            guard let violation = world.run().violation else { continue }
            #expect(expected.contains(violation.invariant), "seed \(seed): \(violation)")
            return
        }
        Issue.record("\(mutation) survived 600 seeds")
    }
}
