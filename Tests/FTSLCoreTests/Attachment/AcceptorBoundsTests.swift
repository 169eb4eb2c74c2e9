import FTSLCore
import NIOCore
import Testing

struct AcceptorBoundsTests {
    private func clients(_ count: Int, _ acceptor: AcceptorBench) -> [InitiatorBench] {
        (0..<count).map { index in
            let initiator = InitiatorBench(seed: UInt64(index) + 10)
            initiator.start()
            open(initiator, acceptor)
            return initiator
        }
    }

    private func ask(_ acceptor: AcceptorBench, seed: UInt64, from source: String = "a")
        -> ByteBuffer
    {
        let initiator = InitiatorBench(seed: seed)
        initiator.start()
        return acceptor.say(initiator.connect(), on: acceptor.accept(from: source))
    }

    @Test("At the limit the oldest stranger goes, so that newcomers get in")
    func shedding() {
        let acceptor = AcceptorBench { $0.maxUnprovenConnections = 3 }
        let strangers = (0..<5).map { _ in acceptor.accept() }
        #expect(acceptor.core.unprovenConnections == 3)
        #expect(strangers.map { acceptor.wasClosed($0) } == [true, true, false, false, false])
        let initiator = InitiatorBench()
        initiator.start()
        open(initiator, acceptor)
        #expect(acceptor.confirmed == 1)
    }

    @Test("Connections that proved themselves are not strangers, whatever sits before them")
    func provenAreNotCounted() {
        let acceptor = AcceptorBench { $0.maxUnprovenConnections = 3 }
        let stranger = acceptor.accept()
        _ = clients(10, acceptor)
        #expect(acceptor.core.unprovenConnections == 1)
        #expect(!acceptor.wasClosed(stranger))
    }

    /// [FTSL §6]
    @Test("A stranger has ten seconds")
    func handshakeDeadline() {
        let acceptor = AcceptorBench()
        let id = acceptor.accept()
        #expect(acceptor.core.deadline == .ms(10_000))
        acceptor.core.handleTimeout(now: .ms(9_999))
        acceptor.drain()
        #expect(!acceptor.wasClosed(id))
        acceptor.core.handleTimeout(now: .ms(10_000))
        acceptor.drain()
        #expect(acceptor.wasClosed(id))
        #expect(acceptor.core.deadline == .distantFuture)
    }

    /// [FTSL §4.1]
    @Test("A session that was never confirmed is forgotten after a minute")
    func unconfirmed() {
        let acceptor = AcceptorBench()
        _ = ask(acceptor, seed: 4)
        #expect(acceptor.core.sessionIDs.count == 1)
        acceptor.core.handleTimeout(now: .ms(59_999))
        #expect(acceptor.core.sessionIDs.count == 1)
        acceptor.core.handleTimeout(now: .ms(60_000))
        #expect(acceptor.core.sessionIDs.isEmpty)
        #expect(acceptor.core.reservedMemory == 0)
    }

    @Test("Sixteen unconfirmed sessions an address without a connection; the oldest go first")
    func unconfirmedPerAddress() {
        let acceptor = AcceptorBench()
        var first: SessionID?
        for seed in 0..<40 {
            let initiator = InitiatorBench(seed: UInt64(seed) + 1)
            initiator.start()
            let id = acceptor.accept(from: "a")
            acceptor.say(initiator.connect(), on: id)
            if seed == 0 { first = acceptor.core.sessionIDs.first }
            acceptor.core.closed(id, nil, now: acceptor.now)
        }
        // The newest was connected when it was counted.
        #expect(acceptor.core.sessionIDs.count == Bound.unconfirmedPerAddress + 1)
        #expect(first.map { acceptor.core.sessionIDs.contains($0) } == false)
        _ = ask(acceptor, seed: 99, from: "b")
        #expect(acceptor.core.sessionIDs.count == Bound.unconfirmedPerAddress + 2)
    }

    @Test("When one session may run the next is told to come again, or refused")
    func busy() throws {
        for (policy, kind) in [
            (AcceptorConfiguration.WhenBusy.wait, VerdictKind.later), (.refuse, .refused),
        ] {
            let acceptor = AcceptorBench {
                $0.concurrentSessions = 1
                $0.whenBusy = policy
            }
            _ = clients(1, acceptor)
            let answer = try #require(verdict(in: ask(acceptor, seed: 50)))
            #expect(answer.kind == kind && answer.code == .busy)
        }
    }

    @Test("At its limit a source loses its own oldest parked session, and only that")
    func evictsOwnParked() throws {
        let acceptor = AcceptorBench { $0.maxSessionsPerSource = 2 }
        let mine = clients(2, acceptor)
        let ids = acceptor.core.sessionIDs
        #expect(verdict(in: ask(acceptor, seed: 50, from: "10.0.0.1"))?.code == .limits)
        #expect(firstKind(in: ask(acceptor, seed: 51, from: "b")) == .opened)
        let connection = try #require(acceptor.core.connection(of: ids[1]))
        acceptor.core.closed(connection, nil, now: acceptor.now)
        #expect(firstKind(in: ask(acceptor, seed: 52, from: "10.0.0.1")) == .opened)
        #expect(acceptor.core.session(ids[0])?.outcome == nil)
        guard case .aborted(let failure, _, _) = acceptor.core.session(ids[1])?.outcome else {
            Issue.record("nothing was evicted")
            return
        }
        #expect(failure.code == .evicted)
        #expect(mine.count == 2)
    }

    /// Loses the connections of all sessions, one a millisecond, each with this much unsent.
    private func park(_ acceptor: AcceptorBench, _ bytes: Int) throws -> [SessionID] {
        let ids = acceptor.core.sessionIDs
        for (index, id) in ids.enumerated() {
            let session = try #require(acceptor.core.session(id))
            session.write(pattern(bytes), to: .main)
            acceptor.now = .ms(index)
            let connection = try #require(acceptor.core.connection(of: id))
            acceptor.core.closed(connection, nil, now: acceptor.now)
        }
        return ids
    }

    @Test("Parked sessions hold no more than their memory; the longest parked goes first")
    func parkedMemory() throws {
        let acceptor = AcceptorBench {
            $0.parkedMemory = 150_000
            $0.parkedSharePerSource = 1
        }
        let all = clients(3, acceptor)
        let ids = try park(acceptor, 60_000)
        #expect(acceptor.core.session(ids[0])?.outcome != nil)
        #expect(acceptor.core.session(ids[0])?.heldBytes == 0, "evicted for its memory")
        #expect(acceptor.core.session(ids[1])?.outcome == nil)
        #expect(acceptor.core.session(ids[2])?.outcome == nil)
        #expect(all.count == 3)
    }

    @Test("One identity's parked sessions hold its share at most, and the others keep theirs")
    func parkedShare() throws {
        let acceptor = AcceptorBench {
            $0.parkedMemory = 400_000
            $0.parkedSharePerSource = 4
        }
        for (seed, name) in ["quiet", "greedy", "greedy"].enumerated() {
            let initiator = InitiatorBench(seed: UInt64(seed) + 20)
            initiator.start()
            let id = acceptor.accept()
            acceptor.core.authenticated(id, as: .key(name), rights: .everything)
            acceptor.say(initiator.say(acceptor.say(initiator.connect(), on: id)), on: id)
        }
        let ids = try park(acceptor, 60_000)
        let ended = ids.map { acceptor.core.session($0)?.outcome != nil }
        #expect(ended == [false, true, false], "the greedy one loses its own oldest")
    }

    @Test("When tombstones are full a new session is refused, never an old one forgotten")
    func tombstones() throws {
        let acceptor = AcceptorBench { $0.maxTombstones = 2 }
        _ = clients(2, acceptor)
        let failure = Failure(.local, .killedByOperator, "")
        for id in acceptor.core.sessionIDs { acceptor.core.abort(id, failure, now: acceptor.now) }
        #expect(acceptor.core.tombstones == 2)
        #expect(verdict(in: ask(acceptor, seed: 60))?.code == .limits)
        #expect(acceptor.core.sessionIDs.count == 2)
    }

    @Test("A tombstone goes with the session's time-out")
    func tombstoneTimeout() {
        let acceptor = AcceptorBench { $0.limits = SessionLimits(sessionTimeout: .seconds(30)) }
        let initiators = clients(1, acceptor)
        let id = acceptor.core.sessionIDs[0]
        acceptor.core.abort(id, Failure(.local, .killedByOperator, ""), now: acceptor.now)
        if let connection = acceptor.core.connection(of: id) {
            acceptor.core.closed(connection, nil, now: acceptor.now)
        }
        acceptor.core.handleTimeout(now: .ms(29_999))
        #expect(acceptor.core.tombstones == 1)
        acceptor.core.handleTimeout(now: .ms(30_000))
        #expect(acceptor.core.tombstones == 0)
        acceptor.drain()
        #expect(acceptor.events.contains(.forgotten(id)))
        #expect(initiators.count == 1)
    }

    @Test("Without memory for another session OPEN is refused, and memory comes back")
    func memory() throws {
        let acceptor = AcceptorBench { $0.maxMemory = 300 << 10 }
        _ = clients(2, acceptor)
        #expect(verdict(in: ask(acceptor, seed: 60))?.code == .limits)
        #expect(acceptor.core.reservedMemory <= 300 << 10)
    }

    @Test("A draining listener opens nothing and resumes what it has")
    func draining() {
        let acceptor = AcceptorBench()
        let initiator = clients(1, acceptor)[0]
        acceptor.core.isDraining = true
        #expect(verdict(in: ask(acceptor, seed: 60))?.code == .shuttingDown)
        initiator.lose()
        initiator.waitForDial()
        let id = resume(initiator, acceptor)
        #expect(acceptor.core.connection(of: acceptor.core.sessionIDs[0]) == id)
    }

    @Test("Many sessions: a timer looks at those that are due and the deadline is always ahead")
    func timers() {
        let acceptor = AcceptorBench()
        _ = clients(50, acceptor)
        var last = Instant.ms(0)
        for _ in 0..<200 {
            let deadline = acceptor.core.deadline
            guard deadline != .distantFuture else { break }
            #expect(deadline > last)
            last = deadline
            acceptor.core.handleTimeout(now: deadline)
            for id in acceptor.core.sessionIDs {
                while let event = acceptor.core.session(id)?.nextEvent() {
                    guard case .detach(let failure) = event else { continue }
                    acceptor.core.detachRequested(id, failure, now: deadline)
                }
            }
            acceptor.drain()
        }
        #expect(acceptor.core.sessionIDs.isEmpty, "silence, then the session time-out, ended all")
    }
}
