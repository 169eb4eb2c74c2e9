import Foundation
import Testing

@Suite("A listener moves", .needs("/usr/bin/python3"), .onStage(weight: 4))
struct MigrationTests {
    private func python(_ script: String, _ arguments: [String], _ limit: Duration) throws {
        let result = try stage.python(
            "Migration/\(script)", [Tool.path] + arguments, limit)
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
        print("\(script): \(result.output)")
    }

    @Test("Back and forth under load while connections are cut: nothing lost, doubled, reordered")
    func shuttle() throws {
        try python(
            "shuttle",
            [
                "--clients", "12", "--lines", "40", "--messages", "300", "--moves", "6",
                "--seconds",
                "10", "--cut",
            ], .seconds(240))
    }

    @Test("200 clients, 20 moves", .longOnly)
    func large() throws {
        try python(
            "shuttle",
            [
                "--clients", "200", "--lines", "100", "--messages", "4000", "--moves", "20",
                "--seconds", "90", "--cut",
            ], .seconds(900))
    }

    @Test(
        "Between hosts with addresses of their own, over TLS, while connections are cut",
        .needsRoot, .needs("ip"))
    func namespaces() throws {
        try python(
            "shuttle",
            [
                "--clients", "10", "--lines", "40", "--messages", "300", "--moves", "6",
                "--seconds", "12", "--cut", "--namespaces",
            ], .seconds(240))
    }

    @Test(
        "Commands that end at odd moments, alone or not, end for their clients wherever they are",
        .needs("ss"), arguments: [[], ["--pty"]])
    func endings(_ arguments: [String]) throws { try python("endings", arguments, .seconds(240)) }

    @Test("An inbox that goes there and back at once is always at one host, whole")
    func pingpong() throws { try python("pingpong", [], .seconds(120)) }

    @Test(
        "Activated by hand while its source lived: no client obeys both, and one host gives way",
        .needsRoot, .needs("ip"), arguments: [[], ["--moved-on"]])
    func split(_ arguments: [String]) throws { try python("split", arguments, .seconds(240)) }

    @Test(
        "Sessions of --forward drain, or get a new connection and lose none of the old one's words",
        arguments: ["drain", "reconnect"])
    func forward(_ policy: String) throws {
        let result = try stage.python("Migration/forward", [Tool.path, policy], .seconds(90))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
    }

    @Test(
        "A host that dies at a step of it harms nobody that the step has promised",
        arguments: ["a:decide", "a:redirect", "b:freeze", "b:image", "b:decide", "b:redirect"])
    func killed(_ when: String) throws { try python("killed", ["--only", when], .seconds(150)) }

    @Test(
        "A source that dies before the decision loses its streams, and nothing of its inbox",
        .longOnly, arguments: ["a:offer", "a:freeze", "a:image"])
    func early(_ when: String) throws { try python("killed", ["--only", when], .seconds(300)) }
}

@Suite("A target that does not take it", .onStage)
struct MigrationRefusalTests {
    private func hosts(
        _ source: [String], _ target: [String]
    ) throws -> (Listener, Listener) {
        let stage = try stage
        return (
            try stage.listen(["--name", "a"] + source), try stage.listen(["--name", "b"] + target)
        )
    }

    private func refused(_ target: Listener, _ status: Int32, _ word: String) throws {
        try expectRefusal(
            stage.ftsl(["migrate", "a", target.endpoint, "--plan"]), status, word)
        let move = try stage.ftsl(["migrate", "a", target.endpoint])
        try expectStatus(status, move)
        #expect(try move.errors?.allText().contains(word) == true)
    }

    @Test("It was not told to, runs another command, has another label or no inbox")
    func refusals() throws {
        let stage = try stage
        let source = ["--exec", "cat", "--inbox", stage.path("a.db")]
        let (_, plain) = try hosts(source, ["--exec", "cat", "--inbox", stage.path("b.db")])
        try refused(plain, 83, "--accept-migration")
        let other = try stage.listen(
            ["--accept-migration", "--name", "c", "--exec", "tac", "--inbox", stage.path("c.db")])
        try refused(other, 83, "--exec")
        let label = try stage.listen(
            [
                "--accept-migration", "--name", "d", "--exec", "cat", "--service", "x", "--inbox",
                stage.path("d.db"),
            ])
        try refused(label, 83, "'x'")
        let noInbox = try stage.listen(["--accept-migration", "--name", "e", "--exec", "cat"])
        try refused(noInbox, 83, "--inbox")
        // Nothing has changed: the source serves, and takes messages.
        try expectStatus(0, stage.send([plain.endpoint, "x"]))
    }

    @Test("A target with the smallest buffer takes an inbox that is larger")
    func smallBuffer() throws {
        let stage = try stage
        let (source, target) = try hosts(
            ["--exec", "cat", "--inbox", stage.path("a.db")],
            [
                "--exec", "cat", "--inbox", stage.path("b.db"), "--accept-migration",
                "--buffer", "64k",
            ])
        let body = String(repeating: "0123456789abcdef", count: 1 << 16)
        try body.write(toFile: stage.path("body"), atomically: true, encoding: .utf8)
        let send = try stage.ftsl(["send", source.endpoint], input: .file(stage.path("body")))
        try expectStatus(0, send)
        try expectStatus(0, stage.ftsl(["migrate", "a", target.endpoint]))
        #expect(try stage.bodies(in: stage.path("b.db")) == [body])
    }

    @Test("An inbox that came into use after the offer is not replaced")
    func inUseMeanwhile() throws {
        let stage = try stage
        let (source, target) = try hosts(
            ["--exec", "cat", "--inbox", stage.path("a.db")],
            ["--exec", "cat", "--inbox", stage.path("b.db"), "--accept-migration"])
        let body = try stage.randomFile("body", 48 << 20)
        try expectStatus(0, stage.send([source.endpoint, "--file", body]))
        let relay = try stage.relay(to: target)
        let move = try stage.ftsl(["migrate", "a", relay.endpoint])
        try relay.carried(1 << 20)
        relay.become(.stalled)
        try expectStatus(0, stage.send([target.endpoint, "precious"]))
        relay.become(.clear)
        try expectStatus(83, move)
        #expect(try move.errors?.allText().contains("another inbox is there, and in use") == true)
        #expect(try stage.bodies(in: stage.path("b.db")) == ["precious"])
        // Both serve on.
        try expectStatus(0, stage.send([target.endpoint, "more"]))
        try expectStatus(0, stage.send([source.endpoint, "more"]))
    }

    @Test(
        "A session whose command has ended moves too: its client hears the rest at the target",
        arguments: [("", 100_000), ("--pty", 3_000)])
    func ended(_ terminal: String, _ bytes: Int) throws {
        let stage = try stage
        let (go, gone) = (stage.path("go"), stage.path("gone"))
        let service =
            [
                "--buffer", "64k", "--exec",
                "echo begun; until [ -e \(go) ]; do sleep 0.02; done; "
                    + "head -c \(bytes) /dev/zero | tr '\\0' x; touch \(gone); exit 3",
            ] + [terminal].filter { !$0.isEmpty }
        let (source, target) = try hosts(
            service + ["--unmovable", "refuse", "--accept-migration"],
            service + ["--unmovable", "refuse", "--accept-migration"])
        let relay = try Relay(to: source.port)
        let client = try stage.connect(relay.endpoint, ["--exit-status"], input: .pipe)
        try client.output?.line(containing: "begun")
        relay.refuse()
        relay.cut()
        #expect(FileManager.default.createFile(atPath: go, contents: nil))
        try eventually("the command has ended") { FileManager.default.fileExists(atPath: gone) }
        try eventually("it moves") {
            try stage.ftsl(["migrate", "a", target.endpoint]).wait() == .status(0)
        }
        try eventually("it is at the target") { try stage.sessions(of: "b").count == 1 }
        // And from there, through another program, back.
        try expectStatus(0, stage.ftsl(["migrate", "b", "--restart"]))
        try expectStatus(0, stage.ftsl(["migrate", "b", source.endpoint]))
        try eventually("it is back") { try stage.sessions(of: "a").count == 1 }
        relay.open()
        client.input?.close()
        try expectStatus(3, client)
        #expect(try client.output?.allText().filter { $0 == "x" }.count == bytes)
    }

    @Test("A session whose backend has said everything moves without one, wherever it is drained")
    func answered() throws {
        let stage = try stage
        let (asked, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let backend = try stage.server { connection in
            let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
            defer { space.deallocate() }
            while let count = connection.read(into: space), count > 0 {}
            asked.signal()
            go.wait()
            connection.write(String(repeating: "x", count: 130_000))
        }
        let service = ["--forward", backend.endpoint]
        let (source, target) = try hosts(
            service + ["--unmovable", "refuse"], service + ["--accept-migration"])
        let relay = try Relay(to: source.port)
        let client = try stage.connect(relay.endpoint, input: .pipe)
        client.input?.write("question")
        client.input?.close()
        asked.wait()
        try expectStatus(83, stage.ftsl(["migrate", "a", target.endpoint]))
        relay.refuse()
        relay.cut()
        go.signal()
        try eventually("it moves") {
            let move = try stage.ftsl(["migrate", "a", target.endpoint])
            return try move.wait() == .status(0)
        }
        try eventually("it is at the target") { try stage.sessions(of: "b").count == 1 }
        relay.open()
        try expectStatus(0, client)
        #expect(try client.output?.allText().count == 130_000)
        #expect(backend.accepted == 1)
    }

    @Test("Sessions that cannot move stay, or stop everything with --unmovable refuse")
    func unmovable() throws {
        let stage = try stage
        let (source, target) = try hosts(
            ["--exec", "cat"], ["--exec", "cat", "--accept-migration"])
        let client = try stage.connect(source, input: .pipe)
        client.input?.write("one\n")
        try client.output?.line(containing: "one")
        let plan = try stage.ftsl(["migrate", "a", target.endpoint, "--plan"])
        try expectStatus(0, plan)
        #expect(try plan.output?.allText().contains("obstacle") == true)
        try expectStatus(0, stage.ftsl(["migrate", "a", target.endpoint]))
        // It drains here, while new ones are sent over.
        client.input?.write("two\n")
        try client.output?.line(containing: "two")
        let second = try stage.connect(source, input: .pipe)
        second.input?.write("three\n")
        try second.output?.line(containing: "three")
        try eventually("the new session is at the target") {
            try stage.sessions(of: "b").count == 1
        }
        for program in [client, second] {
            program.input?.close()
            try expectStatus(0, program)
        }
    }
}
