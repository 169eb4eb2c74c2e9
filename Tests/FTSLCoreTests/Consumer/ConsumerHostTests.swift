import FTSLCore
import NIOCore
import Testing

@Suite("Cursors in flight [FTSL §7.6]")
struct ConsumerHostTests {
    private let rig = ConsumerRig()

    @Test("A consumer gets every message once, in order, and is told when it has them all")
    func inOrder() {
        rig.store("a", "b", "c")
        let consumer = Consumer(rig).connect()
        #expect(consumer.texts == ["a", "b", "c"])
        #expect(consumer.caughtUp == [4])
        rig.store("d")
        consumer.exchange()
        #expect(consumer.texts == ["a", "b", "c", "d"])
        #expect(consumer.caughtUp == [4, 5])
    }

    @Test("A commit wakes the consumers at the end, and they share one reading")
    func waking() {
        let consumers = (0..<20).map { Consumer(rig, name: "c\($0)").connect() }
        _ = rig.queue.takeAwake()
        rig.requests = []
        rig.store("a")
        rig.run()
        #expect(rig.queue.takeAwake().count == 20)
        #expect(rig.requests.count == 1)
        for consumer in consumers { consumer.exchange() }
        #expect(consumers.allSatisfy { $0.texts == ["a"] })
    }

    @Test("DONE is answered after the commit, and not before")
    func afterCommit() {
        rig.store("a")
        let consumer = Consumer(rig).connect()
        rig.isStoreSlow = true
        consumer.done(1)
        #expect(consumer.verdict(on: 1) == nil)
        rig.isStoreSlow = false
        consumer.exchange()
        #expect(consumer.verdict(on: 1) == .settled)
        #expect(rig.inbox.consumers["c"]?.floor.value == 2)
        #expect(consumer.port.isSettled)
    }

    @Test("What is finished does not come to the next subscriber; what is not, does")
    func goesOn() {
        rig.store("a", "b", "c")
        let first = Consumer(rig).connect()
        first.done(2)
        first.cut()
        first.member.ended()
        let second = Consumer(rig).connect()
        #expect(second.texts == ["a", "c"])
    }

    @Test("The newest subscriber takes a cursor over, and the older one is told")
    func takeOver() {
        rig.store("a", "b")
        let older = Consumer(rig).connect()
        let newer = Consumer(rig).connect()
        older.exchange()
        #expect(older.refusals == [.superseded])
        #expect(newer.texts == ["a", "b"])
        older.port.done(.first)
        older.exchange()
        #expect(rig.inbox.consumers["c"]?.floor.value == 1)
    }

    @Test("Who lost a cursor while away is told when it comes back, and takes nothing back")
    func supersededWhileAway() {
        let older = Consumer(rig).connect()
        older.cut()
        let newer = Consumer(rig).connect()
        older.connect()
        #expect(older.refusals == [.superseded])
        rig.store("a")
        newer.exchange()
        #expect(newer.texts == ["a"])
        #expect(newer.refusals == [])
    }

    @Test("Members of a group share the messages by turns")
    func turns() {
        let group = (0..<3).map { _ in Consumer(rig, .group).connect() }
        rig.store("a", "b", "c", "d", "e", "f")
        for member in group { member.exchange() }
        #expect(group.map(\.texts) == [["a", "d"], ["b", "e"], ["c", "f"]])
    }

    @Test("A member without credit gets nothing more, and holds nobody up")
    func credit() {
        let slow = Consumer(rig, .group) { $0.maxMessages = 1 }.connect()
        let quick = Consumer(rig, .group).connect()
        slow.takesAtOnce = false
        rig.store("a", "b", "c", "d")
        slow.exchange()
        quick.exchange()
        #expect(slow.texts == ["a"])
        #expect(quick.texts == ["b", "c", "d"])
        slow.port.took(messages: 1, bytes: 1)
        rig.store("e", "f")
        slow.exchange()
        quick.exchange()
        #expect(slow.texts.count + quick.texts.count == 6)
        #expect(slow.texts.count == 2)
    }

    @Test("A lease goes to another member when its session ends")
    func sessionEnds() {
        rig.store("a", "b")
        let first = Consumer(rig, .group).connect()
        let second = Consumer(rig, .group).connect()
        #expect(second.texts == [])
        first.cut()
        first.member.ended()
        rig.run()
        second.exchange()
        #expect(second.texts == ["a", "b"])
        #expect(second.attempts == [2, 2])
    }

    @Test("A lease lasts a while without a connection, then goes to another member")
    func leaseEnds() {
        rig.store("a")
        let first = Consumer(rig, .group).connect()
        let second = Consumer(rig, .group).connect()
        first.cut()
        rig.pass(milliseconds: 29_999)
        second.exchange()
        #expect(second.texts == [])
        rig.pass(milliseconds: 1)
        second.exchange()
        #expect(second.texts == ["a"])
        first.attach()
        first.done(1)
        #expect(first.verdict(on: 1) == .fenced)
        second.done(1)
        #expect(second.verdict(on: 1) == .settled)
    }

    @Test("What was held is sent again under its lease, and the application sees it once")
    func redelivered() {
        rig.store("a", "b")
        let consumer = Consumer(rig).connect()
        consumer.cut()
        consumer.connect()
        #expect(consumer.texts == ["a", "b"])
        consumer.done(1)
        consumer.done(2)
        #expect(consumer.verdict(on: 2) == .settled)
        #expect(rig.inbox.consumers["c"]?.floor.value == 3)
    }

    @Test("An ephemeral subscription leaves no trace, and goes on where it was")
    func ephemeral() {
        rig.store("a", "b")
        let consumer = Consumer(rig, .ephemeral).connect()
        consumer.cut()
        rig.store("c")
        consumer.connect()
        #expect(consumer.texts == ["a", "b", "c"])
        #expect(consumer.caughtUp == [3, 4])
        #expect(rig.inbox.consumers.isEmpty)
    }

    @Test("An ephemeral subscription from the end misses nothing while it is away")
    func ephemeralFromEnd() {
        rig.store("a")
        let consumer = Consumer(rig, .ephemeral) { $0.start = .end }.connect()
        consumer.cut()
        rig.store("b")
        consumer.connect()
        #expect(consumer.texts == ["b"])
    }

    @Test("A large body comes in pieces, as far as credit goes")
    func largeBody() {
        let body = pattern(3 << 20)
        rig.inbox.putLarge(body)
        rig.store("after")
        let consumer = Consumer(rig) { $0.maxBytes = 200_000 }
        consumer.takesAtOnce = false
        consumer.connect()
        var received = ByteBuffer()
        func count() -> Int {
            received = ByteBuffer()
            for case .body(_, let bytes) in consumer.effects {
                received.writeImmutableBuffer(bytes)
            }
            return received.readableBytes
        }
        #expect(count() == 200_000)
        var taken = 0
        while taken < body.readableBytes {
            let have = min(count(), body.readableBytes)
            guard have > taken else { break }
            consumer.port.took(messages: 0, bytes: UInt64(have - taken))
            taken = have
            consumer.exchange()
        }
        #expect(received.getSlice(at: 0, length: body.readableBytes) == body)
        #expect(consumer.indexes == [1, 2])
    }

    @Test("A cursor that may not see all that its filter lets through is refused")
    func permissions() {
        let allowed = InboxPermissions(send: nil, consume: TopicFilter(["a.#"]))
        let wide = Consumer(rig, permissions: allowed).connect()
        #expect(wide.refusals == [.topicForbidden])
        let narrow = Consumer(rig, name: "n", permissions: allowed) {
            $0.filter = TopicFilter(["a.*"])
        }.connect()
        #expect(narrow.refusals == [])
        let nobody = Consumer(
            rig, .ephemeral, permissions: InboxPermissions(send: .everything, consume: nil)
        ).connect()
        #expect(nobody.refusals == [.topicForbidden])
    }

    @Test("An ephemeral subscription sees what it may see")
    func permittedPart() {
        rig.store("no", topic: "b")
        rig.store("yes", topic: "a.x")
        let allowed = InboxPermissions(send: nil, consume: TopicFilter(["a.#"]))
        #expect(Consumer(rig, .ephemeral, permissions: allowed).connect().texts == ["yes"])
        let outside = Consumer(rig, .ephemeral, permissions: allowed) {
            $0.filter = TopicFilter(["b"])
        }.connect()
        #expect(outside.refusals == [.topicForbidden])
    }

    @Test("Another inbox, or an older host than the one met, is refused")
    func identity() {
        let other = Consumer(rig) { $0.inbox = InboxID(high: 1, low: 2) }.connect()
        #expect(other.refusals == [.inboxChanged])
        let ahead = Consumer(rig) { $0.generation = Generation(moves: 1, starts: 0) }.connect()
        #expect(ahead.refusals == [.staleGeneration])
    }

    @Test("Thousands of messages keep little in memory and all come")
    func many() {
        for _ in 0..<5_000 { rig.inbox.put("x") }
        rig.host.stored(upTo: rig.inbox.nextIndex)
        let consumer = Consumer(rig)
        consumer.answersAtOnce = true
        consumer.connect()
        #expect(consumer.indexes == Array(1...5_000))
        #expect(rig.inbox.consumers["c"]?.floor.value == 5_001)
    }

    @Test("Nothing is leased that could not be finished")
    func finishedAhead() {
        rig.store("first", "second")
        rig.inbox.removed = 0
        let consumer = Consumer(rig).connect()
        consumer.done(2)
        let gap = Bound.finishedAhead
        rig.inbox.stored.append(
            StoredMessage(
                index: InboxIndex(gap + 1), producer: producer, sequence: LaneSequence(9),
                envelope: Envelope(topic: "t", created: 1), stored: 1,
                digest: BodyDigest(count: 0, digest: digest()), body: .inline(ByteBuffer())))
        rig.inbox.removed = gap - 2
        rig.host.stored(upTo: InboxIndex(gap + 2))
        consumer.exchange()
        #expect(consumer.indexes == [1, 2])
        consumer.done(1)
        #expect(consumer.indexes == [1, 2, gap + 1])
    }
}
