import FTSLCore
import NIOCore
import Testing

struct SessionTests {
    @Test("Both directions arrive whole, each end half-closes by itself, both end complete")
    func complete() {
        let pair = SessionPair()
        pair.left.write(pattern(200_000), to: .main)
        pair.left.finish(.main)
        pair.exchange()
        #expect(pair.received(pair.rightEvents) == pattern(200_000))
        #expect(pair.rightEvents.contains(.finished(.main)))
        #expect(pair.left.outcome == nil, "the other direction is open")
        pair.right.write(pattern(300), to: .main)
        pair.right.finish(.main)
        pair.exchange()
        #expect(pair.received(pair.leftEvents) == pattern(300))
        #expect(pair.left.outcome == .complete && pair.right.outcome == .complete)
        #expect(pair.left.isOver && pair.right.isOver, "both said BYE")
    }

    @Test("Success waits until the reader has taken the end, not only the bytes")
    func takenEnd() {
        let pair = SessionPair()
        pair.takesAtOnce = false
        for session in [pair.left, pair.right] { session.finish(.main) }
        pair.exchange()
        #expect(pair.left.outcome == nil && pair.right.outcome == nil)
        pair.left.tookEnd(.main)
        pair.exchange()
        #expect(pair.right.outcome == nil, "its own reader has not taken the end")
        pair.right.tookEnd(.main)
        pair.exchange()
        #expect(pair.left.outcome == .complete && pair.right.outcome == .complete)
    }

    @Test("What a cut lost is sent again from the position the peer reports")
    func resume() {
        let pair = SessionPair()
        pair.left.write(pattern(1_000), to: .main)
        pair.exchange()
        pair.left.write(pattern(500, from: 1_000), to: .main)
        #expect(pair.said(by: pair.left).readableBytes > 500, "said, and lost")
        pair.cut()
        pair.left.write(pattern(500, from: 1_500), to: .main)
        pair.resume()
        pair.exchange()
        #expect(pair.received(pair.rightEvents) == pattern(2_000))
        #expect(pair.left.sendingChannels[0].replayed == 500)
        #expect(pair.left.statistics.attachments == 2)
    }

    /// [FTSL §5.7]
    @Test("BYE waits for the exit status where the service has one")
    func exitStatus() {
        let pair = SessionPair(flags: .exitStatus)
        for session in [pair.left, pair.right] { session.finish(.main) }
        pair.exchange()
        #expect(pair.left.outcome == nil && pair.right.outcome == nil)
        pair.right.exit(.status(3))
        _ = pair.said(by: pair.right)
        pair.cut()
        pair.resume()
        pair.exchange()
        #expect(pair.leftEvents.contains(.exited(.status(3))), "restated after the cut")
        #expect(pair.left.outcome == .complete && pair.right.outcome == .complete)
    }

    @Test("An initiator that says EXIT, and EXIT where no command runs, break the rules")
    func strayExit() {
        var out = ByteBuffer()
        StreamFrame.exit(.status(0)).encode(into: &out)
        let plain = SessionPair()
        plain.left.receive(out, now: .ms(1))
        plain.drain()
        #expect(plain.leftEvents.detachCodes == [.unexpectedFrame])
        let command = SessionPair(flags: .exitStatus)
        command.right.receive(out, now: .ms(1))
        command.drain()
        #expect(command.rightEvents.detachCodes == [.unexpectedFrame])
    }

    /// [FTSL §5.9]
    @Test("Standard error is a channel of its own, and only one way")
    func standardError() {
        let pair = SessionPair(flags: .standardError)
        pair.right.write(pattern(100), to: .standardError)
        pair.right.write(pattern(50), to: .main)
        pair.left.write(pattern(10), to: .standardError)
        pair.exchange()
        #expect(pair.received(pair.leftEvents, on: .standardError) == pattern(100))
        #expect(pair.received(pair.leftEvents) == pattern(50))
        #expect(pair.received(pair.rightEvents, on: .standardError).readableBytes == 0)
        #expect(pair.left.room(on: .standardError) == 0)
    }

    /// [FTSL §5.5]
    @Test("A writer told STOP ends where it is and says so")
    func stop() {
        let pair = SessionPair(window: 1_024)
        pair.takesAtOnce = false
        pair.left.write(pattern(5_000), to: .main)
        pair.exchange()
        pair.right.took(100, from: .main, now: .ms(1))
        pair.right.stopReading(.main, unread: 30, now: .ms(1))
        pair.right.finish(.main)
        pair.exchange()
        #expect(pair.leftEvents.contains(.stopped(.main, at: 70)))
        pair.left.tookEnd(.main)
        pair.exchange()
        #expect(pair.left.outcome == .stopped(at: 70))
        #expect(pair.right.outcome == .complete)
    }

    /// [FTSL §5.6]
    @Test("ABORT comes after the bytes that were written before it")
    func abort() {
        let pair = SessionPair()
        pair.takesAtOnce = false
        pair.left.write(pattern(900), to: .main)
        #expect(pair.left.abort(Failure(.local, .localInputOutput, "disk full")))
        pair.exchange()
        #expect(pair.right.outcome == nil, "its application has not taken the bytes")
        #expect(pair.received(pair.rightEvents) == pattern(900))
        pair.right.took(900, from: .main, now: .ms(1))
        pair.exchange()
        guard case .aborted(let failure, 900, _) = pair.right.outcome else {
            Issue.record("\(pair.right.outcome as Any)")
            return
        }
        #expect(failure.code == .localInputOutput && failure.text == "disk full")
        #expect(failure.fault == .peer)
        #expect(pair.left.isOver && pair.right.isOver)
    }

    /// [FTSL §5.6]
    @Test("ABORT is refused once the peer may know success")
    func lateAbort() {
        let pair = SessionPair()
        for session in [pair.left, pair.right] { session.finish(.main) }
        _ = pair.step()
        _ = pair.said(by: pair.left)
        #expect(!pair.left.abort(Failure(.local, .applicationFailed, "too late")))
        pair.exchange()
    }

    @Test("Two ends that give up at once both end, whatever each had left to send")
    func bothAbort() {
        let pair = SessionPair(window: 1_024)
        pair.takesAtOnce = false
        let failure = Failure(.local, .applicationFailed, "")
        for session in [pair.left, pair.right] {
            session.write(pattern(9_000), to: .main)
            session.abort(failure)
        }
        pair.exchange()
        #expect(pair.left.isOver && pair.right.isOver)
    }

    @Test("An end that gives up after the other did, before it had read all, ends as well")
    func abortAfterAbort() {
        let pair = SessionPair(window: 1_024)
        pair.takesAtOnce = false
        let failure = Failure(.local, .applicationFailed, "")
        for session in [pair.left, pair.right] { session.write(pattern(9_000), to: .main) }
        pair.right.abort(failure)
        pair.exchange()
        #expect(pair.left.outcome == nil, "it has not read what the other wrote before")
        pair.left.abort(failure)
        pair.exchange()
        #expect(pair.left.isOver && pair.right.isOver)
    }

    @Test("An end that was told ABORT says BYE although it had more to send")
    func byeAfterPeerAbort() {
        let pair = SessionPair(window: 1_024)
        pair.right.write(pattern(9_000), to: .main)
        pair.takesAtOnce = false
        pair.exchange()
        pair.left.abort(Failure(.local, .applicationFailed, ""))
        pair.exchange()
        #expect(pair.right.outcome != nil)
        #expect(pair.left.isOver && pair.right.isOver)
    }

    @Test("A violation is told to the peer, ends the session and condemns the connection")
    func violation() {
        let pair = SessionPair()
        var out = ByteBuffer()
        StreamFrame.dataHeader(.main, position: 7, count: 1, into: &out)
        out.writeInteger(UInt8(0))
        pair.right.receive(out, now: .ms(1))
        pair.drain()
        #expect(pair.rightEvents.detachCodes == [.positionGap])
        pair.left.receive(pair.said(by: pair.right), now: .ms(1))
        pair.drain()
        guard case .aborted(let failure, _, _) = pair.left.outcome else {
            Issue.record("\(pair.left.outcome as Any)")
            return
        }
        #expect(failure.code == .positionGap)
    }

    @Test("A peer with other bytes has diverged, and nobody resynchronises")
    func diverged() {
        let pair = SessionPair()
        pair.left.write(pattern(100), to: .main)
        pair.exchange()
        pair.cut()
        pair.left.attach(
            AttachmentNumber(1),
            reports: [
                ChannelReport(channel: .main, received: 100, digest: 12, oldestRetained: 0)
            ], now: .ms(1))
        pair.drain()
        #expect(pair.leftEvents.detachCodes == [.diverged])
        guard case .aborted = pair.left.outcome else {
            Issue.record("\(pair.left.outcome as Any)")
            return
        }
    }

    @Test(
        "SUPERSEDED loses the session; from an initiator it is a violation"
    )
    func superseded() {
        var out = ByteBuffer()
        StreamFrame.superseded.encode(into: &out)
        let pair = SessionPair()
        pair.left.receive(out, now: .ms(1))
        pair.right.receive(out, now: .ms(1))
        pair.drain()
        guard case .lost(let failure, _, _) = pair.left.outcome else {
            Issue.record("\(pair.left.outcome as Any)")
            return
        }
        #expect(failure.code == .superseded)
        #expect(pair.left.isOver)
        #expect(pair.rightEvents.detachCodes == [.unexpectedFrame])
    }

    /// [FTSL §5.9]
    @Test("Channels that do not exist cannot be acknowledged, stopped, blocked or ended")
    func badChannels() {
        let nine = ChannelNumber(9)
        for frame in [
            StreamFrame.ack(nine, acknowledged: 0, credit: 0), .stop(nine, taken: 0),
            .blocked(nine, position: 0), .fin(nine, position: 0, digest: 0),
        ] {
            let pair = SessionPair()
            var out = ByteBuffer()
            frame.encode(into: &out)
            pair.left.receive(out, now: .ms(1))
            pair.drain()
            #expect(pair.leftEvents.detachCodes == [.badChannel])
        }
    }

    @Test("Room is the read-ahead at first, shrinks with what waits, and its return is told")
    func room() {
        let pair = SessionPair()
        pair.cut()
        let start = pair.left.room(on: .main)
        #expect(start == Bound.readAhead)
        pair.left.write(pattern(start), to: .main)
        #expect(pair.left.room(on: .main) == 0)
        pair.drain()
        #expect(!pair.leftEvents.contains(.room(.main)))
        pair.resume()
        pair.exchange()
        #expect(pair.leftEvents.contains(.room(.main)))
        #expect(pair.left.room(on: .main) > 0)
    }

    @Test("A heartbeat leaves after an interval without anything else, with the newest values")
    func heartbeat() {
        let pair = SessionPair()
        #expect(pair.said(by: pair.left).readableBytes == 0)
        pair.now = .ms(2_999)
        #expect(pair.said(by: pair.left).readableBytes == 0)
        pair.now = .ms(3_000)
        let said = pair.said(by: pair.left)
        #expect(said.getInteger(at: 4, as: UInt8.self) == FrameKind.heartbeat.rawValue)
        #expect(pair.said(by: pair.left).readableBytes == 0)
    }

    @Test(
        "After handleTimeout the deadline is ahead, even when nothing can be sent")
    func deadlinesMoveOn() {
        let pair = SessionPair()
        pair.right.write(pattern(10), to: .main)
        pair.exchange()
        var last = pair.left.deadline
        for _ in 0..<6 {
            pair.left.handleTimeout(now: last)
            #expect(pair.left.deadline > last)
            last = pair.left.deadline
        }
        pair.drain()
        #expect(pair.leftEvents.detachCodes == [.silentPeer], "told once")
    }

    @Test("A session without a connection ends as lost when its time is over, not before")
    func sessionTimeout() {
        let pair = SessionPair()
        pair.left.write(pattern(10), to: .main)
        pair.cut()
        #expect(pair.left.deadline == .ms(100_000))
        pair.left.handleTimeout(now: .ms(99_999))
        #expect(pair.left.outcome == nil)
        pair.left.handleTimeout(now: .ms(100_000))
        guard case .lost(let failure, 0, 0) = pair.left.outcome else {
            Issue.record("\(pair.left.outcome as Any)")
            return
        }
        #expect(failure.code == .sessionTimeout)
        #expect(pair.left.deadline == .distantFuture)
    }
}
