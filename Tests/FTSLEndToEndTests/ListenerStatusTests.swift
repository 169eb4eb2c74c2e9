import Foundation
import Testing

extension Stage {
    /// `ftsl status` as somebody who never sent anything.
    func status(_ arguments: [String], output: Output = .collected) throws -> Program {
        try ftsl(
            ["status"] + arguments, output: output,
            under: ["/usr/bin/env", "XDG_STATE_HOME=\(path("state"))"])
    }

    /// What `status --json` says, an object a line.
    func statusLines(_ arguments: [String]) throws -> [JSONObject] {
        let program = try status(["--json"] + arguments)
        try expectStatus(0, program)
        let text = try program.output?.allText() ?? ""
        let objects = text.split(separator: "\n").compactMap { JSONObject(String($0)) }
        #expect(objects.count == text.split(separator: "\n").count, "\(text)")
        return objects
    }

    func sessions(of name: String) throws -> [JSONObject] {
        try statusLines([name]).filter { $0.string("kind") == "session" }
    }

    /// Waits until a listener has one session that is as it should be.
    @discardableResult
    func session(
        of name: String, _ what: String, _ matches: (JSONObject) -> Bool
    ) throws -> JSONObject {
        var found: JSONObject?
        try eventually(what) {
            let sessions = try sessions(of: name)
            found = sessions.count == 1 ? sessions.first(where: matches) : nil
            return found != nil
        }
        return try #require(found)
    }

    func controlSocket(_ name: String) -> String { path("ftsl/\(name).sock") }
}

@Suite("What status says of listeners", .onStage)
struct ListenerStatusTests {
    @Test("It lists every listener that runs, by its name or port, and none that was killed")
    func list() throws {
        let stage = try stage
        #expect(try stage.statusLines([]).isEmpty)
        let named = try stage.listen(
            ["--exec", "cat", "--name", "echo", "--service", "blue"], under: [])
        let other = try stage.listenForMessages()
        let dead = try stage.listen(["-k"])
        dead.program.destroy()
        let lines = try stage.statusLines([])
        #expect(lines.compactMap { $0.string("name") } == ["\(other.port)", "echo"].sorted())
        let echo = try #require(lines.first { $0.string("name") == "echo" })
        #expect(echo.string("endpoint") == named.endpoint)
        #expect(echo.string("service") == "blue" && echo.string("serves") == "exec")
        #expect(echo.integer("pid") == Int(named.program.pid))
        #expect(echo.integer("sessions") == 0 && echo.number("uptime") != nil)
        let table = try stage.status([])
        try expectStatus(0, table)
        let text = try table.output?.allText() ?? ""
        #expect(text.contains("echo") && text.contains(named.endpoint) && text.contains("blue"))
    }

    @Test("A listener that does not answer is shown as such, and delays nobody for long")
    func stuck() throws {
        let stage = try stage
        let listener = try stage.listen(["-k", "--name", "stuck"])
        listener.program.signal(SIGSTOP)
        let line = try #require(try stage.statusLines([]).first)
        #expect(line.string("name") == "stuck" && line.has("error"))
        listener.program.signal(SIGCONT)
    }

    @Test("A session's positions are what was piped, also after it lost its connection")
    func positions() throws {
        let stage = try stage
        let listener = try stage.listen(["--exec", "cat; sleep 60", "--name", "echo"])
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, input: .pipe)
        client.input?.write(Data(count: 100_000))
        try client.output?.atLeast(100_000)
        let keys = ["received", "taken", "written", "sent", "acknowledged"]
        let first = try stage.session(of: "echo", "everything arrived") { session in
            keys.allSatisfy { session.integer($0) == 100_000 }
        }
        #expect(first.integer("unacknowledged") == 0 && first.integer("attachment") == 0)
        #expect(first.string("state") == "attached" && first.string("peer") == "127.0.0.1")
        #expect(first.string("service") == "exec" && first.number("age") != nil)
        #expect(first.integer("stderr_written") == 0)
        relay.cut()
        let second = try stage.session(of: "echo", "it is back") {
            $0.integer("attachment") == 1 && $0.string("state") == "attached"
        }
        #expect(second.string("session") == first.string("session"))
        let table = try stage.status([listener.endpoint])
        try expectStatus(0, table)
        let id = try #require(first.string("session"))
        #expect(try table.output?.allText().contains(id) == true)
    }

    @Test("The inbox of a listener is shown with its lanes and cursors")
    func inbox() throws {
        let stage = try stage
        let listener = try stage.listenForMessages(["--name", "box"])
        try expectStatus(0, stage.send([listener.endpoint, "hello"]))
        try expectStatus(
            0, stage.tail(["--cursor", "c", "--from", "beginning", "-c", "1", listener.endpoint]))
        let lines = try stage.statusLines(["box"])
        let kinds = lines.compactMap { $0.string("kind") }
        #expect(Set(kinds).isSuperset(of: ["listener", "inbox", "producer", "cursor"]), "\(kinds)")
        #expect(lines.first { $0.string("kind") == "cursor" }?.string("name") == "c")
    }

    @Test("What is no listener and no message is 69; in the form of a message's name it is 66")
    func unknown() throws {
        let stage = try stage
        try expectRefusal(stage.status(["nowhere"]), 69, "nowhere", "no listener")
        try expectRefusal(stage.status(["127.0.0.1:9"]), 69, "127.0.0.1:9")
        try expectRefusal(stage.status([stage.controlSocket("x")]), 66, "x.sock")
        let name = String(repeating: "0", count: 32) + "-1"
        let message = try stage.status([name])
        try expectStatus(66, message)
        #expect(try message.output?.allText() == "unknown\n")
    }

    @Test("--watch says what has changed, and 69 once the listener is gone")
    func watch() throws {
        let stage = try stage
        let listener = try stage.listen(["--exec", "cat", "--name", "echo"])
        let watch = try stage.status(["--watch", "--json", "echo"])
        try watch.output?.line(containing: #""sessions":0"#)
        let client = try stage.connect(listener, input: .pipe)
        try watch.output?.line(containing: #""state":"attached""#)
        client.input?.close()
        try expectStatus(0, client)
        #expect(watch.output?.objects.isEmpty == false)
        listener.program.signal(SIGTERM)
        try expectStatus(69, watch)
    }

    @Test("--watch goes on with a listener that is restarted")
    func watchRestart() throws {
        let stage = try stage
        let listener = try stage.listen(["--exec", "cat", "--name", "echo"])
        let watch = try stage.status(["--watch", "--json", "echo"])
        try watch.output?.line(containing: #""sessions":0"#)
        try expectStatus(0, stage.ftsl(["migrate", "echo", "--restart"]))
        let client = try stage.connect(listener, input: .pipe)
        try watch.output?.line(containing: #""state":"attached""#)
        client.input?.close()
        try expectStatus(0, client)
    }

    @Test("On a terminal --watch draws in the same place")
    func drawing() throws {
        let stage = try stage
        _ = try stage.listen(["-k", "--name", "here"])
        let terminal = try PseudoTerminal()
        let screen = Collector(terminal.master)
        _ = try stage.ftsl(
            ["status", "--watch", "here"], output: .terminal, terminal: terminal)
        try screen.satisfies("a second drawing") { text in
            text.split(separator: "\u{1B}[H", omittingEmptySubsequences: false).count > 2
        }
        #expect(screen.text.contains("listener here") && screen.text.contains("\u{1B}[J"))
    }
}
