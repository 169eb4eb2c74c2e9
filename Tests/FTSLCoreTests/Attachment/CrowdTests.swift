import FTSLCore
import NIOCore
import Testing

/// What many peers, or one that comes again and again, can make an acceptor hold.
struct CrowdTests {
    @Test("A parked session whose peer may know success makes room like any other")
    func unabortable() throws {
        let acceptor = AcceptorBench {
            $0.maxSessions = 3
            $0.limits = SessionLimits(sessionTimeout: .seconds(1_000))
        }
        for seed in 1...20 as ClosedRange<UInt64> {
            let initiator = InitiatorBench(seed: seed)
            initiator.start()
            let id = open(initiator, acceptor)
            let session = try #require(acceptor.core.sessionIDs.last.flatMap(acceptor.core.session))
            var fin = ByteBuffer()
            StreamFrame.fin(.main, position: 0, digest: StreamDigest().value).encode(into: &fin)
            acceptor.say(fin, on: id)
            session.tookEnd(.main)
            session.finish(.main)
            _ = acceptor.hear(id)
            // Its FIN is out and the peer's is acknowledged; the peer leaves without a word.
            #expect(!session.abort(Failure(.local, .evicted, "no")), "not to be aborted any more")
            acceptor.core.closed(id, nil, now: acceptor.now)
            acceptor.drain()
            #expect(acceptor.core.activeSessions <= 3)
        }
        #expect(acceptor.core.sessionIDs.count == 3)
        #expect(acceptor.core.tombstones == 0)
    }

    @Test("A parked session that holds what its reader has not taken is evicted once")
    func untaken() throws {
        let acceptor = AcceptorBench { $0.parkedMemory = 1_000 }
        let initiator = InitiatorBench()
        initiator.start()
        let id = open(initiator, acceptor)
        let name = try #require(acceptor.core.sessionIDs.first)
        var data = ByteBuffer()
        StreamFrame.dataHeader(.main, position: 0, count: 2_000, into: &data)
        data.writeImmutableBuffer(pattern(2_000))
        acceptor.say(data, on: id)
        #expect(acceptor.core.session(name)?.heldBytes == 2_000)
        acceptor.core.closed(id, nil, now: acceptor.now)
        acceptor.drain()
        guard case .aborted(let failure, _, _) = acceptor.core.session(name)?.outcome else {
            Issue.record("it still holds more than parked sessions may")
            return
        }
        #expect(failure.code == .evicted)
        #expect(acceptor.core.tombstones == 1 && acceptor.core.activeSessions == 0)
    }

    @Test("A session that comes and goes for hours leaves no heap of timers behind")
    func timers() {
        let acceptor = AcceptorBench {
            $0.limits = SessionLimits(
                heartbeat: .milliseconds(100), sessionTimeout: .seconds(24 * 3_600))
        }
        let initiator = InitiatorBench()
        initiator.start()
        var connection = open(initiator, acceptor)
        for _ in 0..<2_000 {
            initiator.lose()
            acceptor.core.closed(connection, nil, now: acceptor.now)
            acceptor.drain()
            initiator.waitForDial()
            acceptor.now = max(acceptor.now, initiator.now) + .milliseconds(300)
            initiator.now = acceptor.now
            acceptor.core.handleTimeout(now: acceptor.now)
            connection = resume(initiator, acceptor)
        }
        #expect(acceptor.core.timerCount <= Bound.timersPerSession * 17)
    }

    @Test("Who was refused gets one answer, whatever else it sent along")
    func refusedOnce() throws {
        let acceptor = AcceptorBench { $0.maxSessions = 0 }
        let initiator = InitiatorBench()
        initiator.start()
        var question = initiator.connect()
        question.writeImmutableBuffer(question)
        let id = acceptor.accept()
        let answer = acceptor.say(question, on: id)
        #expect(verdict(in: answer)?.code == .limits)
        #expect(acceptor.closes(id).map { $0?.code } == [.limits])
        #expect(acceptor.core.refusals == [.limits: 1])
    }
}
