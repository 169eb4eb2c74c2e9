import FTSLCore
import NIOCore
import Testing

struct SendChannelTests {
    private func channel(window: UInt64 = 1_000, written: Int = 0) -> SendChannel {
        var channel = SendChannel(number: .main, window: window)
        if written > 0 { channel.append(pattern(written)) }
        return channel
    }

    /// Takes everything there is to send.
    private func drain(_ channel: inout SendChannel) -> UInt64 {
        var count: UInt64 = 0
        while let piece = channel.take(limit: 300) { count += UInt64(piece.bytes.readableBytes) }
        return count
    }

    private func report(_ received: UInt64, _ digest: UInt64) -> ChannelReport {
        ChannelReport(channel: .main, received: received, digest: digest, oldestRetained: 0)
    }

    @Test("Nothing is sent beyond the credit, and BLOCKED is said once per credit")
    func credit() throws {
        var channel = channel(window: 1_000, written: 1_500)
        #expect(drain(&channel) == 1_000)
        #expect(channel.takeBlocked() == .blocked(.main, position: 1_000))
        #expect(channel.takeBlocked() == nil)
        _ = try channel.acknowledge(100, credit: 1_100)
        #expect(drain(&channel) == 100)
        #expect(channel.takeBlocked() == .blocked(.main, position: 1_100))
    }

    /// [FTSL §5.2]
    @Test("Credit and acknowledgement never go back")
    func monotone() throws {
        var channel = channel(written: 900)
        _ = drain(&channel)
        #expect(try now { try channel.acknowledge(500, credit: 2_000) })
        #expect(try channel.acknowledge(400, credit: 10) == false)
        #expect(channel.acknowledged == 500)
        #expect(channel.credit == 2_000)
    }

    @Test("An acknowledgement of what was never sent is a violation")
    func acknowledgedUnsent() {
        var channel = channel(written: 900)
        _ = channel.take(limit: 300)
        #expect(
            code { () throws(Failure) in _ = try channel.acknowledge(301, credit: 2_000) }
                == .acknowledgedUnsent)
        #expect(channel.credit == 1_000, "and changes nothing")
    }

    /// [FTSL §5.4]
    @Test("FIN comes after all data, needs no credit, once per attachment")
    func fin() throws {
        var channel = channel(window: 1_000, written: 1_000)
        channel.finish()
        #expect(channel.takeFin() == nil, "data first")
        _ = drain(&channel)
        #expect(channel.takeFin() == .fin(.main, position: 1_000, digest: digest(pattern(1_000))))
        #expect(channel.takeFin() == nil)
        try channel.rewind(to: report(1_000, digest(pattern(1_000))))
        #expect(channel.takeFin() != nil, "the peer had all data but not the end")
        try channel.rewind(to: report(1_001, digest(pattern(1_000))))
        #expect(channel.takeFin() == nil, "the peer had the end")
        #expect(!channel.isDone)
        _ = try channel.acknowledge(1_001, credit: 0)
        #expect(channel.isDone)
    }

    @Test("A resume sends again from where the peer stands and counts it")
    func rewind() throws {
        var channel = channel(written: 900)
        _ = drain(&channel)
        try channel.rewind(to: report(250, digest(pattern(250))))
        #expect(channel.next == 250)
        #expect(channel.replayed == 650)
        let piece = try #require(now { channel.take(limit: 5_000) })
        #expect(piece.position == 250)
        #expect(piece.bytes == pattern(650, from: 250))
    }

    /// [FTSL §5.2]
    @Test("Sending goes on behind what the peer has taken since it reported")
    func takenSinceReport() throws {
        var channel = channel(window: 20_000)
        for part in 0..<3 { channel.append(pattern(5_000, from: part * 5_000)) }
        _ = drain(&channel)
        try channel.rewind(to: report(1_000, digest(pattern(1_000))))
        _ = channel.take(limit: 300)
        // What an old connection still carried has arrived: all of the first piece is released.
        #expect(try now { try channel.acknowledge(6_000, credit: 26_000) })
        let piece = try #require(now { channel.take(limit: 300) })
        #expect(piece.position == 6_000)
        #expect(piece.bytes == pattern(300, from: 6_000))
        channel.finish()
        _ = try channel.acknowledge(15_000, credit: 35_000)
        #expect(channel.unsent == 0)
        #expect(channel.takeFin() != nil)
    }

    /// [FTSL §4.3]
    @Test("A peer that stands where it cannot, or has other bytes, has diverged")
    func diverged() throws {
        var channel = channel(written: 900)
        _ = drain(&channel)
        _ = try channel.acknowledge(400, credit: 2_000)
        let cases: [(UInt64, UInt64)] = [
            (399, digest(pattern(399))), (901, digest(pattern(900))),
            (500, digest(pattern(499))), (500, 0),
        ]
        for (position, digest) in cases {
            #expect(
                code { () throws(Failure) in try channel.rewind(to: report(position, digest)) }
                    == .diverged, "\(position)")
        }
        try channel.rewind(to: report(400, digest(pattern(400))))
    }

    @Test("STOP ends the stream where it is; STOP beyond what was written is a contradiction")
    func stop() throws {
        var channel = channel(written: 900)
        _ = channel.take(limit: 300)
        #expect(
            code { () throws(Failure) in try channel.stop(taken: 901) } == .contradictoryState)
        try channel.stop(taken: 120)
        try channel.stop(taken: 300)
        #expect(channel.stoppedAt == 120, "the first one counts")
        #expect(channel.finPosition == 900)
        _ = drain(&channel)
        #expect(channel.takeFin() != nil)
    }

    @Test("An abandoned stream has nothing to send and holds nothing")
    func abandon() {
        var channel = channel(written: 900)
        channel.abandon()
        #expect(channel.unsent == 0)
        #expect(channel.take(limit: 100) == nil)
        #expect(channel.retention.byteCount == 0)
    }
}
