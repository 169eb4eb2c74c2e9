import FTSLCore
import NIOCore
import Testing

struct ReceiveChannelTests {
    private func channel(window: UInt64 = 1_000, max: UInt64 = 8_000) -> ReceiveChannel {
        ReceiveChannel(number: .main, window: window, maxWindow: max)
    }

    private func acknowledged(_ frame: StreamFrame) -> (UInt64, UInt64)? {
        if case .ack(_, let acknowledged, let credit) = frame {
            (acknowledged, credit)
        } else {
            nil
        }
    }

    /// [FTSL §5.1]
    @Test("Overlapping data is trimmed: each byte comes out once")
    func overlap() throws {
        var channel = channel()
        #expect(try channel.receive(pattern(100), at: 0, now: .ms(0)) == pattern(100))
        #expect(try channel.receive(pattern(100), at: 0, now: .ms(0)) == nil)
        #expect(
            try channel.receive(pattern(150), at: 0, now: .ms(0)) == pattern(50, from: 100))
        #expect(
            try channel.receive(pattern(30, from: 140), at: 140, now: .ms(0))
                == pattern(20, from: 150))
        #expect(channel.report == (170, digest(pattern(170))))
    }

    /// [FTSL §5.1]
    @Test("Data beyond a hole, beyond the credit or beyond the end is a violation")
    func violations() throws {
        var channel = channel()
        _ = try channel.receive(pattern(10), at: 0, now: .ms(0))
        #expect(
            code { () throws(Failure) in _ = try channel.receive(pattern(1), at: 11, now: .ms(0)) }
                == .positionGap)
        #expect(
            code { () throws(Failure) in
                _ = try channel.receive(pattern(991), at: 10, now: .ms(0))
            } == .creditOverrun)
        #expect(try now { try channel.finish(at: 10, digest: digest(pattern(10))) })
        #expect(
            code { () throws(Failure) in
                _ = try channel.receive(pattern(5, from: 10), at: 10, now: .ms(0))
            } == .contradictoryState)
    }

    /// [FTSL §5.2]
    @Test("Nothing is acknowledged before it is taken, and FIN only with everything before it")
    func acknowledgement() throws {
        var channel = channel()
        _ = try channel.receive(pattern(100), at: 0, now: .ms(0))
        #expect(channel.acknowledged == 0)
        channel.took(60, now: .ms(1))
        #expect(channel.acknowledged == 60)
        _ = try channel.finish(at: 100, digest: digest(pattern(100)))
        channel.tookEnd()
        #expect(channel.acknowledged == 60, "the end is not taken before the bytes")
        channel.took(40, now: .ms(1))
        #expect(channel.acknowledged == 101)
        #expect(!channel.isDone, "the peer does not know yet")
        #expect(acknowledged(channel.announce()) ?? (0, 0) == (101, 1_100))
        #expect(channel.isDone)
    }

    /// [FTSL §5.4]
    @Test("A wrong digest is told before the end is acknowledged")
    func digestMismatch() throws {
        var channel = channel()
        _ = try channel.receive(pattern(100), at: 0, now: .ms(0))
        #expect(
            code { () throws(Failure) in _ = try channel.finish(at: 100, digest: 1) }
                == .digestMismatch)
        #expect(channel.finPosition == nil)
        #expect(
            code { () throws(Failure) in
                _ = try channel.finish(at: 99, digest: digest(pattern(99)))
            } == .positionGap)
    }

    @Test("A repeated end asks for its acknowledgement again; another end contradicts")
    func repeatedEnd() throws {
        var channel = channel()
        _ = try channel.receive(pattern(100), at: 0, now: .ms(0))
        #expect(try now { try channel.finish(at: 100, digest: digest(pattern(100))) })
        _ = channel.announce()
        #expect(try channel.finish(at: 100, digest: digest(pattern(100))) == false)
        #expect(channel.mustAnnounce(now: .ms(0)))
        #expect(
            code { () throws(Failure) in _ = try channel.finish(at: 101, digest: 0) }
                == .contradictoryState)
    }

    /// [FTSL §5.2]
    @Test("An acknowledgement leaves after a quarter of the window, or 25 ms, or with the end")
    func delay() throws {
        var channel = channel(window: 1_000)
        _ = try channel.receive(pattern(400), at: 0, now: .ms(0))
        #expect(channel.acknowledgementDeadline == nil)
        channel.took(249, now: .ms(10))
        #expect(!channel.mustAnnounce(now: .ms(34)))
        #expect(channel.acknowledgementDeadline == .ms(35))
        #expect(channel.mustAnnounce(now: .ms(35)))
        channel.took(1, now: .ms(11))
        #expect(channel.mustAnnounce(now: .ms(11)), "a quarter")
        _ = channel.announce()
        #expect(!channel.mustAnnounce(now: .ms(100)))
        #expect(channel.acknowledgementDeadline == nil)
        channel.tookEnd()
        #expect(channel.mustAnnounce(now: .ms(100)))
    }

    @Test("A deadline that passed without room on the connection does not stay in the past")
    func passedDeadline() throws {
        var channel = channel(window: 1_000)
        _ = try channel.receive(pattern(10), at: 0, now: .ms(0))
        channel.took(10, now: .ms(0))
        channel.acknowledgementPassed(now: .ms(24))
        #expect(channel.acknowledgementDeadline == .ms(25))
        channel.acknowledgementPassed(now: .ms(25))
        #expect(channel.acknowledgementDeadline == nil)
        #expect(channel.mustAnnounce(now: .ms(25)))
    }

    /// [FTSL §5.3]
    @Test("The window grows by doubling while it, not the reader, is what limits")
    func growth() throws {
        var channel = channel(window: 1_000, max: 3_000)
        _ = try channel.receive(pattern(1_000), at: 0, now: .ms(0))
        channel.blocked { _ in true }
        #expect(channel.window == 1_000, "the reader is slow: more credit would only be held")
        channel.took(1_000, now: .ms(0))
        channel.blocked { _ in false }
        #expect(channel.window == 1_000, "the process has no memory to give")
        channel.blocked { _ in true }
        #expect(channel.window == 2_000)
        #expect(acknowledged(channel.announce()) ?? (0, 0) == (1_000, 3_000))
        _ = try channel.receive(pattern(2_000, from: 1_000), at: 1_000, now: .ms(0))
        channel.took(2_000, now: .ms(0))
        channel.blocked { more in
            #expect(more == 1_000)
            return true
        }
        #expect(channel.window == 3_000)
        #expect(acknowledged(channel.announce()) ?? (0, 0) == (3_000, 6_000))
    }

    /// [FTSL §5.3]
    @Test("Of a window more than the share is neither granted nor grown; what was granted stays")
    func share() throws {
        var channel = channel(window: 1_000, max: 8_000)
        channel.share = 400
        _ = try channel.receive(pattern(500), at: 0, now: .ms(0))
        channel.took(99, now: .ms(0))
        #expect(!channel.mustAnnounce(now: .ms(0)))
        channel.took(1, now: .ms(0))
        #expect(channel.mustAnnounce(now: .ms(0)), "a quarter of what is granted")
        #expect(acknowledged(channel.announce()) ?? (0, 0) == (100, 1_000), "never taken back")
        _ = try channel.receive(pattern(500, from: 500), at: 500, now: .ms(0))
        channel.took(900, now: .ms(0))
        #expect(acknowledged(channel.announce()) ?? (0, 0) == (1_000, 1_400))
        channel.blocked { _ in true }
        #expect(channel.window == 1_000)
        channel.share = 4_000
        channel.blocked { _ in true }
        #expect(channel.window == 2_000)
        channel.share = 100
        #expect(now { channel.widen(to: 2_000) { _ in false } }, "an application needs all of it")
        #expect(acknowledged(channel.announce()) ?? (0, 0) == (1_000, 3_000))
    }

    /// [FTSL §5.3]
    @Test("A peer that says BLOCKED and sends nothing gets no larger window")
    func emptyBlocked() throws {
        var channel = channel(window: 1_000, max: 64_000)
        _ = try channel.receive(pattern(999), at: 0, now: .ms(0))
        channel.took(999, now: .ms(0))
        for _ in 0..<10 { channel.blocked { _ in true } }
        #expect(channel.window == 1_000)
        _ = try channel.receive(pattern(1, from: 999), at: 999, now: .ms(0))
        channel.took(1, now: .ms(0))
        for _ in 0..<10 { channel.blocked { _ in true } }
        #expect(channel.window == 2_000, "once for one window's worth")
    }

    /// [FTSL §5.3]
    @Test("BLOCKED is answered at once with much credit, and with little only after the delay")
    func sillyWindow() throws {
        var channel = channel(window: 1_000, max: 1_000)
        _ = try channel.receive(pattern(1_000), at: 0, now: .ms(0))
        channel.blocked { _ in false }
        #expect(!channel.mustAnnounce(now: .ms(0)), "nothing to grant")
        channel.took(20, now: .ms(0))
        channel.blocked { _ in false }
        #expect(!channel.mustAnnounce(now: .ms(24)), "twenty bytes are not worth a frame yet")
        #expect(channel.mustAnnounce(now: .ms(25)))
        channel.took(230, now: .ms(1))
        channel.blocked { _ in false }
        #expect(channel.mustAnnounce(now: .ms(1)))
    }

    /// [FTSL §5.5]
    @Test("A reader that went away takes everything from then on, and says where it was")
    func stop() throws {
        var channel = channel(window: 1_000)
        _ = try channel.receive(pattern(600), at: 0, now: .ms(0))
        channel.took(200, now: .ms(0))
        channel.stop(at: 150, now: .ms(0))
        channel.stop(at: 10, now: .ms(0))
        #expect(channel.stoppedAt == 150)
        #expect(channel.acknowledged == 600)
        #expect(try channel.receive(pattern(300, from: 600), at: 600, now: .ms(1)) == nil)
        #expect(channel.acknowledged == 900)
        _ = try channel.finish(at: 900, digest: digest(pattern(900)))
        #expect(channel.acknowledged == 901, "still counted, digested, acknowledged")
    }

    @Test("Who took the end cannot stop reading any more")
    func stopAfterEnd() throws {
        var channel = channel()
        _ = try channel.finish(at: 0, digest: digest(ByteBuffer()))
        channel.tookEnd()
        channel.stop(at: 0, now: .ms(0))
        #expect(channel.stoppedAt == nil)
    }

    @Test("A new attachment hears the newest values again")
    func reannounce() {
        var channel = channel()
        #expect(!channel.hasNews)
        channel.reannounce()
        #expect(channel.hasNews && channel.mustAnnounce(now: .ms(0)))
        _ = channel.announce()
        #expect(!channel.hasNews)
    }
}
