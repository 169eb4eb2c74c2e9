import FTSLCore
import NIOCore
import Testing

/// [FTSL §7.1]
struct BestEffortTests {
    @Test("At most once: what cannot leave is dropped and counted, what left is stored once")
    func counts() throws {
        let lane = try LanePair()
        let sender = BestEffortPort(
            producer: ProducerID(high: 8, low: 8), rng: CountingGenerator(seed: 1))
        lane.pair.left.port = sender
        sender.attached(now: lane.pair.now)
        #expect(!sender.offer(new("too early"), now: lane.pair.now))
        try lane.run()
        #expect(sender.offer(new("a"), now: lane.pair.now))
        #expect(sender.offer(new("b"), now: lane.pair.now))
        try lane.run()
        #expect(lane.inbox.texts == ["a", "b"])
        #expect(sender.isDrained)

        #expect(sender.offer(new("waits"), now: lane.pair.now))
        lane.pair.cut()
        #expect(!sender.offer(new("nobody there"), now: lane.pair.now))
        lane.pair.resume()
        try lane.run()
        #expect(sender.offer(new("c"), now: lane.pair.now))
        try lane.run()
        #expect(lane.inbox.texts == ["a", "b", "c"])
        #expect(sender.counts.sent == 3)
        #expect(sender.counts.accepted == 3)
        #expect(sender.counts.rejected == 0)
        #expect(sender.counts.dropped == 3)
        #expect(lane.inbox.producers.isEmpty)
        #expect(lane.violations == [])
    }

    @Test("A cut in the middle of a body drops it, and the next one has its number")
    func cutBody() throws {
        let lane = try LanePair()
        let sender = BestEffortPort(
            producer: ProducerID(high: 8, low: 8), rng: CountingGenerator(seed: 1))
        lane.pair.left.port = sender
        sender.attached(now: lane.pair.now)
        try lane.run()
        let body = pattern(100_000)
        #expect(
            sender.offer(
                NewMessage(
                    envelope: Envelope(topic: "t", created: 5), expires: nil,
                    digest: BodyDigest(of: body), body: .inline(body)), now: lane.pair.now))
        _ = try lane.run(bytes: 30_000)
        try lane.cut()
        try lane.run()
        #expect(sender.offer(new("next"), now: lane.pair.now))
        try lane.run()
        #expect(lane.inbox.texts == ["next"])
        #expect(lane.violations == [])
    }
}
