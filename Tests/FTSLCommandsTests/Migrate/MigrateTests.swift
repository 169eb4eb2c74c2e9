import ArgumentParser
import FTSLCore
import FTSLKit
import Testing

@testable import FTSLCommands

@Suite("Options of migrate")
struct MigrateOptionsTests {
    private func options(_ arguments: String...) throws -> MigrateOptions {
        let command = try RootCommand.parseAsRoot(["migrate"] + arguments)
        return try #require(command as? MigrateCommand).options
    }

    @Test(
        "What is missing, too much or contradictory is refused",
        arguments: [
            [], ["a"], ["a", "--plan"], ["a", "h:1", "--plan", "--abort"], ["a", "h:0"],
            ["a", "h:1", "--status"], ["a", "h:1", "--abort"], ["a", "--resolve", "maybe"],
            ["a", "h:1", "--resolve", "discard"], ["a", "h:1", "--even-if-alive"],
            ["a", "--restart", "--status"], ["a", "h:1", "--max-pause", "0s"], ["-a", "h:1"],
            ["a b", "h:1"], ["", "h:1"], ["a", "h:1", "b"],
        ])
    func refused(arguments: [String]) {
        let error = #expect(throws: (any Error).self) {
            try RootCommand.parseAsRoot(["migrate"] + arguments)
        }
        if let error { #expect(RootCommand.exitCode(for: error).rawValue == 64) }
    }

    @Test("A listener is named by name, endpoint or socket")
    func listeners() throws {
        for name in ["a", "38750", "127.0.0.1:7000", ":7000", "/run/ftsl/a.sock", "unix:/tmp/x"] {
            #expect(try options(name, "h:1").listener == name)
        }
    }

    @Test("What was given is what the listener is asked, and understands")
    func requests() throws {
        let given = try options(
            "a", "h:1,[::1]:2", "--max-pause", "250ms", "--spread", "5s", "--linger", "1m")
        let request = try given.request()
        #expect(request.command == "migrate" && !request.flag("plan"))
        let sent = try #require(ControlRequest(Array(request.line.utf8)))
        let wanted = try #require(MoveRequest(sent))
        #expect(wanted.target.map { "\($0)" } == ["h:1", "[::1]:2"])
        #expect(wanted.maxPause == .milliseconds(250) && wanted.spread == .seconds(5))
        #expect(wanted.linger == .seconds(60))
        #expect(try options("a", "h:1", "--plan").request().flag("plan"))
        #expect(try options("a", "--status").request().command == "migrate-status")
        #expect(try options("a", "--abort").request().command == "migrate-abort")
        #expect(try options("a", "--restart").request() == ControlRequest("restart"))
    }

    @Test("Without limits of the user's there is ten seconds' pause, all clients at once")
    func defaults() throws {
        let wanted = try #require(MoveRequest(try options("a", "h:1").request()))
        #expect(wanted.maxPause == .seconds(10) && wanted.spread == .zero)
        #expect(wanted.linger == nil)
        #expect(MoveRequest(ControlRequest("migrate", ["target": .string("h:x")])) == nil)
        #expect(MoveRequest(ControlRequest("migrate")) == nil)
    }

    @Test("A decision about what was prepared comes through")
    func resolution() throws {
        let request = try options("a", "--resolve", "activate", "--even-if-alive").request()
        let resolution = try #require(MigrationResolution(request))
        #expect(resolution.decision == .activate && resolution.evenIfAlive)
        #expect(MigrationResolution(ControlRequest("migrate-resolve")) == nil)
    }

    @Test("Another program is told by its whole path, and must be one")
    func restart() throws {
        let request = try options("a", "--restart", "/bin/../bin/sh").request()
        #expect(request.text("binary")?.hasSuffix("sh") == true)
        #expect(request.text("binary")?.contains("..") == false)
        let error = #expect(throws: Ending.self) {
            try options("a", "--restart", "/etc").request()
        }
        #expect(error?.status == 66)
    }
}

@Suite("What migrate says")
struct MigrationLineTests {
    @Test("Progress is the phase with its sizes; the end says sessions, bytes, pause, generation")
    func words() {
        let copy = MigrationLine([
            "phase": .string("copy"), "sessions": .integer(1), "bytes": .integer(4096),
        ])
        #expect(copy.progress == "copy: 1 session, 4.00 KiB")
        #expect(MigrationLine(["phase": .string("freeze")]).progress == "freeze")
        let end = MigrationLine([
            "done": .bool(true), "status": .integer(0), "sessions": .integer(2),
            "bytes": .integer(10), "pause_ms": .integer(42), "generation": .string("1.0"),
        ])
        #expect(
            end.ending("moved") == "moved 2 sessions, 10 bytes, paused 42 ms, generation 1.0")
        #expect(end.fields["done"] == nil && end.fields["sessions"] == .integer(2))
    }

    @Test("A plan names what moves and each obstacle")
    func plan() {
        let plan = MigrationLine([
            "sessions": .integer(3), "bytes": .integer(9), "pause_ms": .integer(5),
        ])
        #expect(plan.plan == "would move 3 sessions, 9 B; the pause should be about 5 ms")
        let obstacle = MigrationLine(["obstacle": .string("not ready"), "session": .string("ab")])
        #expect(obstacle.obstacle == "obstacle: session ab: not ready")
        #expect(obstacle.progress == obstacle.obstacle)
    }
}
