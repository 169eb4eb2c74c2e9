import Foundation
import Testing

/// A listener under attack, and a session on it that must not notice.
private struct Victim {
    let listener: Listener
    let session: Program
    private let rounds = Watched(0)

    init(_ options: [String] = []) throws {
        listener = try stage.listen(["--exec", "cat", "-v"] + options)
        session = try stage.connect(listener, input: .pipe)
        try goesOn()
    }

    /// The session answers.
    func goesOn(sourceLocation: SourceLocation = #_sourceLocation) throws {
        rounds.change { $0 += 1 }
        let word = "word \(rounds.current);"
        session.input?.write(word)
        try session.output?.line(containing: word, .seconds(10))
    }

    /// It was never disturbed, and a newcomer gets in at once.
    func end() throws {
        try goesOn()
        let start = ContinuousClock.now
        let newcomer = try stage.connect(listener, input: .pipe)
        newcomer.input?.write("hello")
        try newcomer.output?.atLeast(5, .seconds(10))
        newcomer.input?.close()
        try expectStatus(0, newcomer)
        #expect(ContinuousClock.now - start < .seconds(5))
        session.input?.close()
        try expectStatus(0, session)
        #expect(try session.errors?.allText() == "")
    }

    /// Lines of the log that contain this.
    func lines(_ part: String) throws -> Int {
        try listener.errors.text.split(separator: "\n").count { $0.contains(part) }
    }
}

/// Opens many connections, as many at a time as the kernel lets wait.
private func connections(_ count: Int, to port: Int) throws -> [Descriptor] {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(7), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(7), &limit)
    return try (0..<count).map { _ in try Socket.connect(port) }
}

@Suite("Hostile input leaves other sessions alone")
struct HostileTests {
    @Test(
        "10,000 silent connections: newcomers get in, memory stays bounded, they are closed",
        .onStage(weight: 3))
    func halfOpen() throws {
        let victim = try Victim()
        let strangers = try connections(10_000, to: victim.listener.port)
        try victim.goesOn()
        try victim.end()
        let peak = try #require(victim.listener.program.peakMemory)
        print("10,000 half-open connections: listen at \(peak >> 20) MiB at most")
        #expect(peak < 160 << 20)
        let deadline = ContinuousClock.now + .seconds(20)
        for stranger in strangers {
            let left = max(.zero, deadline - ContinuousClock.now)
            guard stranger.isReadable(within: left) else {
                Issue.record("a silent connection was not closed")
                break
            }
        }
        #expect(try victim.lines("refused") < 20)
    }

    @Test("Slow-loris handshakes are closed after the deadline, byte by byte or not", .onStage)
    func slowLoris() throws {
        let victim = try Victim()
        let question = Wire.open(versions: [1])
        let strangers = try connections(200, to: victim.listener.port)
        let start = ContinuousClock.now
        var open = strangers.count
        var position = 0
        while open > 0, ContinuousClock.now - start < .seconds(20) {
            for stranger in strangers { stranger.write([question[position]]) }
            position = min(position + 1, question.count - 2)
            try victim.goesOn()
            Thread.sleep(forTimeInterval: 0.3)
            open = strangers.count { !$0.isReadable(within: .zero) }
        }
        #expect(open == 0, "\(open) are still open")
        #expect(try victim.lines("no handshake") == 1)
        try victim.end()
    }

    @Test("Noise, in thousands: said once in the log", .onStage)
    func noise() throws {
        let victim = try Victim()
        for round in 0..<20 {
            let strangers = try connections(100, to: victim.listener.port)
            for (number, stranger) in strangers.enumerated() {
                var bytes = [UInt8](repeating: 0, count: 1 + number * 50)
                bytes.withUnsafeMutableBytes {
                    RandomStream(seed: UInt64(round * 100 + number)).fill($0, from: 0)
                }
                // Some look like FTSL at first, some like other protocols.
                switch number % 4 {
                case 0: stranger.write(Wire.preface + bytes)
                case 1: stranger.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                default: stranger.write(bytes)
                }
            }
            try victim.goesOn()
        }
        try victim.end()
        #expect(try victim.lines("refused") < 20)
    }

    @Test("Frames cut off anywhere, and lengths that lie", .onStage)
    func truncated() throws {
        let victim = try Victim()
        let question = Wire.open(versions: [1])
        for count in 0..<question.count {
            let stranger = try Socket.connect(victim.listener.port)
            stranger.write(Array(question[..<count]))
            if count % 2 == 0 { stranger.reset() } else { stranger.close() }
        }
        for length: UInt32 in [0, 4097, 65_546, 1 << 24, .max] {
            for kind: UInt8 in [0x01, 0x04, 0x10, 0xFF] {
                let stranger = try Socket.connect(victim.listener.port)
                stranger.write(Wire.preface + Wire.big(length) + [kind])
                // Nothing of that length is waited for.
                #expect(stranger.isReadable(within: .seconds(5)), "length \(length)")
            }
        }
        try victim.end()
    }

    @Test("Replayed captures of real handshakes open nothing and take over nothing", .onStage)
    func replayed() throws {
        let victim = try Victim()
        let relay = try stage.relay(to: victim.listener)
        let client = try stage.connect(relay.endpoint, ["-q"], input: .pipe)
        client.input?.write("secret")
        try client.output?.atLeast(6)
        relay.cut()
        client.input?.write(" twice")
        try client.output?.atLeast(12)
        let captures = relay.captures
        #expect(captures.count == 2)
        for capture in captures {
            for _ in 0..<5 {
                let stranger = try Socket.connect(victim.listener.port)
                stranger.write(capture)
                shutdown(stranger.raw, CInt(SHUT_WR))
                let answer = try Collector(stranger).all(.seconds(15))
                #expect(answer.range(of: Data("secret".utf8)) == nil)
            }
        }
        client.input?.write(" still mine")
        try client.output?.atLeast(23)
        client.input?.close()
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "secret twice still mine")
        try victim.end()
        // The victim's, the client's and the newcomer's; none by a replay.
        #expect(try victim.lines("opened by") == 3)
    }

    @Test(
        "A listener is no amplifier: it says nothing before it has heard an FTSL preface", .onStage)
    func silentFirst() throws {
        let victim = try Victim()
        let stranger = try Socket.connect(victim.listener.port)
        #expect(!stranger.isReadable(within: .milliseconds(500)))
        stranger.write("GET / HTTP/1.1\r\n\r\n")
        #expect(try Collector(stranger).all(.seconds(5)).isEmpty)
        try victim.end()
    }

    @Test("Sessions that nobody confirms are bounded, and cost no command", .onStage)
    func unconfirmed() throws {
        let victim = try Victim()
        let before = victim.listener.program.peakMemory ?? 0
        for _ in 0..<20 {
            for stranger in try connections(100, to: victim.listener.port) {
                stranger.write(Wire.open(versions: [1]))
                stranger.close()
            }
            try victim.goesOn()
        }
        let after = try #require(victim.listener.program.peakMemory)
        #expect(after - before < 64 << 20)
        try victim.end()
        #expect(try victim.lines("opened by") == 2)
    }
}

@Suite("The independent peer in Python", .needs("/usr/bin/python3"), .onStage(weight: 2))
struct IndependentPeerTests {
    private static let script = "\(Tool.tests)/Peer/ftsl_peer.py"

    private func peer(
        _ arguments: [String], input: Input = .null, output: Output = .collected
    ) throws -> Program {
        try stage.start(
            Launch(
                path: "/usr/bin/python3", arguments: [Self.script] + arguments,
                environment: ["PYTHONDONTWRITEBYTECODE": "1"], input: input, output: output))
    }

    @Test("It connects to the binary, and cuts its connections in the middle of frames")
    func connects() throws {
        let up = try stage.randomFile("up", 2 << 20, seed: 31)
        let down = try stage.randomFile("down", 2 << 20, seed: 32)
        let listener = try stage.listen(input: .file(down), output: .file(stage.path("up.got")))
        let python = try peer(
            ["connect", listener.endpoint, "--cut-after", "300001"], input: .file(up),
            output: .file(stage.path("down.got")))
        try expectStatus(0, python, .seconds(60))
        try expectStatus(0, listener.program)
        try expectSame(up, stage.path("up.got"))
        try expectSame(down, stage.path("down.got"))
    }

    @Test("It listens for the binary, and cuts its connections in the middle of frames")
    func listens() throws {
        let up = try stage.randomFile("up", 2 << 20, seed: 33)
        let down = try stage.randomFile("down", 2 << 20, seed: 34)
        let python = try peer(
            ["listen", "--cut-after", "250007"], input: .file(down),
            output: .file(stage.path("up.got")))
        let line = try #require(try python.errors?.line(containing: "listening on"))
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        let client = try stage.connect(
            "127.0.0.1:\(port)", ["-q"], input: .file(up), output: .file(stage.path("down.got")))
        try expectStatus(0, client, .seconds(60))
        try expectStatus(0, python)
        try expectSame(up, stage.path("up.got"))
        try expectSame(down, stage.path("down.got"))
    }

    /// All that `ftsl_peer.py attack` knows, as its own list says.
    private static let attacks = [
        "forge-session", "forge-mac", "replay-open", "replay-resume", "bad-confirm", "bad-proof",
        "early-bytes", "random-bytes", "random-frames", "empty-frame", "oversize-handshake",
        "data-first", "version-mismatch", "zero-key", "no-versions", "zero-limits", "unknown-ext",
        "oversize", "unknown-kind", "reserved-kind", "second-open", "unknown-extension", "gap",
        "wrong-digest", "data-after-fin", "fin-moved", "ack-beyond", "credit-overrun",
        "position-overflow", "wrong-channel", "exit-from-initiator", "stop-beyond",
        "superseded-from-initiator", "truncated-body", "long-body",
    ]

    @Test("Every attack it knows, ten at a time, leaves a session alone")
    func attack() throws {
        let victim = try Victim()
        var running: [Program] = []
        for name in Self.attacks {
            running.append(try peer(["attack", name, victim.listener.endpoint]))
            if running.count == 10 {
                try expectStatus(0, running.removeFirst(), .seconds(60))
                try victim.goesOn()
            }
        }
        for program in running { try expectStatus(0, program, .seconds(60)) }
        try victim.end()
        let peak = try #require(victim.listener.program.peakMemory)
        #expect(peak < 256 << 20)
    }
}
