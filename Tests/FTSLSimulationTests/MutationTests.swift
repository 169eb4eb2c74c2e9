import FTSLSimulation
import TestSupport
import Testing

/// Checkers that find nothing prove nothing: each way to break the code must be caught, and by its
/// checker.
@Suite(.computing)
struct MutationTests {
    typealias Invariant = Checker.Invariant

    static let caughtBy: [Mutation: Set<Invariant>] = [
        .acknowledgesUnread: [.noEarlyAcknowledgement],
        .deliversTwice: [.prefix],
        .losesBytes: [.prefix, .noEarlyAcknowledgement],
        .ignoresRoom: [.bounded],
        .startsTwice: [.oneOwner],
        .dropsStates: [.live, .definite, .trustedEnd],
        .forgetsTombstones: [.definite],
        .readsOldConnection: [.definite, .prefix],
        .ignoresTime: [.live],
        .trustsStrangers: [.proofFirst],
        .believesClosing: [.trustedEnd],
    ]

    @Test("Every mutation is caught by the checker it is meant for", arguments: Mutation.allCases)
    func caught(_ mutation: Mutation) throws {
        let expected = try #require(Self.caughtBy[mutation])
        for seed: UInt64 in 1...400 {
            guard let violation = World(Scenario(seed: seed), mutation: mutation).run().violation
            else { continue }
            #expect(expected.contains(violation.invariant), "seed \(seed): \(violation)")
            return
        }
        Issue.record("\(mutation) survived 400 seeds")
    }

    @Test("Shrinking keeps the failure and drops the faults it does not need")
    func shrinking() {
        var shrinker = Shrinker(mutation: .startsTwice)
        let scenario = Scenario.small().with(
            Fault(.time(1), .attack(.garbage, capture: 0, at: 0)),
            Fault(.bytes(.up, 200), .cut(loses: true, initiator: 0, acceptor: 0)),
            Fault(.time(5_000), .flood(3)))
        let small = shrinker.shrink(scenario)
        #expect(small.plan.faults == [scenario.plan.faults[1]])
        #expect(World(small, mutation: .startsTwice).run().violation?.invariant == .oneOwner)
    }
}
