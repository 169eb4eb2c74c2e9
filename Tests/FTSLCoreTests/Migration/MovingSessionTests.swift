import FTSLCore
import NIOCore
import Testing

/// Two hosts and one client, driven by hand. [FTSL §10.3] [FTSL §10.4] [FTSL §10.7]
@Suite("A session that moves")
struct MovingSessionTests {
    private let a = AcceptorBench(instance: 1)
    private let b = AcceptorBench(instance: 2)
    private let client = InitiatorBench { $0.endpointCount = 1 }
    private let target = MoveTarget(endpoints: ["b:1"], key: "", generation: .first)

    init() { client.start() }

    private func id() throws -> SessionID { try #require(a.core.streamSessions.first) }

    /// Freezes at A, carries the image over, activates at B; A has told its client by then.
    private func move(
        application: ByteBuffer? = bytes("7"), unread: ByteBuffer = ByteBuffer()
    ) throws {
        let id = try id()
        a.core.freeze([id])
        let image = try #require(
            a.core.image(of: id, application: application, unread: unread))
        var encoded = ByteBuffer()
        image.encode(into: &encoded)
        let decoded = try SessionImage(from: &encoded)
        #expect(decoded == image && encoded.readableBytes == 0)
        try b.core.adopt(decoded, now: b.now)
        a.core.depart([id], to: target, now: a.now)
        a.drain()
        b.core.activate([id], now: b.now)
        b.drain()
    }

    /// What the client has to say on its newest connection.
    private func said() -> ByteBuffer { client.dial.map { client.hear($0.id) } ?? ByteBuffer() }

    /// The client hears what A still says, and goes to the host it is sent to.
    private func follow(_ connection: ConnectionID) {
        client.say(a.hear(connection))
        resume(client, b)
    }

    private func received(_ session: Session?) -> String {
        var text = ""
        while let event = session?.nextEvent() {
            if case .data(.main, let bytes) = event { text += String(buffer: bytes) }
        }
        return text
    }

    @Test("After a restart of its host a session goes on at one start more, and the same move")
    func restarted() throws {
        let connection = open(client, a)
        let id = try id()
        client.core.session?.write(bytes("abc"), to: .main)
        a.say(said(), on: connection)
        #expect(received(a.core.session(id)) == "abc")
        a.core.freeze([id])
        let image = try #require(a.core.image(of: id, application: nil, unread: bytes("abc")))
        #expect(image.isConsistent && !a.core.isAdopted(id))
        let next = AcceptorBench(instance: 3)
        try next.core.adopt(image, from: .thisHost(isAdopted: false), now: next.now)
        next.core.activate([id], now: next.now)
        next.drain()
        let session = try #require(next.core.session(id))
        #expect(session.host.generation == Generation(moves: 0, starts: 1))
        #expect(!next.core.isAdopted(id))
        session.takeBack(bytes("abc"), from: .main)
        client.lose()
        resume(client, next)
        #expect(received(session) == "abc")
        // Its own last life is behind it.
        #expect(client.core.session?.host.generation == Generation(moves: 0, starts: 1))
    }

    @Test("Bytes of both directions go on where they were, none lost or doubled")
    func bothDirections() throws {
        let connection = open(client, a)
        let id = try id()
        // Some bytes are taken at A, some are on their way when it freezes.
        client.core.session?.write(bytes("abc"), to: .main)
        a.say(said(), on: connection)
        #expect(received(a.core.session(id)) == "abc")
        a.core.session(id)?.took(3, from: .main, now: a.now)
        a.core.session(id)?.write(bytes("123"), to: .main)
        client.core.session?.write(bytes("def"), to: .main)
        let late = said()
        a.core.freeze([id])
        #expect(a.say(late, on: connection).readableBytes == 0)
        try move()
        follow(connection)
        #expect(received(client.core.session) == "123")
        #expect(received(b.core.session(id)) == "def")
        #expect(client.core.session?.host.generation.moves == 1)
        #expect(b.events.contains(.adopted(id)) && b.core.activeSessions == 1)
        #expect(a.core.session(id) == nil && a.core.activeSessions == 0)
    }

    @Test("What an application took and did not use is given to the next one")
    func unread() throws {
        let connection = open(client, a)
        let id = try id()
        client.core.session?.write(bytes("abcdef"), to: .main)
        a.say(said(), on: connection)
        _ = received(a.core.session(id))
        a.core.session(id)?.took(6, from: .main, now: a.now)
        a.core.session(id)?.takeBack(bytes("ef"), from: .main)
        try move(unread: bytes("ef"))
        b.core.session(id)?.takeBack(bytes("ef"), from: .main)
        #expect(received(b.core.session(id)) == "ef")
        follow(connection)
        client.core.session?.write(bytes("g"), to: .main)
        let carrier = try #require(b.core.connection(of: id))
        b.say(said(), on: carrier)
        #expect(received(b.core.session(id)) == "g")
    }

    @Test("What an application had taken and not used leaves with the image")
    func takenAndUnread() throws {
        let connection = open(client, a)
        let id = try id()
        client.core.session?.write(bytes("abcdef"), to: .main)
        a.say(said(), on: connection)
        _ = received(a.core.session(id))
        a.core.session(id)?.took(6, from: .main, now: a.now)
        try move(unread: bytes("ef"))
        b.core.session(id)?.takeBack(bytes("ef"), from: .main)
        #expect(received(b.core.session(id)) == "ef")
    }

    @Test("A session whose outcome was fixed before everything was taken can move")
    func untakenTombstone() throws {
        let connection = open(client, a)
        let id = try id()
        client.core.session?.write(bytes("abcdef"), to: .main)
        a.say(said(), on: connection)
        a.core.session(id)?.abort(Failure(.local, .applicationFailed, "it is enough"))
        a.core.touched(id, now: a.now)
        try move(application: nil)
        #expect(b.core.session(id)?.outcome != nil)
        follow(connection)
        #expect(client.core.session?.outcome != nil)
    }

    @Test("An application that finds no room at its new host is told when there is some")
    func roomAfterMove() throws {
        let connection = open(client, a)
        let id = try id()
        let session = try #require(a.core.session(id))
        while session.room(on: .main) > 0 {
            session.write(pattern(session.room(on: .main)), to: .main)
            client.say(a.hear(connection))
        }
        try move()
        let moved = try #require(b.core.session(id))
        #expect(moved.room(on: .main) == 0)
        follow(connection)
        let carrier = try #require(b.core.connection(of: id))
        var isTold = false
        for _ in 0..<20 where !isTold {
            client.say(b.hear(carrier))
            let count = client.core.session?.receivingChannels[0].buffered ?? 0
            client.core.session?.took(Int(count), from: .main, now: client.now)
            b.say(said(), on: carrier)
            while let event = moved.nextEvent() {
                if case .room = event { isTold = true }
            }
        }
        #expect(isTold)
    }

    @Test("An end that came before the move is an end after it, with both digests agreeing")
    func ends() throws {
        let connection = open(client, a)
        let id = try id()
        client.core.session?.write(pattern(100_000), to: .main)
        client.core.session?.finish(.main)
        a.say(said(), on: connection)
        _ = received(a.core.session(id))
        a.core.session(id)?.took(100_000, from: .main, now: a.now)
        a.core.session(id)?.tookEnd(.main)
        a.core.session(id)?.write(pattern(70_000, from: 5), to: .main)
        try move()
        follow(connection)
        let carrier = try #require(b.core.connection(of: id))
        b.core.session(id)?.finish(.main)
        for _ in 0..<6 {
            client.say(b.hear(carrier))
            if let session = client.core.session {
                session.took(
                    Int(session.receivingChannels[0].buffered), from: .main, now: client.now)
                if session.receivingChannels[0].finPosition != nil { session.tookEnd(.main) }
            }
            b.say(said(), on: carrier)
        }
        #expect(client.core.session?.outcome == .complete)
    }

    @Test("While it is undecided both hosts say later, and afterwards the old one says moved")
    func verdicts() throws {
        let connection = open(client, a)
        let id = try id()
        a.core.freeze([id])
        let image = try #require(
            a.core.image(of: id, application: nil, unread: ByteBuffer()))
        try b.core.adopt(image, now: b.now)
        client.lose()
        a.core.closed(connection, nil, now: a.now)
        for host in [a, b] {
            client.waitForDial()
            let answer = host.say(client.connect(), on: host.accept())
            #expect(verdict(in: answer)?.kind == .later)
            client.say(answer)
        }
        a.core.depart([id], to: target, now: a.now)
        client.waitForDial()
        let answer = a.say(client.connect(), on: a.accept())
        #expect(verdict(in: answer)?.kind == .moved)
        #expect(verdict(in: answer)?.extensions.target?.generation.moves == 1)
        client.say(answer)
        // The named host is dialled next, at once.
        #expect(client.core.learnedEndpoint(try #require(client.dial?.endpoint))?.endpoint == "b:1")
        b.core.activate([id], now: b.now)
        resume(client, b)
        #expect(client.core.session?.host.generation.moves == 1)
    }

    @Test("A thawed session goes on with what came meanwhile")
    func thaw() throws {
        let connection = open(client, a)
        let id = try id()
        a.core.freeze([id])
        client.core.session?.write(bytes("abc"), to: .main)
        a.say(said(), on: connection)
        #expect(received(a.core.session(id)).isEmpty)
        a.core.thaw([id], now: a.now)
        #expect(received(a.core.session(id)) == "abc")
        #expect(a.core.signpostCount == 0)
    }

    @Test(
        "A REDIRECT of somebody who does not know the secret ends the connection, not the session")
    func forgedRedirect() throws {
        let connection = open(client, a)
        var forged = ByteBuffer()
        StreamFrame.redirect(
            .init(
                target: MoveTarget(
                    endpoints: ["evil:1"], key: "", generation: Generation(moves: 9, starts: 0)),
                mac: [UInt8](repeating: 0, count: 32))
        ).encode(into: &forged)
        client.say(forged)
        #expect(client.core.learnedEndpoint(1) == nil)
        _ = connection
    }

    @Test("A client that has met the new host is not served by the old one")
    func stale() throws {
        let connection = open(client, a)
        let id = try id()
        let old = try #require(
            { () -> SessionImage? in
                a.core.freeze([id])
                return a.core.image(of: id, application: nil, unread: ByteBuffer())
            }())
        try move()
        follow(connection)
        // A copy of the old host appears at the old place.
        let copy = AcceptorBench(instance: 3)
        var earlier = old
        earlier.generation = Generation(moves: 0, starts: 0)
        client.lose()
        client.waitForDial()
        try copy.core.adopt(earlier, now: copy.now)
        copy.core.activate([id], now: copy.now)
        let answer = copy.say(client.connect(), on: copy.accept())
        // Same generation, another instance: refused, and nothing was taken.
        #expect(verdict(in: answer)?.code == .fenced)
    }

    @Test("A target whose session is lost and a source that only points there make it gone")
    func heirs() throws {
        let connection = open(client, a)
        try move()
        follow(connection)
        client.lose()
        let empty = AcceptorBench(instance: 4)
        var rounds = 0
        var dials = client.dialCount
        while client.ending == nil, rounds < 60 {
            // The other endpoint is dialled at once; a pass that came to nothing waits.
            if client.dialCount == dials { client.waitForDial() }
            dials = client.dialCount
            guard let dial = client.dial, client.ending == nil else { break }
            let host = dial.endpoint == 0 ? a : empty
            client.say(host.say(client.connect(), on: host.accept()))
            rounds += 1
        }
        #expect(
            client.ending?.failure?.code == .moved || client.ending?.failure?.code == .sessionGone)
    }

    @Test("An image that contradicts itself is refused")
    func contradictions() throws {
        _ = open(client, a)
        let id = try id()
        a.core.freeze([id])
        let image = try #require(
            a.core.image(of: id, application: nil, unread: ByteBuffer()))
        let changes: [(inout SessionImage) -> Void] = [
            { $0.sends[0].acknowledged = 5 }, { $0.sends[0].digestBefore.removeLast() },
            { $0.receives[0].taken = 1 }, { $0.unread = bytes("x") }, { $0.sends = [] },
            { $0.receives[0].channel = .standardError },
        ]
        for change in changes {
            var changed = image
            change(&changed)
            var encoded = ByteBuffer()
            changed.encode(into: &encoded)
            #expect(code { () throws(Failure) in _ = try SessionImage(from: &encoded) } != nil)
        }
    }

    @Test("An image cut anywhere is refused, and nothing crashes")
    func cutImages() throws {
        _ = open(client, a)
        let id = try id()
        a.core.session(id)?.write(bytes("left"), to: .main)
        a.core.freeze([id])
        let image = try #require(
            a.core.image(of: id, application: bytes("s"), unread: ByteBuffer()))
        var whole = ByteBuffer()
        image.encode(into: &whole)
        for length in 0..<whole.readableBytes {
            var cut = try #require(whole.getSlice(at: whole.readerIndex, length: length))
            #expect(code { () throws(Failure) in _ = try SessionImage(from: &cut) } != nil)
        }
    }
}
