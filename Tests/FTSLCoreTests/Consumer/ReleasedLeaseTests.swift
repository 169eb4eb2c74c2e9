import FTSLCore
import NIOCore
import Testing

/// Found by simulation: what happens to messages whose leases ended without an answer.
@Suite("Leases that ended [FTSL §7.6]")
struct ReleasedLeaseTests {
    private let rig = ConsumerRig()

    @Test("What a consumer left comes before what was read ahead")
    func order() {
        rig.store("a", "b", "c", "d")
        _ = Consumer(rig) { $0.maxMessages = 2 }.connect()
        let newer = Consumer(rig).connect()
        #expect(newer.texts == ["a", "b", "c", "d"])
    }

    @Test("A message that is released while a later one is read again is not taken for removed")
    func notVanished() {
        rig.store("a", "b")
        let first = Consumer(rig, .group) { $0.maxMessages = 1 }
        let second = Consumer(rig, .group) { $0.maxMessages = 1 }
        for consumer in [first, second] {
            consumer.takesAtOnce = false
            consumer.connect()
        }
        let third = Consumer(rig, .group).connect()
        #expect(first.texts == ["a"])
        #expect(second.texts == ["b"])
        rig.isStoreSlow = true
        second.cut()
        second.member.ended()
        first.cut()
        first.member.ended()
        rig.isStoreSlow = false
        third.exchange()
        #expect(third.texts.sorted() == ["a", "b"])
        #expect(rig.inbox.consumers["c"]?.floor == .first, "nobody has finished anything")
    }

    @Test("A cursor that nobody had for a while gives no token a second time")
    func freshTokens() {
        rig.store("a")
        let first = Consumer(rig).connect()
        first.cut()
        first.member.ended()
        let second = Consumer(rig).connect()
        let attempts = [first, second].flatMap(\.effects).compactMap { effect -> UInt32? in
            guard case .began(_, attempt: let attempt, _) = effect else { return nil }
            return attempt
        }
        #expect(attempts == [1, 2])
    }

    @Test("A producer that watches is told of messages that no cursor has to do")
    func processedWithoutWork() throws {
        let consumer = Consumer(rig) { $0.filter = TopicFilter(["other"]) }.connect()
        let watch = rig.host.makeWatch(session: SessionID(high: 9, low: 9))
        watch.watch(.init(producer: ProducerID(high: 1, low: 1), cursor: "c"), owner: nil)
        rig.run()
        rig.requests = []
        rig.store("a")
        rig.run()
        #expect(
            rig.requests.contains {
                if case .fetchProcessed = $0 { true } else { false }
            })
        #expect(consumer.texts.isEmpty)
    }
}
