import FTSLCore
import NIOCore
import Testing

@Suite("Settling and dead letters [FTSL §7.7]")
struct SettlingTests {
    private let rig = ConsumerRig()

    @Test("RETRY brings a message again after its delay, as another attempt")
    func retry() {
        rig.store("a")
        let consumer = Consumer(rig).connect()
        consumer.retry(1, after: 100)
        #expect(consumer.verdict(on: 1) == .settled)
        #expect(rig.inbox.consumers["c"]?.attempts == [.first: 1])
        rig.pass(milliseconds: 99)
        consumer.exchange()
        #expect(consumer.attempts == [1])
        rig.pass(milliseconds: 1)
        consumer.exchange()
        #expect(consumer.attempts == [1, 2])
        consumer.done(1)
        #expect(rig.inbox.consumers["c"]?.floor.value == 2)
    }

    @Test("A consumer is not at the end while a message waits to be tried again")
    func notAtEnd() {
        rig.store("a")
        let consumer = Consumer(rig).connect()
        #expect(consumer.caughtUp == [2])
        consumer.retry(1, after: 100)
        #expect(consumer.caughtUp == [2])
        rig.pass(milliseconds: 100)
        consumer.exchange()
        #expect(consumer.caughtUp == [2, 2])
    }

    @Test("After so many failures a message is a dead letter; failures survive a restart")
    func attempts() throws {
        rig.store("a", "b")
        let consumer = Consumer(rig) { $0.maxAttempts = 3 }.connect()
        consumer.retry(1)
        consumer.retry(1)
        consumer.cut()
        rig.restart()
        let second = Consumer(rig) { $0.maxAttempts = 3 }.connect()
        #expect(second.attempts.first == 3)
        second.retry(1)
        let letter = try #require(rig.inbox.deadLetter("c", .first))
        #expect(letter.attempts == 3)
        #expect(letter.reason == "3 deliveries failed")
        #expect(rig.inbox.consumers["c"]?.floor.value == 2)
    }

    @Test("DEAD buries at once, and a list shows the reason")
    func dead() {
        rig.store("a", "b")
        let consumer = Consumer(rig).connect()
        consumer.port.dead(.first, reason: "unreadable")
        consumer.exchange()
        let list = Consumer(rig, .deadLetters).connect()
        #expect(list.texts == ["a"])
        #expect(list.caughtUp.count == 1)
        let reasons = list.effects.compactMap {
            if case .began(_, _, let head) = $0 { head.reason } else { nil }
        }
        #expect(reasons == ["unreadable"])
    }

    @Test("Full dead letters stop every member of the group by name")
    func full() {
        rig.limits.maxDeadLetters = 0
        rig.store("a", "b")
        let first = Consumer(rig, .group).connect()
        let second = Consumer(rig, .group).connect()
        first.port.dead(.first, reason: "no")
        first.exchange()
        second.exchange()
        #expect(first.refusals == [.deadLettersFull])
        #expect(second.refusals == [.deadLettersFull])
        rig.limits.maxDeadLetters = 1
        second.port.renew()
        second.exchange()
        #expect(second.texts == ["a", "b"])
    }

    @Test("A letter that is put back comes to its cursor again, now or later")
    func putBack() {
        rig.store("a", "b")
        let consumer = Consumer(rig).connect()
        consumer.port.dead(.first, reason: "no")
        consumer.exchange()
        consumer.done(2)
        let clerk = Consumer(rig, nil)
        clerk.port.return(.first)
        clerk.port.return(InboxIndex(2))
        clerk.connect()
        #expect(
            clerk.effects == [.returned(.first, true), .returned(InboxIndex(2), false)])
        consumer.exchange()
        #expect(consumer.texts == ["a", "b", "a"])
        consumer.cut()
        rig.restart()
        let later = Consumer(rig).connect()
        #expect(later.texts == ["a"])
        later.done(1)
        #expect(rig.inbox.consumers["c"]?.returned == [])
    }

    @Test("RETURN is repeated until it is answered")
    func returnRepeated() {
        rig.store("a")
        let consumer = Consumer(rig).connect()
        consumer.port.dead(.first, reason: "no")
        consumer.exchange()
        let clerk = Consumer(rig, nil)
        clerk.port.return(.first)
        clerk.framesLeft = 1
        clerk.connect()
        #expect(clerk.effects == [])
        clerk.connect()
        #expect(clerk.effects == [.returned(.first, true)])
    }

    @Test("A message that is gone when it should come again is finished")
    func vanished() {
        rig.store("a")
        let consumer = Consumer(rig).connect()
        consumer.port.retry(.first, after: .milliseconds(10))
        consumer.exchange()
        rig.inbox.removeAll()
        rig.pass(milliseconds: 10)
        consumer.exchange()
        #expect(rig.inbox.consumers["c"]?.floor.value == 2)
        #expect(consumer.caughtUp == [2, 2])
    }

    @Test("PROCESSED says how far a cursor is, anew whenever that changes")
    func processed() {
        rig.store("a", "b", "c")
        let consumer = Consumer(rig).connect()
        let session = SessionID(high: 7, low: 7)
        let watch = rig.host.makeWatch(session: session)
        watch.watch(.init(producer: producer, cursor: "c"), owner: nil)
        rig.run()
        func said() -> [MessageFrame] {
            frames(of: WatchPort(watch), now: rig.now)
        }
        #expect(said() == [.processed(.init(floor: LaneSequence(1), ranges: []))])
        #expect(said() == [])
        _ = rig.queue.takeAwake()
        consumer.done(2)
        #expect(rig.queue.takeAwake().contains(session))
        #expect(said() == [.processed(.init(floor: LaneSequence(1), ranges: [2...2]))])
        watch.ended()
        consumer.done(1)
        #expect(said() == [])
    }

    @Test("PROCESSED names dead letters, and what comes after 256 of them waits for the next WATCH")
    func processedDead() {
        let letters = (1...300).map { LaneSequence($0) }
        var all = MessageFrame.Processed(
            floor: LaneSequence(290), ranges: [292...295, 297...300], dead: letters)
        all.bound()
        #expect(all.floor == LaneSequence(257) && all.ranges.isEmpty && all.dead.count == 256)
        var few = MessageFrame.Processed(floor: .first, ranges: [250...400], dead: letters)
        few.bound()
        #expect(few.ranges == [250...256])
        rig.store("a", "b")
        let consumer = Consumer(rig).connect()
        let watch = rig.host.makeWatch(session: SessionID(high: 7, low: 7))
        watch.watch(.init(producer: producer, cursor: "c"), owner: nil)
        consumer.port.dead(.first, reason: "no")
        consumer.exchange()
        #expect(
            frames(of: WatchPort(watch), now: rig.now)
                == [.processed(.init(floor: LaneSequence(2), ranges: [], dead: [.first]))])
    }

    @Test("Who does not own the producer is told nothing")
    func processedOfOthers() {
        let watch = rig.host.makeWatch(session: SessionID(high: 7, low: 7))
        watch.watch(.init(producer: producer, cursor: "c"), owner: "somebody else")
        rig.run()
        #expect(
            frames(of: WatchPort(watch), now: rig.now)
                == [.refused(.watch, .foreignProducer, text: "not yours")])
        let port = ProcessedPort(.init(producer: producer, cursor: "c"))
        port.attached(now: rig.now)
        #expect(
            frames(of: port, now: rig.now) == [.watch(.init(producer: producer, cursor: "c"))])
        #expect(throws: Never.self) {
            try port.receive(.refused(.watch, .foreignProducer, text: "not yours"), now: rig.now)
        }
        #expect(port.takeRefusal()?.code == .foreignProducer)
        port.attached(now: rig.now)
        #expect(frames(of: port, now: rig.now) == [])
    }

    /// Lets a watch speak through a port.
    private final class WatchPort: MessagePort {
        let watch: ProcessedWatch
        init(_ watch: ProcessedWatch) { self.watch = watch }
        func attached(now: Instant) {}
        func detached(now: Instant) {}
        func receive(_ frame: MessageFrame, now: Instant) {}
        func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
            watch.transmit(into: &writer)
        }
        var deadline: Instant { .distantFuture }
        func handleTimeout(now: Instant) {}
    }
}
