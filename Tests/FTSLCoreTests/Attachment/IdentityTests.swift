import FTSLCore
import NIOCore
import Testing

/// A session belongs to the identity that opened it. [FTSL §4.7]
struct IdentityTests {
    private static let ada = PeerIdentity.key("ftsl1:ada")
    private static let bob = PeerIdentity.key("ftsl1:bob")

    private func accept(
        _ acceptor: AcceptorBench, as identity: PeerIdentity, rights: SessionRights = .everything
    ) -> ConnectionID {
        let id = acceptor.accept()
        acceptor.core.authenticated(id, as: identity, rights: rights)
        return id
    }

    /// A session opened by `identity`, and the initiator with its next question ready.
    private func opened(
        by identity: PeerIdentity
    ) -> (InitiatorBench, AcceptorBench, ConnectionID) {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        let id = accept(acceptor, as: identity)
        acceptor.say(initiator.say(acceptor.say(initiator.connect(), on: id)), on: id)
        initiator.lose()
        initiator.waitForDial()
        return (initiator, acceptor, id)
    }

    @Test(
        "A resume with the right secret from another identity, or a weaker or stronger connection, is refused",
        arguments: [
            (ada, bob), (ada, .plaintext), (.plaintext, ada), (.name("a"), .name("b")),
            (.name("ftsl1:ada"), ada), (ada, .name("ftsl1:ada")),
        ] as [(PeerIdentity, PeerIdentity)])
    func foreign(_ owner: PeerIdentity, _ other: PeerIdentity) throws {
        let (initiator, acceptor, first) = opened(by: owner)
        let session = try #require(acceptor.core.sessionIDs.first)
        let highest = acceptor.core.session(session)?.highestAttachment
        let second = accept(acceptor, as: other)
        let answer = try #require(verdict(in: acceptor.say(initiator.connect(), on: second)))
        #expect(answer.kind == .refused && answer.code == .authorityRefused)
        #expect(acceptor.core.connection(of: session) == first, "the session was touched")
        #expect(!acceptor.wasClosed(first))
        #expect(acceptor.core.session(session)?.highestAttachment == highest)
        #expect(acceptor.core.identity(of: session) == owner)
    }

    @Test("A resume from the same identity is served", arguments: [ada, .plaintext, .name("a")])
    func same(_ owner: PeerIdentity) throws {
        let (initiator, acceptor, _) = opened(by: owner)
        let session = try #require(acceptor.core.sessionIDs.first)
        let second = accept(acceptor, as: owner)
        acceptor.say(initiator.say(acceptor.say(initiator.connect(), on: second)), on: second)
        #expect(acceptor.core.connection(of: session) == second)
    }

    @Test("Without the secret an identity learns nothing, not even that the session is another's")
    func secretFirst() throws {
        let (initiator, acceptor, _) = opened(by: Self.ada)
        var question = initiator.connect()
        let last = question.writerIndex - 1
        let byte = try #require(question.getInteger(at: last, as: UInt8.self))
        question.setInteger(byte ^ 1, at: last)
        let second = accept(acceptor, as: Self.bob)
        #expect(verdict(in: acceptor.say(question, on: second))?.kind == .gone)
    }

    @Test("An identity that may not stream opens nothing and resumes nothing of its own")
    func withdrawn() throws {
        let stranger = InitiatorBench(seed: 9)
        let (initiator, acceptor, first) = opened(by: Self.ada)
        stranger.start()
        let opening = accept(acceptor, as: Self.ada, rights: [])
        #expect(
            verdict(in: acceptor.say(stranger.connect(), on: opening))?.code == .authorityRefused)
        let resuming = accept(acceptor, as: Self.ada, rights: [])
        #expect(
            verdict(in: acceptor.say(initiator.connect(), on: resuming))?.code == .authorityRefused)
        let session = try #require(acceptor.core.sessionIDs.first)
        #expect(acceptor.core.sessionIDs.count == 1)
        #expect(acceptor.core.connection(of: session) == first)
    }

    @Test("What was allowed at OPEN and is withdrawn before CONFIRM starts nothing")
    func withdrawnBeforeConfirm() {
        let initiator = InitiatorBench()
        let acceptor = AcceptorBench()
        initiator.start()
        let id = accept(acceptor, as: Self.ada)
        let confirm = initiator.say(acceptor.say(initiator.connect(), on: id))
        acceptor.core.reauthorize { $0 != Self.ada }
        acceptor.say(confirm, on: id)
        #expect(acceptor.confirmed == 0)
        #expect(acceptor.closes(id).contains { $0?.code == .authorityRefused })
    }

    @Test("What was allowed at RESUME and is withdrawn before PROOF takes over nothing")
    func withdrawnBeforeProof() throws {
        let (initiator, acceptor, first) = opened(by: Self.ada)
        let second = accept(acceptor, as: Self.ada)
        let proof = initiator.say(acceptor.say(initiator.connect(), on: second))
        acceptor.core.reauthorize { $0 != Self.ada }
        acceptor.say(proof, on: second)
        let session = try #require(acceptor.core.sessionIDs.first)
        #expect(acceptor.core.connection(of: session) == first)
        #expect(acceptor.closes(second).contains { $0?.code == .authorityRefused })
    }

    @Test("Withdrawing one identity leaves the connections of others and of plaintext alone")
    func others() {
        let acceptor = AcceptorBench()
        for (seed, identity) in [Self.bob, .plaintext, .name("c")].enumerated() {
            let initiator = InitiatorBench(seed: UInt64(seed) + 1)
            initiator.start()
            let id = accept(acceptor, as: identity)
            let confirm = initiator.say(acceptor.say(initiator.connect(), on: id))
            acceptor.core.reauthorize { $0 != Self.ada }
            acceptor.say(confirm, on: id)
        }
        #expect(acceptor.confirmed == 3)
    }

    /// [FTSL §4.4]
    @Test("A verified peer is believed when it says 'gone' once, but only when all have said it")
    func goneOnce() {
        let initiator = InitiatorBench { $0.endpointCount = 2 }
        let acceptor = AcceptorBench()
        let empty = AcceptorBench(instance: 9)
        initiator.start()
        open(initiator, acceptor)
        initiator.lose()
        for endpoint in 0..<2 {
            #expect(initiator.ending == nil, "after \(endpoint) of 2")
            initiator.waitForDial()
            empty.now = initiator.now
            initiator.say(empty.say(initiator.connect(isVerified: true), on: empty.accept()))
        }
        guard case .lost(let failure, _, _) = initiator.ending?.outcome else {
            Issue.record("\(initiator.ending as Any)")
            return
        }
        #expect(failure.code == .sessionGone)
    }
}
