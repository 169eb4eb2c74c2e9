import Foundation
import Testing

@Suite("Signals", .onStage)
struct SignalTests {
    @Test(
        "SIGINT once: what was read is delivered, the peer is told, 130",
        arguments: [SIGINT, SIGTERM])
    func once(_ number: Int32) throws {
        let listener = try stage.listen()
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("in flight")
        try listener.output.atLeast(9)
        client.signal(number)
        try expectStatus(128 + number, client)
        try expectStatus(80, listener.program)
        #expect(try listener.output.allText() == "in flight")
        #expect(try oneSentence(listener.program).contains("interrupted by signal \(number)"))
        #expect(try oneSentence(client).contains("9 bytes were confirmed"))
    }

    @Test("SIGINT before there is a session ends at once")
    func early() throws {
        let port = try Socket.unusedPort()
        let client = try stage.connect("127.0.0.1:\(port)", ["--retry-first", "-v"])
        try client.errors?.line(containing: "next try")
        client.signal(SIGINT)
        try expectStatus(130, client, .seconds(5))
        let listener = try stage.listen()
        listener.program.signal(SIGTERM)
        try expectStatus(143, listener.program, .seconds(5))
    }

    @Test(
        "SIGINT once waits for a peer that is away, no longer than --drain-timeout; twice ends now")
    func twice() throws {
        let listener = try stage.listen(["-k"])
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["--drain-timeout", "1m"], input: .pipe)
        client.input?.write("x")
        try listener.output.atLeast(1)
        relay.refuse()
        relay.cut()
        try client.errors?.line(containing: "lost the connection")
        client.signal(SIGINT)
        #expect(throws: TimeLimitExceeded.self) { try client.wait(.milliseconds(700)) }
        client.signal(SIGINT)
        try expectStatus(130, client, .seconds(5))
        // The first session is parked: the second waits for its turn, and is told to end.
        let second = try stage.connect(listener, ["--drain-timeout", "300ms", "-v"], input: .pipe)
        try second.errors?.line(containing: "waiting")
        second.signal(SIGTERM)
        try expectStatus(143, second, .seconds(8))
    }

    @Test("SIGTERM drains a listener: no new sessions, the running one finishes")
    func drain() throws {
        let listener = try stage.listen(["--exec", "echo begun; cat", "--drain-timeout", "1m"])
        let client = try stage.connect(listener, input: .pipe)
        try client.output?.atLeast(6)
        listener.program.signal(SIGTERM)
        try eventually("new clients are refused") {
            try stage.connect(listener).wait() == .status(69)
        }
        client.input?.write("the rest")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "begun\nthe rest")
        try expectStatus(143, listener.program)
    }

    @Test("A drained session survives the loss of its connection")
    func drainAndResume() throws {
        let listener = try stage.listen(["--exec", "echo begun; cat", "--drain-timeout", "1m"])
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, input: .pipe)
        try client.output?.atLeast(6)
        listener.program.signal(SIGTERM)
        client.input?.write("before, ")
        try client.output?.atLeast(14)
        relay.cut()
        client.input?.write("after")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "begun\nbefore, after")
    }

    @Test("--drain-timeout limits the patience with a session that does not end")
    func drainLimit() throws {
        let listener = try stage.listen(["--exec", "echo begun; cat", "--drain-timeout", "500ms"])
        let client = try stage.connect(listener, ["--give-up-after", "1s"], input: .pipe)
        try client.output?.atLeast(6)
        listener.program.signal(SIGTERM)
        try expectStatus(143, listener.program, .seconds(10))
        try expectStatus(80, client)
    }

    @Test("SIGHUP: the client dials now instead of later")
    func hangUp() throws {
        let listener = try stage.listen()
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["-v"], input: .pipe)
        client.input?.write("a")
        try listener.output.atLeast(1)
        relay.refuse()
        relay.cut()
        // After some failures the next try is far enough away to tell the difference.
        try client.errors?.line("far try", .seconds(60)) { line in
            let words = line.split(separator: " ").suffix(2)
            return words.last == "s" && (words.first.flatMap { Double($0) } ?? 0) >= 2
        }
        relay.open()
        let count = client.errors?.data.count ?? 0
        let start = ContinuousClock.now
        client.signal(SIGHUP)
        try client.errors?.line(containing: "back with", after: count)
        #expect(ContinuousClock.now - start < .milliseconds(900))
        client.input?.close()
        try expectStatus(0, client)
    }

    @Test("SIGUSR1 writes one line of statistics, at both ends")
    func statistics() throws {
        let listener = try stage.listen(input: .pipe)
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("12345")
        try listener.output.atLeast(5)
        client.signal(SIGUSR1)
        let mine = try #require(try client.errors?.object("statistics") { $0.has("bytes_sent") })
        #expect(mine.integer("bytes_sent") == 5)
        listener.program.signal(SIGUSR1)
        let theirs = try listener.errors.object("statistics") { $0.has("sessions") }
        #expect(theirs.integer("sessions") == 1)
        client.input?.close()
        listener.program.input?.close()
        try expectStatus(0, client)
    }

    @Test("A stopped client comes back: SIGTSTP and SIGCONT", arguments: [true, false])
    func stopped(client stopsClient: Bool) throws {
        let listener = try stage.listen(["--heartbeat", "100ms"], input: .pipe)
        let client = try stage.connect(listener, ["--heartbeat", "100ms"], input: .pipe)
        client.input?.write("before ")
        listener.program.input?.write("before ")
        try listener.output.atLeast(7)
        try client.output?.atLeast(7)
        let (sleeper, other) = stopsClient ? (client, listener.program) : (listener.program, client)
        sleeper.signal(SIGTSTP)
        try eventually("it is stopped") { sleeper.state == "T" }
        // The other end notices the silence, and the session waits.
        try other.errors?.line(containing: "lost the connection")
        client.input?.write("after")
        listener.program.input?.write("after")
        sleeper.signal(SIGCONT)
        client.input?.close()
        listener.program.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try listener.output.allText() == "before after")
        #expect(try client.output?.allText() == "before after")
    }

    @Test("An ignored SIGHUP stays ignored: nohup works")
    func nohup() throws {
        let listener = try stage.listen(["-k"], under: ["nohup"])
        listener.program.signal(SIGHUP)
        let client = try stage.connect(listener)
        try expectStatus(0, client)
        #expect(listener.program.end == nil)
    }
}

@Suite("Terminals", .onStage)
struct TerminalTests {
    @Test(
        "The terminal is as before, however the program ends, but for kill -9",
        arguments: [SIGINT, SIGTERM, SIGQUIT])
    func restored(_ number: Int32) throws {
        let terminal = try PseudoTerminal()
        let before = terminal.modes
        let listener = try stage.listen()
        let client = try stage.connect(
            listener, input: .terminal, output: .terminal, errors: .terminal, terminal: terminal)
        let screen = Collector(terminal.master)
        terminal.master.write("typed\n")
        try listener.output.line(containing: "typed")
        client.signal(number)
        try client.wait()
        #expect(terminal.modes == before)
        _ = screen
    }

    @Test("Control-C on the terminal is SIGINT, control-D is the end of input")
    func controlCharacters() throws {
        let terminal = try PseudoTerminal()
        let listener = try stage.listen(["-k"])
        let client = try stage.connect(
            listener, input: .terminal, output: .terminal, errors: .terminal, terminal: terminal)
        let screen = Collector(terminal.master)
        terminal.master.write("one\n")
        try listener.output.line(containing: "one")
        terminal.master.write("\u{3}")
        try expectStatus(130, client)
        let second = try stage.connect(
            listener, input: .terminal, output: .terminal, errors: .terminal, terminal: terminal)
        terminal.master.write("two\n")
        try listener.output.line(containing: "two")
        terminal.master.write("\u{4}")
        try expectStatus(0, second)
        _ = screen
    }

    @Test("A meter appears on a terminal by default, without colour or meter elsewhere")
    func meter() throws {
        let terminal = try PseudoTerminal()
        let listener = try stage.listen()
        let client = try stage.connect(
            listener, ["--interval", "50ms"], input: .pipe, errors: .terminal, terminal: terminal)
        let screen = Collector(terminal.master)
        client.input?.write("some bytes")
        try screen.line(containing: "unacknowledged")
        client.input?.close()
        try expectStatus(0, client)
        let plain = try stage.listen()
        let quiet = try stage.connect(plain, ["--interval", "10ms"], input: .pipe)
        quiet.input?.write("some bytes")
        try plain.output.atLeast(10)
        quiet.input?.close()
        try expectStatus(0, quiet)
        #expect(try quiet.errors?.allText() == "")
    }

    @Test("A terminal that hangs up ends the client; the listener is told")
    func hangUp() throws {
        let terminal = try PseudoTerminal()
        let listener = try stage.listen(["--session-timeout", "2s"])
        let client = try stage.connect(
            listener, input: .terminal, output: .terminal, errors: .terminal, terminal: terminal)
        terminal.master.write("typed\n")
        try listener.output.line(containing: "typed")
        terminal.slave.close()
        terminal.master.close()
        let end = try client.wait()
        #expect(end != .status(0))
        try expectStatus(80, listener.program)
    }
}
