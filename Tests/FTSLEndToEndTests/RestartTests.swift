import Foundation
import Testing

@Suite("An upgrade in place", .needs("/usr/bin/python3"), .onStage(weight: 4))
struct RestartTests {
    private func upgrade(_ arguments: [String], _ limit: Duration) throws {
        let result = try stage.python("Migration/upgrade", [Tool.path] + arguments, limit)
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
        print("upgrade: \(result.output)")
    }

    @Test(
        "Commands, a backend's connection, bulk and messages notice nothing, though links are cut")
    func load() throws {
        try upgrade(
            ["--restarts", "8", "--seconds", "10", "--megabytes", "24", "--cut"], .seconds(240))
    }

    @Test("50 times", .longOnly)
    func often() throws {
        try upgrade(
            ["--restarts", "50", "--seconds", "60", "--clients", "50", "--cut"], .seconds(600))
    }

    @Test("Another program takes over only if it says that it can; else the listener serves on")
    func others() throws {
        let stage = try stage
        // A connection that stays open is missed only after two heartbeats.
        let heartbeat = ["--heartbeat", "10m"]
        let listener = try stage.listen(["--name", "a", "--exec", "echo $$; cat"] + heartbeat)
        let client = try stage.connect(listener, heartbeat, input: .pipe)
        let command = try client.output?.line("a pid") { Int($0) != nil }
        for program in ["/bin/true", "/bin/false", "/bin/cat", "/bin/sh"] {
            try expectRefusal(
                stage.ftsl(["migrate", "a", "--restart", program]), 76, "cannot take over")
        }
        let copy = stage.path("another 'ftsl'")
        try FileManager.default.copyItem(atPath: Tool.path, toPath: copy)
        let restart = try stage.ftsl(["migrate", "a", "--restart", copy])
        try expectStatus(0, restart)
        #expect(restart.errors?.text.contains("1 session") == true)
        // Now it is the copy that runs; it is replaced on the disk, as upgrades do.
        try FileManager.default.removeItem(atPath: copy)
        try expectRefusal(
            stage.ftsl(["migrate", "a", "--restart"]), 76, "cannot take over")
        try FileManager.default.copyItem(atPath: Tool.path, toPath: copy)
        try expectStatus(0, stage.ftsl(["migrate", "a", "--restart"]))
        client.input?.write("more\n")
        try client.output?.line(containing: "more")
        let second = try stage.connect(listener, input: .pipe)
        let other = try second.output?.line("a pid") { Int($0) != nil }
        #expect(other != command)
        for program in [client, second] {
            program.input?.close()
            try expectStatus(0, program)
        }
    }

    @Test("All clients find room in the queue of the socket, also after a restart", .needs("ss"))
    func backlog() throws {
        let stage = try stage
        let listener = try stage.listen(["--name", "a", "--exec", "cat"])
        let room = { try stage.run("ss", ["-Hltn", "sport = :\(listener.port)"]) }
        let before = try room()
        #expect(before.contains("LISTEN"))
        try expectStatus(0, stage.ftsl(["migrate", "a", "--restart"]))
        #expect(try room() == before)
    }

    @Test("A client that was away hears how its command ended")
    func away() throws {
        let stage = try stage
        let (go, gone) = (stage.path("go"), stage.path("gone"))
        let listener = try stage.listen([
            "--name", "a", "--exec",
            "until [ -e \(go) ]; do sleep 0.02; done; echo last; touch \(gone); exit 3",
        ])
        let relay = try Relay(to: listener.port)
        let client = try stage.connect(relay.endpoint, ["--exit-status"], input: .pipe)
        try eventually("the session is there") { try stage.sessions(of: "a").count == 1 }
        relay.refuse()
        relay.cut()
        #expect(FileManager.default.createFile(atPath: go, contents: nil))
        try eventually("the command has ended") { FileManager.default.fileExists(atPath: gone) }
        try expectStatus(0, stage.ftsl(["migrate", "a", "--restart"]))
        relay.open()
        client.input?.close()
        try expectStatus(3, client)
        #expect(try client.output?.allText() == "last\n")
    }

    /// What its client had no room for waits in the pipe, or at the terminal, of a command that has
    /// ended.
    @Test("What a command that has ended left unread is not lost", arguments: [[], ["--pty"]])
    func rest(_ terminal: [String]) throws {
        let stage = try stage
        let (go, full, gone) = (stage.path("go"), stage.path("full"), stage.path("gone"))
        let written = stage.path("written")
        // Writes until there is no room, and is killed there.
        let writer = "i=0; while :; do i=$((i+1)); echo $i; echo $i >> \(written); done"
        let listener = try stage.listen(
            [
                "--name", "a", "--buffer", "64k", "--exec",
                "exec 2>/dev/null; echo begun; "
                    + "until [ -e \(go) ]; do sleep 0.02; done; (\(writer)) & "
                    + "until [ -e \(full) ]; do sleep 0.02; done; "
                    + "kill -9 $!; touch \(gone); exit 3",
            ] + terminal)
        let relay = try Relay(to: listener.port)
        let client = try stage.connect(relay.endpoint, ["--exit-status"], input: .pipe)
        try client.output?.line(containing: "begun")
        relay.refuse()
        relay.cut()
        #expect(FileManager.default.createFile(atPath: go, contents: nil))
        var (count, standing) = (0, 0)
        try eventually("it has no room") {
            let text = (try? String(contentsOfFile: written, encoding: .utf8)) ?? ""
            standing = text.utf8.count == count && count > 0 ? standing + 1 : 0
            count = text.utf8.count
            return standing == 20
        }
        #expect(FileManager.default.createFile(atPath: full, contents: nil))
        try eventually("the command has ended") { FileManager.default.fileExists(atPath: gone) }
        try expectStatus(0, stage.ftsl(["migrate", "a", "--restart"]))
        relay.open()
        client.input?.close()
        try expectStatus(3, client)
        let last = try String(contentsOfFile: written, encoding: .utf8)
            .split(separator: "\n").last.flatMap { Int($0) }
        let text = try client.output?.allText() ?? ""
        let numbers = text.split(whereSeparator: \.isNewline).compactMap { Int($0) }
        let isWhole = try numbers.prefix(#require(last)).elementsEqual(1...#require(last))
        #expect(isWhole)
    }

    @Test("What a command that has ended left running goes on with its output")
    func left() throws {
        let stage = try stage
        let (go, gone) = (stage.path("go"), stage.path("gone"))
        let listener = try stage.listen([
            "--name", "a", "--exec",
            "(until [ -e \(go) ]; do sleep 0.02; done; echo last) & echo first; "
                + "touch \(gone); exit 3",
        ])
        let client = try stage.connect(listener, ["--exit-status"], input: .pipe)
        try client.output?.line(containing: "first")
        try eventually("the command has ended") { FileManager.default.fileExists(atPath: gone) }
        for _ in 0..<2 { try expectStatus(0, stage.ftsl(["migrate", "a", "--restart"])) }
        #expect(FileManager.default.createFile(atPath: go, contents: nil))
        try client.output?.line(containing: "last")
        client.input?.close()
        try expectStatus(3, client)
    }

    @Test("An inbox alone is served on by the next program, to senders and to who follows")
    func inbox() throws {
        let stage = try stage
        let listener = try stage.listen(["--name", "a", "--inbox", stage.path("a.db")])
        let tail = try stage.ftsl(["tail", "--from", "beginning", listener.endpoint])
        for number in 1...3 {
            try expectStatus(0, stage.send([listener.endpoint, "message \(number)"]))
            try tail.output?.line(containing: "message \(number)")
            try expectStatus(0, stage.ftsl(["migrate", "a", "--restart"]))
        }
        try expectStatus(0, stage.send([listener.endpoint, "last"]))
        try tail.output?.line(containing: "last")
    }

    @Test("A listener with its own stdin is 64, and goes on")
    func stdio() throws {
        let stage = try stage
        let listener = try stage.listen(["--name", "pipe"], input: .pipe)
        try expectRefusal(stage.ftsl(["migrate", "pipe", "--restart"]), 64, "stdin")
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("hello\n")
        try listener.output.line(containing: "hello")
    }
}
