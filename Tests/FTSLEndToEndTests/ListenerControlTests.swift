import Foundation
import Testing

@Suite("What an operator does to sessions", .onStage)
struct SessionControlTests {
    @Test("--kill ends a session by the beginning of its id, and its client is told why")
    func kill() throws {
        let stage = try stage
        let listener = try stage.listen(["--exec", "cat", "--name", "echo"])
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("hello\n")
        try client.output?.line(containing: "hello")
        let id = try #require(
            try stage.session(of: "echo", "a session") { $0.string("state") == "attached" }
                .string("session"))
        // No session begins with what is not the beginning of this one.
        let wrong = id.hasPrefix("0") ? "1" : "0"
        try expectRefusal(stage.status(["echo", "--kill", wrong]), 66, "no session")
        try expectStatus(0, stage.status(["echo", "--kill", String(id.prefix(8))]))
        try expectStatus(80, client)
        #expect(try oneSentence(client).contains("operator"))
        try eventually("it is forgotten") { try stage.sessions(of: "echo").isEmpty }
        #expect(listener.program.end == nil)
    }

    @Test("A beginning that more than one session has is refused with their ids")
    func ambiguous() throws {
        let stage = try stage
        let listener = try stage.listen(["--exec", "cat", "--name", "echo"])
        // Two of seventeen have the same first digit.
        for _ in 0..<17 { _ = try stage.connect(listener, input: .pipe) }
        try eventually("all are there") { try stage.sessions(of: "echo").count == 17 }
        let firsts = try stage.sessions(of: "echo").compactMap { $0.string("session")?.first }
        let twice = try #require(firsts.first { first in firsts.count { $0 == first } > 1 })
        try expectRefusal(stage.status(["echo", "--kill", "\(twice)"]), 64, "more than one")
        #expect(try stage.sessions(of: "echo").count == 17)
    }

    @Test("--expire forgets a session without a connection, and no other")
    func expire() throws {
        let stage = try stage
        let listener = try stage.listen(
            ["--exec", "cat", "--name", "echo", "--heartbeat", "100ms"])
        let client = try stage.connect(listener, ["--heartbeat", "100ms"], input: .pipe)
        let session = try stage.session(of: "echo", "it is attached") {
            $0.string("state") == "attached"
        }
        let id = try #require(session.string("session"))
        try expectRefusal(stage.status(["echo", "--expire", id]), 64, "--kill")
        client.signal(SIGSTOP)
        try stage.session(of: "echo", "it is parked") {
            $0.string("state") == "parked" && $0.number("offline") != nil
        }
        try expectStatus(0, stage.status(["echo", "--expire", id]))
        #expect(try stage.sessions(of: "echo").isEmpty)
        client.signal(SIGCONT)
        client.signal(SIGKILL)
    }
}

@Suite("Control sockets", .onStage)
struct ControlSocketTests {
    @Test("The socket is private, goes with its listener, and one that was left is replaced")
    func life() throws {
        let stage = try stage
        let socket = stage.controlSocket("a")
        let first = try stage.listen(["-k", "--name", "a"])
        #expect(try mode(socket) == 0o600 && mode(stage.path("ftsl")) == 0o700)
        first.program.destroy()
        #expect(FileManager.default.fileExists(atPath: socket))
        let second = try stage.listen(["-k", "--name", "a"])
        #expect(try stage.statusLines(["a"]).first?.integer("pid") == Int(second.program.pid))
        second.program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, second.program)
        #expect(!FileManager.default.fileExists(atPath: socket))
    }

    @Test("A name that is taken is 73; a port that is taken as a name is only said")
    func taken() throws {
        let stage = try stage
        let first = try stage.listen(["-k", "--name", "a"])
        let second = try stage.ftsl(["listen", ":0", "-k", "--name", "a"])
        try expectRefusal(second, 73, "'a'", "--name")
        #expect(try stage.statusLines(["a"]).first?.integer("pid") == Int(first.program.pid))
        let third = try stage.listen(["-k"])
        let fourth = try stage.listen(["--exec", "cat"], at: "127.0.0.2:\(third.port)")
        try fourth.errors.line(containing: "'\(third.port)' is running already")
        let client = try stage.connect(fourth)
        try expectStatus(0, client)
    }

    @Test("A listener on a Unix socket is called like its file")
    func unixName() throws {
        let stage = try stage
        _ = try stage.listen(["-k"], at: "unix:\(stage.path("my sock"))")
        #expect(try stage.statusLines([]).first?.string("name") == "my_sock")
    }

    @Test("A folder that lets others in is used by nobody: 73, or served without, or 77")
    func open() throws {
        let stage = try stage
        let folder = stage.path("ftsl")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        chmod(folder, 0o755)
        try expectRefusal(stage.ftsl(["listen", ":0", "--name", "a"]), 73, "chmod 700")
        let listener = try stage.listen(["--exec", "cat"])
        try listener.errors.line(containing: "chmod 700")
        try expectStatus(0, stage.connect(listener))
        try expectRefusal(stage.status([]), 77, "chmod 700")
    }
}

@Suite("What migrate says before anything moves", .onStage)
struct MigrateRefusalTests {
    @Test("An unknown listener is 69, one with its own stdin is 64, each with the reason")
    func refusals() throws {
        let stage = try stage
        try expectRefusal(stage.ftsl(["migrate", "nowhere", "h:1"]), 69, "nowhere")
        _ = try stage.listen(["-k", "--name", "pipe"])
        try expectRefusal(stage.ftsl(["migrate", "pipe", "h:1"]), 64, "stdin")
        try expectRefusal(stage.ftsl(["migrate", "pipe", "h:1", "--plan"]), 64, "stdin")
        try expectRefusal(
            stage.ftsl(["migrate", "pipe", "--restart", stage.path("none")]), 66, "none")
    }
}
