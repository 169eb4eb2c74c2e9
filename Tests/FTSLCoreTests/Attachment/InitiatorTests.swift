import FTSLCore
import NIOCore
import Testing

struct InitiatorTests {
    private let refused = Failure(.peer, .unreachable, "refused")

    private func fail(_ initiator: InitiatorBench, _ failure: Failure? = nil) {
        guard let id = initiator.dial?.id else { return }
        initiator.core.dialFailed(id, failure ?? refused, now: initiator.now)
        initiator.drain()
    }

    @Test("A first connection that fails everywhere ends at once; with retry it goes on")
    func firstFailure() {
        let once = InitiatorBench { $0.endpointCount = 2 }
        once.start()
        fail(once)
        #expect(once.ending == nil && once.dial?.endpoint == 1, "the other endpoint, at once")
        fail(once)
        #expect(once.ending?.outcome == nil && once.ending?.failure?.code == .unreachable)

        let stubborn = InitiatorBench { $0.retryFirst = true }
        stubborn.start()
        for _ in 0..<50 {
            fail(stubborn)
            stubborn.waitForDial()
        }
        #expect(stubborn.ending == nil)
        fail(stubborn, Failure(.local, .hostUnknown, "no such host"))
        #expect(stubborn.ending?.failure?.code == .hostUnknown, "permanent")
    }

    @Test("A first handshake that breaks off is tried again, a refusal is not")
    func brokenFirst() {
        let initiator = InitiatorBench()
        initiator.start()
        for _ in 0..<2 {
            let dials = initiator.dialCount
            _ = initiator.connect()
            initiator.lose()
            if initiator.dialCount == dials { initiator.waitForDial() }
            #expect(initiator.ending == nil)
        }
        _ = initiator.connect()
        initiator.lose()
        #expect(initiator.ending?.failure?.code == .unreachable)
        let refusedAtOnce = InitiatorBench()
        refusedAtOnce.start()
        fail(refusedAtOnce)
        #expect(refusedAtOnce.ending?.failure?.code == .unreachable)
    }

    @Test("So is a connection that was reset before its peer was verified")
    func brokenBeforeFirst() throws {
        let initiator = InitiatorBench()
        initiator.start()
        let reset = Failure(.peer, .unreachable, "connection reset by peer")
        for isLast in [false, false, true] {
            let dial = try #require(initiator.dial)
            initiator.core.handshakeBroke(dial.id, reset, now: initiator.now)
            initiator.drain()
            #expect((initiator.ending == nil) == !isLast)
            if !isLast, initiator.dial?.id == dial.id { initiator.waitForDial() }
        }
        #expect(initiator.ending?.failure == reset)
    }

    @Test("The whole time to the first session is limited where that is asked for")
    func firstTimeout() {
        let initiator = InitiatorBench {
            $0.retryFirst = true
            $0.firstTimeout = .seconds(3)
        }
        initiator.start()
        for _ in 0..<100 where initiator.ending == nil {
            fail(initiator)
            initiator.waitForDial()
        }
        #expect(initiator.ending?.failure?.code == .timedOut)
        #expect(initiator.now == .ms(3_000))
    }

    @Test("A dial or a question without an answer is given up after ten seconds")
    func deadlines() {
        let initiator = InitiatorBench { $0.retryFirst = true }
        initiator.start()
        initiator.waitForDial()
        #expect(initiator.now == .ms(10_000))
        _ = initiator.connect()
        initiator.waitForDial()
        #expect(initiator.now == .ms(20_000) || initiator.now <= .ms(20_050))
        #expect(initiator.core.lastFailure?.code == .silentPeer)
    }

    @Test("Before CONFIRM left, a lost connection starts over; afterwards it resumes")
    func startOver() {
        let initiator = InitiatorBench { $0.retryFirst = true }
        let acceptor = AcceptorBench()
        initiator.start()
        #expect(firstKind(in: initiator.connect()) == .open)
        initiator.lose()
        initiator.waitForDial()
        open(initiator, acceptor)
        initiator.lose()
        initiator.waitForDial()
        #expect(firstKind(in: initiator.connect()) == .resume)
    }

    @Test("Every dial has a higher number, and a refused one is followed by a higher one")
    func numbers() throws {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        open(initiator, acceptor)
        var last: UInt64 = 0
        for _ in 0..<5 {
            initiator.lose()
            initiator.waitForDial()
            var reader = HandshakeReader()
            reader.append(initiator.connect())
            let frame = try #require(now { try? reader.next() })
            guard case .resume(let resume) = frame.message else {
                Issue.record("no RESUME")
                return
            }
            #expect(resume.attachment.value > last)
            last = resume.attachment.value
        }
    }

    /// [FTSL §4.4]
    private func loseAndResume(_ initiator: InitiatorBench, _ acceptor: AcceptorBench) {
        let dials = initiator.dialCount
        initiator.lose()
        if initiator.dialCount == dials { initiator.waitForDial() }
        resume(initiator, acceptor)
    }

    @Test("A link that dies before any acknowledgement, but carries bytes, is dialled at once")
    func progressWithoutAcknowledgement() throws {
        for upward in [true, false] {
            let initiator = InitiatorBench()
            let acceptor = AcceptorBench()
            initiator.start()
            open(initiator, acceptor)
            let mine = try #require(initiator.core.session)
            let theirs = try #require(acceptor.core.session(acceptor.core.sessionIDs[0]))
            for _ in 0..<20 {
                (upward ? mine : theirs).write(ByteBuffer(string: "x"), to: .main)
                loseAndResume(initiator, acceptor)
            }
            #expect((upward ? theirs : mine).receivingChannels[0].bytesReceived == 20)
            // Once it cannot know yet.
            #expect(initiator.now <= .ms(50))
        }
    }

    @Test("A link that carries nothing is dialled less and less often")
    func noProgress() {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        open(initiator, acceptor)
        for _ in 0..<20 { loseAndResume(initiator, acceptor) }
        #expect(initiator.now > .ms(10_000))
    }

    @Test("'Gone' is believed when heard again half a minute later, not before")
    func goneTwice() {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        let stranger = AcceptorBench(instance: 9)
        initiator.start()
        open(initiator, acceptor)
        initiator.lose()
        let start = initiator.now
        for _ in 0..<200 where initiator.ending == nil {
            initiator.waitForDial()
            stranger.now = initiator.now
            initiator.say(stranger.say(initiator.connect(), on: stranger.accept()))
        }
        #expect(initiator.now.since(start) >= .seconds(30))
        #expect(initiator.now.since(start) <= .seconds(50))
        guard case .lost(let failure, _, _) = initiator.ending?.outcome else {
            Issue.record("\(initiator.ending as Any)")
            return
        }
        #expect(failure.code == .sessionGone)
    }

    @Test("A failure to connect between two 'gone' makes the first count for nothing")
    func goneInterrupted() {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        let stranger = AcceptorBench(instance: 9)
        initiator.start()
        open(initiator, acceptor)
        initiator.lose()
        for turn in 0..<60 {
            initiator.waitForDial()
            if turn % 2 == 0 {
                fail(initiator)
            } else {
                stranger.now = initiator.now
                initiator.say(stranger.say(initiator.connect(), on: stranger.accept()))
            }
        }
        #expect(initiator.now.since(.ms(0)) > .seconds(90))
        #expect(initiator.ending == nil)
    }

    @Test("A connection closed without an answer is no 'gone' either")
    func goneAndSilence() {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        let stranger = AcceptorBench(instance: 9)
        initiator.start()
        open(initiator, acceptor)
        initiator.lose()
        for turn in 0..<60 {
            initiator.waitForDial()
            let question = initiator.connect()
            if turn % 2 == 0 {
                initiator.lose()
            } else {
                stranger.now = initiator.now
                initiator.say(stranger.say(question, on: stranger.accept()))
            }
        }
        #expect(initiator.now.since(.ms(0)) > .seconds(90))
        #expect(initiator.ending == nil)
    }

    @Test("'Gone' of one endpoint is not final while another has not said it")
    func goneEverywhere() {
        let initiator = InitiatorBench { $0.endpointCount = 2 }
        let acceptor = AcceptorBench()
        let stranger = AcceptorBench(instance: 9)
        initiator.start()
        open(initiator, acceptor)
        initiator.lose()
        for _ in 0..<60 where initiator.ending == nil {
            initiator.waitForDial()
            if initiator.dial?.endpoint == 1 {
                stranger.now = initiator.now
                initiator.say(stranger.say(initiator.connect(), on: stranger.accept()))
            } else {
                fail(initiator)
            }
        }
        #expect(initiator.ending == nil)
    }

    @Test("An OPENED or RESUMED that is not authentic is a failure, not a session")
    func forgedAnswers() throws {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        var answer = acceptor.say(initiator.connect(), on: acceptor.accept())
        answer.setInteger(UInt8(0xFF), at: answer.readerIndex + 20)
        initiator.say(answer)
        #expect(initiator.core.session == nil)
        #expect(initiator.core.lastFailure?.code == .authenticationFailed)
        #expect(initiator.ending?.outcome == nil)
        #expect(initiator.ending?.failure?.code == .authenticationFailed)
    }

    @Test("The same session from another instance at the same generation is not obeyed")
    func otherInstance() {
        // Two acceptors that make the same choices know the same secret, but are not one process.
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench(instance: 1, seed: 5)
        let copy = AcceptorBench(instance: 2, seed: 5)
        initiator.start()
        let question = initiator.connect()
        copy.say(question, on: copy.accept())
        let id = acceptor.accept()
        acceptor.say(initiator.say(acceptor.say(question, on: id)), on: id)
        #expect(copy.core.sessionIDs == acceptor.core.sessionIDs)
        initiator.lose()
        initiator.waitForDial()
        resume(initiator, copy)
        #expect(initiator.core.session?.isAttached == false)
        #expect(copy.confirmed == 0)
        #expect(initiator.ending?.failure?.code == .fenced)
    }

    /// [FTSL §4.4]
    @Test("'Later' is obeyed: the next question comes after the time that was named")
    func later() {
        let acceptor = AcceptorBench { $0.concurrentSessions = 0 }
        let initiator = InitiatorBench()
        initiator.start()
        initiator.say(acceptor.say(initiator.connect(), on: acceptor.accept()))
        #expect(initiator.ending == nil)
        initiator.waitForDial()
        #expect(initiator.now == .ms(500))
    }

    /// [FTSL §4.4]
    @Test("Who is put off for long asks less often")
    func putOff() {
        let acceptor = AcceptorBench { $0.concurrentSessions = 0 }
        let initiator = InitiatorBench()
        initiator.start()
        var gaps: [Int] = []
        for _ in 0..<12 {
            let before = initiator.now
            initiator.say(acceptor.say(initiator.connect(), on: acceptor.accept()))
            initiator.waitForDial()
            gaps.append(Int(initiator.now.since(before).wholeNanoseconds / 1_000_000))
        }
        #expect(gaps == [500, 500, 500, 500, 500, 625, 781, 976, 1_000, 1_000, 1_000, 1_000])
    }

    @Test("A session that nobody can carry on ends when its patience does")
    func giveUp() {
        let initiator = InitiatorBench { $0.giveUpAfter = .seconds(7) }
        let acceptor = AcceptorBench()
        initiator.start()
        open(initiator, acceptor)
        initiator.lose()
        for _ in 0..<100 where initiator.ending == nil {
            fail(initiator)
            initiator.waitForDial()
        }
        #expect(initiator.now == .ms(7_000))
        guard case .lost(let failure, _, _) = initiator.ending?.outcome else {
            Issue.record("\(initiator.ending as Any)")
            return
        }
        #expect(failure.code == .sessionTimeout)
    }

    @Test("Told to try now, a waiting initiator dials at once")
    func retryNow() {
        let initiator = InitiatorBench { $0.retryFirst = true }
        initiator.start()
        for _ in 0..<12 {
            fail(initiator)
            initiator.waitForDial()
        }
        fail(initiator)
        let count = initiator.dialCount
        initiator.core.retryNow(now: initiator.now)
        #expect(initiator.dialCount == count + 1)
        initiator.core.retryNow(now: initiator.now)
        #expect(initiator.dialCount == count + 1, "one dial at a time")
    }

    @Test("Bytes and endings of connections that were given up change nothing")
    func oldConnections() throws {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        open(initiator, acceptor)
        let old = try #require(initiator.dial?.id)
        initiator.lose()
        initiator.waitForDial()
        resume(initiator, acceptor)
        initiator.core.receive(old, bytes("nonsense"), now: initiator.now)
        initiator.core.closed(old, nil, now: initiator.now)
        initiator.drain()
        #expect(initiator.core.connection == initiator.dial?.id)
        #expect(initiator.core.session?.outcome == nil)
    }
}
