import FTSLCore
import Testing

/// Traces that a model of leases found against earlier drafts of the rules, and what closes them.
@Suite("Traces of the model of leases [FTSL §7.6]")
struct LeaseTraceTests {
    private let rig = ConsumerRig()

    /// DONE of the process's first life reaches its second, where the same member holds the
    /// message again; said by hand, because a port would not.
    private func lateDone(raising: Bool) throws -> [MessageFrame] {
        rig.store("a")
        let before = Consumer(rig).connect()
        let old = MessageFrame.LeaseToken(
            starts: rig.inbox.identity.generation.starts, attempt: 1)
        before.cut()
        rig.restart(raising: raising)
        let after = Consumer(rig).connect()
        #expect(after.texts == ["a"])
        try after.member.receive(
            .settle(.init(index: .first, token: old, verdict: .done)), now: rig.now)
        rig.run()
        return frames(of: after.member, now: rig.now)
    }

    @Test("e1: an answer to a lease of an earlier life is fenced")
    func anotherLife() throws {
        let replies = try lateDone(raising: true)
        guard case .settled(.first, _, .fenced) = replies.first else {
            Issue.record("\(replies)")
            return
        }
        #expect(rig.inbox.consumers["c"]?.floor == .first)
    }

    @Test("e1: with a start counter that does not rise, it would finish the message")
    func theMistake() throws {
        let replies = try lateDone(raising: false)
        guard case .settled(.first, _, .settled) = replies.first else {
            Issue.record("\(replies)")
            return
        }
    }

    @Test("e2: DONE whose answer was lost is said again, and answered")
    func lostAnswer() {
        rig.store("a")
        let consumer = Consumer(rig).connect()
        // SETTLE arrives, SETTLED does not.
        consumer.framesLeft = 1
        consumer.done(1)
        #expect(consumer.verdict(on: 1) == nil)
        #expect(!consumer.isAttached)
        #expect(rig.inbox.consumers["c"]?.floor.value == 2)
        consumer.connect()
        #expect(consumer.verdict(on: 1) == .settled)
        #expect(consumer.texts == ["a"])
    }

    @Test("e2: DONE that was lost itself is said again, and commits once")
    func lostDone() {
        rig.store("a")
        let consumer = Consumer(rig).connect()
        consumer.framesLeft = 0
        consumer.done(1)
        #expect(rig.inbox.consumers["c"]?.floor.value == 1)
        consumer.connect()
        #expect(consumer.verdict(on: 1) == .settled)
        #expect(consumer.texts == ["a"])
    }

    @Test("e3: who lost the lease is told, when another member finished the message")
    func staleMember() {
        rig.store("a")
        let slow = Consumer(rig, .group).connect()
        let quick = Consumer(rig, .group).connect()
        slow.cut()
        rig.pass(milliseconds: 30_000)
        quick.exchange()
        quick.done(1)
        slow.port.done(.first)
        slow.connect()
        #expect(slow.verdict(on: 1) == .fenced)
        #expect(quick.verdict(on: 1) == .settled)
    }

    @Test("e3: a lease that ended, and that nobody else was given, still counts")
    func nobodyElse() {
        rig.store("a")
        let consumer = Consumer(rig, .group).connect()
        let other = Consumer(rig, .group) { $0.maxMessages = 1 }.connect()
        other.takesAtOnce = false
        rig.store("b", "c")
        consumer.exchange()
        other.exchange()
        consumer.cut()
        rig.pass(milliseconds: 30_000)
        consumer.port.done(.first)
        consumer.connect()
        #expect(consumer.verdict(on: 1) == .settled)
    }

    @Test("e4: DONE that was committed before a crash is settled after it")
    func committedBeforeCrash() {
        rig.store("a", "b")
        let consumer = Consumer(rig).connect()
        consumer.framesLeft = 1
        consumer.done(1)
        rig.restart()
        consumer.member = rig.member()
        consumer.connect()
        #expect(consumer.verdict(on: 1) == .settled)
        // The other message is under a new lease, and the application's work on it still counts.
        consumer.done(2)
        #expect(consumer.verdict(on: 2) == .settled)
        #expect(consumer.texts == ["a", "b"])
        #expect(rig.inbox.consumers["c"]?.floor.value == 3)
    }
}
