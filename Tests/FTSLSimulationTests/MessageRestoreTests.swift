import FTSLCore
import FTSLSimulation
import TestSupport
import Testing

/// Disks that come back as they were before, or as others: each case has its name and its way out.
@Suite("Restored outboxes and inboxes [FTSL §7.3]", .computing)
struct MessageRestoreTests {
    /// One producer, ten messages now and ten later; no faults of its own.
    private static func scenario(_ seed: UInt64 = 5) -> MessageScenario {
        var producer = ProducerScenario()
        producer.submissions = [
            PlannedSubmission(time: 100, messages: Self.messages(1...5)),
            PlannedSubmission(time: 2_000, messages: Self.messages(6...10)),
            PlannedSubmission(time: 20_000, messages: Self.messages(11...20)),
        ]
        return MessageScenario(seed: seed, producers: [producer], consumers: [])
    }

    private static func messages(_ numbers: ClosedRange<UInt64>) -> [PlannedMessage] {
        numbers.map { PlannedMessage(number: $0, topic: "a", size: 100) }
    }

    /// The named error, then the way out; what was not resolved gets there.
    private func expect(
        _ code: FailureCode, of world: MessageWorld, stored: Set<UInt64>,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        world.run(until: 15 * second)
        #expect(world.stopped(0) == code, sourceLocation: sourceLocation)
        #expect(world.halted(0) == code, sourceLocation: sourceLocation)
        world.run(until: 30 * second)
        #expect(
            world.unresolved(0) >= 10, "nothing is guessed away", sourceLocation: sourceLocation)
        world.renew(0)
        let report = world.run()
        #expect(report.violation == nil, sourceLocation: sourceLocation)
        #expect(world.unresolved(0) == 0, sourceLocation: sourceLocation)
        #expect(
            Set(world.storedNumbers).isSuperset(of: stored), sourceLocation: sourceLocation)
    }

    @Test("An outbox restored from an old copy is found out, and delivers the rest when renewed")
    func outboxRolledBack() {
        let world = MessageWorld(Self.scenario())
        world.run(until: 1 * second)
        let copy = world.copyOutbox(0)
        world.run(until: 5 * second)
        #expect(world.storedNumbers == Array(1...10))
        world.restore(outbox: 0, copy)
        expect(.outboxRolledBack, of: world, stored: Set(1...20))
    }

    @Test("An inbox deleted and made anew is not taken for the old one")
    func inboxChanged() {
        let world = MessageWorld(Self.scenario())
        world.run(until: 5 * second)
        world.deleteInbox()
        expect(.inboxChanged, of: world, stored: Set(11...20))
    }

    @Test("Inboxes that changed places are told apart, and back in place go on")
    func swapped() {
        let world = MessageWorld(Self.scenario())
        world.run(until: 5 * second)
        let first = world.copyInbox()
        world.deleteInbox()
        world.run(until: 10 * second)
        #expect(world.stopped(0) == .inboxChanged)
        world.restore(inbox: first)
        expect(.inboxChanged, of: world, stored: Set(1...20))
    }

    @Test("An inbox restored from an old copy is found out, and gets the rest when renewed")
    func historyLost() {
        let world = MessageWorld(Self.scenario())
        world.run(until: 1 * second)
        let copy = world.copyInbox()
        world.run(until: 5 * second)
        world.restore(inbox: copy)
        expect(.historyLost, of: world, stored: Set(1...5).union(11...20))
    }
}
