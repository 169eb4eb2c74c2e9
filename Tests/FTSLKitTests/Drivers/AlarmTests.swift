import FTSLCore
import NIOCore
import NIOEmbedded
import Testing

import FTSLKit

struct AlarmTests {
    private let loop = EmbeddedEventLoop()

    private func instant(_ milliseconds: UInt64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    private func advance(to milliseconds: UInt64) {
        loop.advanceTime(to: .uptimeNanoseconds(milliseconds * 1_000_000))
    }

    @Test("It rings once, at its time and not before")
    func once() {
        var rings = 0
        let alarm = Alarm(on: loop) { rings += 1 }
        alarm.set(for: instant(50))
        advance(to: 49)
        #expect(rings == 0)
        advance(to: 50)
        #expect(rings == 1)
        advance(to: 1_000)
        #expect(rings == 1)
    }

    @Test("An earlier time replaces a later one; a later one waits for the ring that comes anyway")
    func moved() {
        var rings: [UInt64] = []
        var now: UInt64 = 0
        let alarm = Alarm(on: loop) { rings.append(now) }
        alarm.set(for: instant(50))
        alarm.set(for: instant(20))
        alarm.set(for: instant(80))
        for time in stride(from: 5, through: 200, by: 5) as StrideThrough<UInt64> {
            now = time
            advance(to: time)
        }
        #expect(rings == [20])
        alarm.set(for: instant(300))
        now = 300
        advance(to: 300)
        #expect(rings == [20, 300])
    }

    @Test("Cancelled means silent, until it is set again; never is never")
    func cancelled() {
        var rings = 0
        let alarm = Alarm(on: loop) { rings += 1 }
        alarm.set(for: instant(10))
        alarm.cancel()
        alarm.set(for: .distantFuture)
        advance(to: 100)
        #expect(rings == 0)
        alarm.set(for: instant(110))
        advance(to: 110)
        #expect(rings == 1)
    }
}
