import Foundation
import Testing

@Suite("Inboxes that cannot be", .onStage)
struct MessageInboxFileTests {
    private func expectRefused(
        _ path: String, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let program = try stage.ftsl(["listen", ":0", "--inbox", path])
        try expectStatus(73, program, sourceLocation: sourceLocation)
        let sentence = try oneSentence(program, sourceLocation: sourceLocation)
        for word in [path] + words {
            #expect(sentence.contains(word), "\(sentence)", sourceLocation: sourceLocation)
        }
    }

    @Test("A folder, a foreign database, other data, a missing folder: 73 with the reason")
    func foreign() throws {
        try expectRefused(stage.folder, "is a folder")
        try expectRefused(stage.path("none/inbox.db"), "No such file or directory")
        let text = try stage.path("text")
        try Data(String(repeating: "no database ", count: 100).utf8).write(
            to: URL(fileURLWithPath: text))
        chmod(text, 0o600)
        try expectRefused(text, "is not a database")
        chmod(text, 0o644)
        try expectRefused(text, "chmod 600")
        // An outbox is a database of somebody else's too.
        try expectStatus(0, stage.send(["--wait", "stored", "127.0.0.1:9", "x"]))
        try expectRefused(stage.outbox, "is a database, but not an inbox")
    }

    @Test("On a file system that is read-only: 73 with the reason", .needsRoot)
    func readOnly() throws {
        let folder = try stage.tmpfs("read-only", "1m", "ro")
        try expectRefused("\(folder)/inbox.db", "Read-only")
    }

    @Test("Held by another listener: 73 with the reason")
    func locked() throws {
        _ = try stage.listenForMessages()
        try expectRefused(stage.inbox, "in use")
    }

    @Test("After SIGTERM one file has all of it")
    func oneFile() throws {
        let listener = try stage.listenForMessages()
        try expectStatus(0, stage.send([listener.endpoint, "x"]))
        listener.program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, listener.program)
        let copy = try stage.path("copy.db")
        try FileManager.default.copyItem(atPath: stage.inbox, toPath: copy)
        #expect(try stage.bodies(in: copy) == ["x"])
        let left = try FileManager.default.contentsOfDirectory(atPath: stage.folder)
        #expect(!left.contains("inbox.db-wal") && !left.contains("inbox.db-sock"), "\(left)")
    }

    @Test("A sender that was killed is not waited for when the listener stops")
    func killedSender() throws {
        let listener = try stage.listenForMessages(["--drain-timeout", "10m"])
        let sender = try stage.ftsl(
            ["send", "--outbox", stage.outbox, "-l", "--print-id", listener.endpoint],
            input: .pipe)
        sender.input?.write("one\n")
        try sender.output?.line("id of a message") { _ in true }
        #expect(try stage.bodies(in: stage.inbox) == ["one"])
        sender.signal(SIGKILL)
        _ = try sender.wait()
        listener.program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, listener.program)
    }
}

extension Stage {
    /// A small file system of its own.
    func tmpfs(_ name: String, _ size: String, _ options: String = "rw") throws -> String {
        let folder = path(name)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try run("mount", ["-t", "tmpfs", "-o", "size=\(size),\(options)", "tmpfs", folder])
        atEnd {
            let tool = try? Program(Launch(path: "umount", arguments: ["-l", folder]))
            _ = try? tool?.wait(.seconds(10))
        }
        return folder
    }
}

@Suite("Full disks", .needsRoot, .onStage(weight: 2))
struct MessageDiskTests {
    @Test("A full inbox lets senders wait, and takes the rest when there is room")
    func inbox() throws {
        let folder = try stage.tmpfs("small", "16m")
        let ballast = "\(folder)/ballast"
        try Data(count: 14 << 20).write(to: URL(fileURLWithPath: ballast))
        let inbox = "\(folder)/inbox.db"
        let listener = try stage.listen(["-q", "--inbox", inbox])
        let text = String(repeating: "x", count: 4_000)
        let lines = (0..<700).map { "\($0) \(text)" }
        let sender = try stage.send(
            ["-q", "-l", "--timeout", "60s", listener.endpoint],
            input: Data(lines.joined(separator: "\n").utf8))
        // What waits does so for as long as the disk is full.
        #expect(throws: TimeLimitExceeded.self) { try sender.wait(.seconds(2)) }
        try FileManager.default.removeItem(atPath: ballast)
        try expectStatus(0, sender, .seconds(60))
        #expect(try stage.bodies(in: listener.endpoint) == lines)
    }

    @Test("A full outbox is 74, and what was said to be stored is there")
    func outbox() throws {
        let folder = try stage.tmpfs("small", "1m")
        let listener = try stage.listenForMessages()
        let text = String(repeating: "x", count: 4_000)
        let lines = (0..<1_000).map { "\($0) \(text)\n" }
        let sender = try stage.send(
            [
                "-q", "-l", "--outbox", "\(folder)/outbox.db", "--wait", "stored", "--print-id",
                "127.0.0.1:\(Socket.unusedPort())",
            ], input: Data(lines.joined().utf8))
        try expectStatus(74, sender)
        #expect(try oneSentence(sender).contains("full"))
        let printed = try sender.output?.allText().split(separator: "\n").count ?? 0
        let status = try stage.run(
            Tool.path, ["status", "--json", "\(folder)/outbox.db"])
        let row = status.split(separator: "\n").first.flatMap { JSONObject(String($0)) }
        #expect(try #require(row?.integer("messages")) >= printed)
        #expect(printed > 0)
        // Another outbox does not care.
        try expectStatus(0, stage.send([listener.endpoint, "x"]))
    }
}

@Suite("Large messages", .onStage(weight: 3))
struct MessageSizeTests {
    @Test("64 MiB arrive whole through connections that are cut, and come out whole")
    func largest() throws {
        let file = try stage.randomFile("body", 64 << 20)
        let listener = try stage.listenForMessages()
        let relay = try stage.relay(to: listener)
        let cuts = try stage.keepCutting(relay, every: 20 << 20)
        try expectStatus(
            0, stage.send(["-q", "--timeout", "120s", relay.endpoint, "-f", file]), .seconds(150))
        let got = try stage.path("got")
        let consumer = try stage.ftsl(
            [
                "tail", "-q", "--cursor", "c", "--from", "beginning", "-c", "1", "--format", "%b",
                listener.endpoint,
            ], output: .file(got))
        try expectStatus(0, consumer, .seconds(150))
        #expect(cuts.current >= 3)
        // A newline ends it.
        try stage.run("truncate", ["-s", "-1", got])
        try expectSame(file, got)
        let peak = try #require(listener.program.peakMemory)
        print("64 MiB message: listen at \(peak >> 20) MiB at most")
    }

    @Test("More than the inbox takes is rejected, and the rest of the batch delivered")
    func rejected() throws {
        let listener = try stage.listenForMessages(["--max-message", "10"])
        let sender = try stage.send(
            [listener.endpoint, "-l"], input: Data("a\n12345678901\nb\n".utf8))
        try expectStatus(82, sender)
        #expect(try stage.bodies(in: listener.endpoint) == ["a", "b"])
    }
}

@Suite("Who may send and read what", .onStage)
struct MessagePermissionTests {
    @Test("A topic that is not allowed: 77 alone, 82 in a batch, whose rest is delivered")
    func topics() throws {
        let host = try stage.person("host")
        let friend = try stage.person("friend")
        try host.authorize(friend, "--allow", "inbox=a.*,consume=a.*")
        let listener = try host.listen(["-q", "--inbox", stage.inbox])
        let endpoint = "127.0.0.1:\(listener.port)"
        let common = ["--outbox", try stage.outbox, "--peer", try host.key(), endpoint]
        func send(_ arguments: [String], _ text: String? = nil) throws -> Program {
            let program = try stage.ftsl(
                ["send"] + common + arguments, input: .pipe, under: friend.wrapper)
            if let text { program.input?.write(text) }
            program.input?.close()
            return program
        }
        try expectStatus(0, send(["-t", "a.b", "mine"]))
        try expectStatus(77, send(["-t", "b.c", "not mine"]))
        let batch = try send(
            ["--frame", "json"],
            #"{"text":"1","topic":"a.x"}{"text":"2","topic":"b"}{"text":"3","topic":"a.y"}"#)
        try expectStatus(82, batch)
        func read(_ arguments: [String]) throws -> Program {
            try stage.ftsl(
                ["tail", "-q", "-e", "--from", "beginning", "--peer", host.key(), endpoint]
                    + arguments, under: friend.wrapper)
        }
        let allowed = try read(["-t", "a.*"])
        try expectStatus(0, allowed)
        #expect(try allowed.output?.allText() == "mine\n1\n3\n")
        try expectStatus(77, read(["-t", "b.*"]))
    }
}
