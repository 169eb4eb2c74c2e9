import Foundation
import Testing

@Suite("--exec", .onStage)
struct ExecTests {
    @Test("A command's input and output are the stream, its standard error is channel 1")
    func channels() throws {
        let listener = try stage.listen(["--exec", "cat; echo said on the side >&2"])
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("through cat")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "through cat")
        #expect(try client.errors?.allText() == "said on the side\n")
    }

    @Test(
        "The exit status passes with --exit-status, and not without",
        arguments: [
            ("exit 0", 0, 0), ("exit 3", 3, 0), ("exit 255", 255, 0), ("kill -9 $$", 137, 80),
            ("kill -TERM $$", 143, 80),
        ] as [(String, Int32, Int32)])
    func status(_ command: String, _ passed: Int32, _ plain: Int32) throws {
        let listener = try stage.listen(["--exec", command])
        try expectStatus(passed, stage.connect(listener, ["--exit-status"]))
        let client = try stage.connect(listener)
        try expectStatus(plain, client)
        if plain != 0 { #expect(try oneSentence(client).contains("signal")) }
    }

    @Test("With --exit-status every failure of ours is 255")
    func ours() throws {
        let dead = try "127.0.0.1:\(Socket.unusedPort())"
        try expectStatus(255, stage.connect(dead, ["--exit-status"]))
    }

    @Test("The command knows its session")
    func environment() throws {
        let listener = try stage.listen(["--exec", "env | grep ^FTSL_"])
        let client = try stage.connect(listener, ["--summary", "json"])
        try expectStatus(0, client)
        let text = try client.output?.allText() ?? ""
        let pairs = text.split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1) }
        let variables = pairs.reduce(into: [String: String]()) {
            $0[String($1[0])] = $1.count > 1 ? String($1[1]) : ""
        }
        let summary = try summary(of: client)
        #expect(variables["FTSL_SESSION_ID"] == summary.string("session"))
        #expect(variables["FTSL_PEER"]?.hasPrefix("127.0.0.") == true)
        #expect(variables["FTSL_PEER_KEY"] == "")
        #expect(variables["FTSL_GENERATION"] != nil)
        #expect(variables["FTSL_RESTORED"] != nil)
        #expect(variables["FTSL_CHECKPOINT"] != nil)
        #expect(variables["FTSL_CLOSED"] != nil)
    }

    @Test("Each session has a command of its own")
    func many() throws {
        let listener = try stage.listen(["--exec", "read name; echo \"hello $name\""])
        let clients = try ["Ada", "Edsger", "Barbara"].map { name in
            (name, try stage.connect(listener, input: .pipe))
        }
        for (name, client) in clients.reversed() {
            client.input?.write("\(name)\n")
            try expectStatus(0, client)
            #expect(try client.output?.allText() == "hello \(name)\n")
        }
    }

    @Test("A command keeps no descriptor of the listener, and gets default signals")
    func clean() throws {
        let listener = try stage.listen(
            [
                "--exec",
                "ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Ign|Blk)' /proc/self/status",
            ])
        let client = try stage.connect(listener)
        try expectStatus(0, client)
        let text = try client.output?.allText() ?? ""
        // 3 and 4 are the states; 5 is the folder that ls reads.
        #expect(text.hasPrefix("0 1 2 3 4 5 Sig"), "\(text)")
        #expect(text.contains("SigBlk:\t0000000000000000"))
        // Bits 31 and 32 are the C library's own.
        #expect(
            text.contains("SigIgn:\t0000000180000000") || text.contains("SigIgn:\t0000000000000000")
        )
    }

    @Test("A command that reads nothing ends the session without waiting for the client's input")
    func readsNothing() throws {
        let listener = try stage.listen(["--exec", "echo done"])
        let client = try stage.connect(listener, ["--exit-status"], input: .pipe)
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "done\n")
    }

    @Test("Input that a command did not want makes the writer end as SIGPIPE would")
    func readsLittle() throws {
        let listener = try stage.listen(["--exec", "head -c 1 >/dev/null; echo enough; exit 7"])
        let client = try stage.connect(listener, input: .pipe)
        let input = try #require(client.input)
        RandomStream(seed: 3).write(64 << 20, to: input)
        try expectStatus(141, client)
        #expect(try client.output?.allText() == "enough\n")
        #expect(try client.errors?.allText() == "")
        let other = try stage.connect(listener, ["--exit-status"], input: .file("/bin/bash"))
        try expectStatus(7, other)
    }

    @Test("A command that cannot be found says so on standard error, with status 127")
    func notFound() throws {
        let listener = try stage.listen(["--exec", "/no/such/command"])
        let client = try stage.connect(listener, ["--exit-status"])
        try expectStatus(127, client)
        #expect(try client.errors?.allText().contains("not found") == true)
    }

    @Test("Megabytes on both channels and cuts in between arrive whole")
    func bulk() throws {
        let size = 8 << 20
        try FileManager.default.createDirectory(
            atPath: stage.path("data"), withIntermediateDirectories: true)
        var bytes = Data(count: size)
        bytes.withUnsafeMutableBytes { RandomStream(seed: 7).fill($0, from: 0) }
        let path = try stage.path("data/random")
        try bytes.write(to: URL(fileURLWithPath: path))
        let listener = try stage.listen([
            "--exec", "cat '\(path)' >&2 & cat '\(path)'; wait; exit 5",
        ])
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["--exit-status", "-q"])
        for step in 1...6 {
            try relay.carried(step << 20)
            relay.cut()
        }
        try expectStatus(5, client, .seconds(60))
        #expect(try client.output?.all() == bytes)
        #expect(try client.errors?.all() == bytes)
    }

    @Test("A client that is gone for good takes its command with it")
    func hangUp() throws {
        let flag = try stage.path("hung-up")
        let command =
            "trap 'echo hup > \(flag); exit 1' HUP; echo ready; while :; do sleep 0.05; done"
        let listener = try stage.listen(["--exec", command, "--session-timeout", "1s"])
        let client = try stage.connect(listener)
        try client.output?.atLeast(6)
        client.signal(SIGKILL)
        try listener.errors.line(containing: "truncated", .seconds(20))
        try eventually("the command is told") {
            FileManager.default.fileExists(atPath: flag)
        }
    }
}

/// Waits for something that nobody tells.
func eventually(
    _ what: String, _ limit: Duration = .seconds(20), _ condition: () throws -> Bool
) throws {
    let end = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < end else {
            throw TimeLimitExceeded(description: "not within \(limit): \(what)")
        }
        Thread.sleep(forTimeInterval: 0.01)
    }
}
