import FTSLCore
import NIOCore
import Testing

struct AcceptorTests {
    private func opened() -> (InitiatorBench, AcceptorBench, ConnectionID) {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        return (initiator, acceptor, open(initiator, acceptor))
    }

    /// [FTSL §4.2]
    @Test("OPEN, OPENED, CONFIRM: the service starts at CONFIRM and not before")
    func opening() throws {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        let id = acceptor.accept()
        let answer = acceptor.say(initiator.connect(), on: id)
        #expect(firstKind(in: answer) == .opened)
        #expect(acceptor.confirmed == 0)
        #expect(acceptor.core.activeSessions == 0)
        acceptor.say(initiator.say(answer), on: id)
        #expect(acceptor.confirmed == 1)
        #expect(acceptor.core.activeSessions == 1)
        let session = try #require(acceptor.core.sessionIDs.first)
        #expect(acceptor.core.connection(of: session) == id)
    }

    /// [FTSL §4.2]
    @Test("A CONFIRM with any bit turned starts nothing")
    func flippedConfirm() throws {
        for bit in stride(from: 0, to: 37 * 8, by: 5) {
            let initiator = InitiatorBench()
            let acceptor = AcceptorBench()
            initiator.start()
            let id = acceptor.accept()
            var confirm = initiator.say(acceptor.say(initiator.connect(), on: id))
            let place = confirm.readerIndex + bit / 8
            let byte = try #require(confirm.getInteger(at: place, as: UInt8.self))
            confirm.setInteger(byte ^ (1 << UInt8(bit % 8)), at: place)
            let answer = acceptor.say(confirm, on: id)
            #expect(acceptor.confirmed == 0)
            #expect(answer.readableBytes == 0, "a stranger gets no answer it could learn from")
        }
    }

    /// [FTSL §4.3]
    @Test("A resume takes over at PROOF; the old connection is told SUPERSEDED and closed")
    func takeover() throws {
        let (initiator, acceptor, first) = opened()
        initiator.lose()
        initiator.waitForDial()
        let second = acceptor.accept()
        let resumed = acceptor.say(initiator.connect(), on: second)
        #expect(firstKind(in: resumed) == .resumed)
        let session = try #require(acceptor.core.sessionIDs.first)
        #expect(acceptor.core.connection(of: session) == first, "RESUME alone changes nothing")
        acceptor.say(initiator.say(resumed), on: second)
        #expect(acceptor.core.connection(of: session) == second)
        #expect(acceptor.wasClosed(first))
        var superseded = ByteBuffer()
        StreamFrame.superseded.encode(into: &superseded)
        #expect(acceptor.hear(first) == superseded)
        #expect(acceptor.confirmed == 1)
    }

    @Test("Bytes in the old connection's socket are not read after a takeover")
    func oldBytes() throws {
        let (initiator, acceptor, first) = opened()
        let old = try #require(initiator.dial?.id)
        let session = try #require(initiator.core.session)
        session.write(pattern(100), to: .main)
        let late = initiator.hear(old)
        #expect(late.readableBytes > 100)
        initiator.lose()
        initiator.waitForDial()
        resume(initiator, acceptor)
        acceptor.say(late, on: first)
        let id = try #require(acceptor.core.sessionIDs.first)
        let received = acceptor.core.session(id)?.receivingChannels[0].received
        #expect(received == 100, "from the new connection alone")
    }

    /// [FTSL §4.6]
    @Test("Of two resumes in flight the higher number wins, whichever proves last")
    func staleProof() throws {
        let (initiator, acceptor, _) = opened()
        initiator.lose()
        initiator.waitForDial()
        let second = acceptor.accept()
        let lateProof = initiator.say(acceptor.say(initiator.connect(), on: second))
        initiator.lose()
        initiator.waitForDial()
        let third = resume(initiator, acceptor)
        let session = try #require(acceptor.core.sessionIDs.first)
        #expect(acceptor.core.connection(of: session) == third)
        acceptor.say(lateProof, on: second)
        #expect(acceptor.core.connection(of: session) == third)
        #expect(acceptor.closes(second).contains { $0?.code == .staleAttachment })
    }

    /// [FTSL §4.6]
    @Test("A replayed RESUME is refused once its number was proven")
    func replayedResume() throws {
        let (initiator, acceptor, _) = opened()
        initiator.lose()
        initiator.waitForDial()
        let id = acceptor.accept()
        let question = initiator.connect()
        let proof = initiator.say(acceptor.say(question, on: id))
        acceptor.say(proof, on: id)
        let replay = acceptor.accept(from: "6.6.6.6")
        let answer = try #require(verdict(in: acceptor.say(question, on: replay)))
        #expect(answer.kind == .refused && answer.code == .staleAttachment)
        let session = try #require(acceptor.core.sessionIDs.first)
        #expect(acceptor.core.connection(of: session) == id)
    }

    /// [FTSL §4.4]
    @Test("An unknown session and a wrong MAC get the same answer")
    func gone() throws {
        let (initiator, acceptor, _) = opened()
        let other = AcceptorBench(instance: 5)
        initiator.lose()
        initiator.waitForDial()
        let question = initiator.connect()
        var tampered = question
        let last = tampered.writerIndex - 1
        let byte = try #require(tampered.getInteger(at: last, as: UInt8.self))
        tampered.setInteger(byte ^ 1, at: last)
        let wrongMAC = acceptor.say(tampered, on: acceptor.accept())
        let unknown = other.say(question, on: other.accept())
        #expect(wrongMAC == unknown)
        #expect(verdict(in: unknown)?.kind == .gone)
    }

    /// [FTSL §4.2]
    @Test("A lost CONFIRM is made good by PROOF; the service starts once")
    func proofConfirms() {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        let id = acceptor.accept()
        _ = initiator.say(acceptor.say(initiator.connect(), on: id))
        acceptor.core.closed(id, nil, now: acceptor.now)
        initiator.lose()
        initiator.waitForDial()
        resume(initiator, acceptor)
        #expect(acceptor.confirmed == 1)
        initiator.lose()
        initiator.waitForDial()
        resume(initiator, acceptor)
        #expect(acceptor.confirmed == 1)
    }

    /// [FTSL §4.1]
    @Test("No common version is refused with the versions that are spoken here")
    func versions() throws {
        let initiator = InitiatorBench()
        initiator.start()
        var question = initiator.connect()
        // The one version offered: behind the preface, the header and the count.
        question.setInteger(UInt16(9), at: question.readerIndex + 8 + 5 + 1)
        let acceptor = AcceptorBench()
        let answer = try #require(verdict(in: acceptor.say(question, on: acceptor.accept())))
        #expect(answer.code == .versionMismatch)
        #expect(answer.extensions.supportedVersions == ProtocolVersion.supported)
        #expect(acceptor.core.sessionIDs.isEmpty)
    }

    /// [FTSL §5.8]
    @Test("An ended session leaves a tombstone that tells its outcome, until the peer's BYE")
    func tombstone() throws {
        let (initiator, acceptor, first) = opened()
        let session = try #require(acceptor.core.sessionIDs.first)
        acceptor.core.session(session)?.abort(Failure(.local, .killedByOperator, "enough"))
        acceptor.core.touched(session, now: acceptor.now)
        acceptor.drain()
        #expect(acceptor.core.activeSessions == 0)
        #expect(acceptor.core.tombstones == 1)
        _ = acceptor.hear(first)  // and lost
        acceptor.core.closed(first, nil, now: acceptor.now)
        initiator.lose()
        initiator.waitForDial()
        resume(initiator, acceptor)
        guard case .aborted(let failure, _, _) = initiator.core.session?.outcome else {
            Issue.record("\(initiator.core.session?.outcome as Any)")
            return
        }
        #expect(failure.code == .killedByOperator)
        #expect(acceptor.core.tombstones == 0)
        #expect(acceptor.core.sessionIDs.isEmpty)
    }

    /// [FTSL §3.1]
    @Test("What is not FTSL is closed without an answer")
    func foreign() {
        let acceptor = AcceptorBench()
        let id = acceptor.accept()
        #expect(acceptor.say(bytes("GET / HTTP/1.1\r\n\r\n"), on: id).readableBytes == 0)
        #expect(acceptor.closes(id).contains { $0?.code == .notFTSL })
        #expect(acceptor.core.refusals[.notFTSL] == 1)
        acceptor.say(bytes("more"), on: id)
        #expect(acceptor.closes(id).count == 1)
    }
}
