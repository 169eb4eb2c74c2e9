import FTSLCore
import FTSLSimulation
import TestSupport
import Testing

/// What the protocol promises about time and memory, measured in virtual seconds.
@Suite(.computing)
struct PromiseTests {
    /// [FTSL §9]
    @Test("An hour without a network blocks the producer and drops nothing")
    func anHour() {
        let scenario = Scenario.transfer(seconds: 60).with(
            Fault(.time(2_000), .refuse(3_600_000)),
            Fault(.time(2_000), .cut(loses: true, initiator: 0, acceptor: 0)))
        let world = World(scenario)
        world.run(until: 100 * second)
        let early = world.written(by: 0)
        world.run(until: 3_500 * second)
        #expect(world.written(by: 0) == early, "the producer waits")
        #expect(early < 6_000_000)
        let report = world.run()
        #expect(report.violation == nil)
        #expect(report.isComplete)
        #expect(report.client.peakRetained <= 1 << 20)
        #expect(report.duration > 3_600 * second)
    }

    @Test("A transfer makes progress on a link that dies every 300 ms")
    func dyingLink() {
        let scenario = Scenario.transfer(seconds: 10).with(
            Fault(.time(500), .flap(every: 300, times: 400)))
        let report = scenario.check()
        #expect(report.isComplete)
        #expect(report.client.attachedAt.count > 20, "it died again and again")
        #expect(report.duration < 60 * second, "it ended while the link still kept dying")
    }

    @Test("A silent peer is noticed within two and a half heartbeats", arguments: 1...40)
    func silence(_ seed: UInt64) {
        let deadAt = 700 + Int(seed) * 37
        for direction in Direction.allCases {
            let scenario = Scenario.transfer(seconds: 4, seed: seed).with(
                Fault(.time(deadAt), .halfOpen(direction)))
            let report = scenario.check()
            #expect(report.isComplete)
            let noticed = report.client.detachedAt.first ?? .max
            // The last byte may have been on its way when the wire died; the acceptor's end tells the
            // other.
            let latest = UInt64(deadAt) * millisecond + 2_500 * millisecond + 100 * millisecond
            #expect(noticed <= latest, "\(direction): noticed at \(noticed)")
        }
    }

    @Test("A cut in a working network costs two round trips: one to connect, one to resume")
    func oneRoundTrip() {
        for byte in stride(from: UInt64(1_000), to: 300_000, by: 9_000) {
            let scenario = Scenario.transfer(seconds: 5).with(
                Fault(.bytes(.up, byte), .cut(loses: true, initiator: 0, acceptor: 0)))
            let report = scenario.check()
            let lost = report.client.detachedAt.first ?? 0
            let back = report.client.attachedAt.dropFirst().first ?? .max
            let trip = 2 * scenario.clients[0].shape.latency
            #expect(back - lost <= 2 * trip + 5 * millisecond, "\(back - lost) ns")
        }
    }

    @Test("After an outage a session is back within one back-off step and its round trips")
    func afterOutage() {
        for outage in stride(from: 100, to: 40_000, by: 900) {
            let scenario = Scenario.transfer(seconds: 5, seed: UInt64(outage)).with(
                Fault(.time(1_000), .refuse(outage)),
                Fault(.time(1_000), .cut(loses: true, initiator: 0, acceptor: 0)))
            let report = scenario.check()
            #expect(report.isComplete)
            let over = (1_000 + UInt64(outage)) * millisecond
            let back = report.client.attachedAt.dropFirst().first ?? .max
            // Full jitter below a doubling ceiling: the step in progress is not longer than the cap,
            // and not much longer than the outage itself.
            let step = min(
                Bound.redialCap.wholeNanoseconds,
                2 * UInt64(outage) * millisecond + 100 * millisecond)
            #expect(back <= over + step + 50 * millisecond, "outage \(outage) ms")
        }
    }

    @Test("A reader that reads nothing for half a minute stops its channel and nothing else")
    func neverReads() {
        var scenario = Scenario.transfer(seconds: 10)
        scenario.clients[0].acceptor.read.firstPause = 30_000
        scenario.clients[0].initiator.write.chunk = 64 << 10
        let report = scenario.check()
        #expect(report.isComplete)
        #expect(report.client.attachedAt.count == 1, "heartbeats went on")
        #expect(report.duration > 30 * second)
    }

    @Test("A slow process and a jumping clock cost connections, not sessions")
    func pausesAndJumps() {
        for role in [Role.initiator, .acceptor] {
            for time in [100, 1_000, 2_600, 9_000, 15_000] {
                for effect in [Fault.Effect.pause(role, time), .jump(role, time)] {
                    let report = Scenario.transfer(seconds: 5).with(Fault(.time(1_500), effect))
                        .check()
                    #expect(report.isComplete, "\(effect)")
                }
            }
        }
    }
}
