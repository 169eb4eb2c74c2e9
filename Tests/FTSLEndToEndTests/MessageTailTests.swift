import Foundation
import Testing

@Suite("What tail prints", .onStage)
struct MessageTailTests {
    /// A listener with the messages 0 to 9.
    private func ten() throws -> Listener {
        let listener = try stage.listenForMessages()
        try expectStatus(0, stage.send([listener.endpoint], lines: 0..<10))
        return listener
    }

    @Test(
        "Every start begins where it says",
        arguments: [
            (["--from", "beginning"], 0..<10), (["--from", "end"], 10..<10), (["-n", "3"], 7..<10),
            (["--from", "4"], 3..<10), (["--from=-2"], 8..<10), (["--from", "1h"], 0..<10),
            (["--from", "2020-01-01T00:00:00Z"], 0..<10),
            (["--from", "2100-01-01T00:00:00Z"], 10..<10), (["--from", "4", "-c", "2"], 3..<5),
        ])
    func starts(_ arguments: [String], _ wanted: Range<Int>) throws {
        let listener = try ten()
        #expect(try stage.lines(arguments + [listener.endpoint]) == wanted.map { "\($0)" })
    }

    @Test("-W ends it, with 124 if fewer came")
    func timeLimit() throws {
        let listener = try ten()
        try expectStatus(0, stage.tail(["-W", "300ms", listener.endpoint]))
        let some = try stage.tail([
            "-W", "500ms", "-c", "11", "--from", "beginning", listener.endpoint,
        ])
        try expectStatus(124, some)
        #expect(try some.output?.allText().split(separator: "\n").count == 10)
    }

    @Test("A consumer waits for a listener that is away, and goes on where it was")
    func listenerAway() throws {
        let endpoint = "127.0.0.1:\(try Socket.unusedPort())"
        let listener = try stage.listenForMessages(["--name", "away"], at: endpoint)
        let consumer = try stage.tail(
            ["--cursor", "c", "--from", "beginning", "-c", "2", endpoint])
        try expectStatus(0, stage.send([endpoint, "one"]))
        try consumer.output?.line(containing: "one")
        // What the inbox does not know to be done comes again.
        try eventually("the first is done with") {
            let cursor = try stage.statusLines(["away"]).first { $0.string("kind") == "cursor" }
            return cursor?.integer("lag") == 0
        }
        listener.program.signal(SIGKILL)
        _ = try listener.program.wait()
        // Whoever dials now finds nobody; so has the consumer.
        try expectStatus(75, stage.send([endpoint, "two"]))
        _ = try stage.listenForMessages(at: endpoint)
        try expectStatus(0, stage.send(["--flush"]))
        try expectStatus(0, consumer)
        #expect(try consumer.output?.allText() == "one\ntwo\n")
    }

    @Test("Filters, formats, NUL and JSON")
    func formats() throws {
        let listener = try stage.listenForMessages()
        for topic in ["a.b", "a.c", "b.c", "a", "a.b.c", "a/d"] {
            try expectStatus(0, stage.send(["-t", topic, listener.endpoint, topic]))
        }
        func found(_ arguments: String...) throws -> [String] {
            try stage.lines(["--from", "beginning", listener.endpoint] + arguments)
        }
        #expect(try found("-t", "a.*") == ["a.b", "a.c", "a/d"])
        #expect(try found("-t", "a.#", "-t", "b.c") == ["a.b", "a.c", "b.c", "a", "a.b.c", "a/d"])
        #expect(try found("-t", "nothing") == [])
        #expect(try found("-t", "b.c", "--format", "%t %x %s %b") == ["b.c 3 3 b.c"])
        let null = try stage.tail(["-e", "-0", "-n", "2", listener.endpoint])
        #expect(try null.output?.allText() == "a.b.c\0a/d\0")
        let row = try found("--json", "-t", "b.c").first.flatMap { JSONObject($0) }
        #expect(row?.integer("index") == 3)
        #expect(row?.string("topic") == "b.c")
        for pattern in ["", "a.#.b", "a*"] {
            try expectStatus(64, stage.tail(["-t", pattern, listener.endpoint]))
        }
    }

    @Test("A cursor goes on where it was, also after kill -9, and misses nothing")
    func cursor() throws {
        let listener = try ten()
        let cursor = ["--cursor", "c", "--from", "beginning", listener.endpoint]
        #expect(try stage.lines(["-c", "4"] + cursor) == (0..<4).map { "\($0)" })
        let victim = try stage.tail(cursor)
        try victim.output?.line(containing: "9")
        victim.destroy()
        try expectStatus(0, stage.send([listener.endpoint], lines: 10..<12))
        let rest = try stage.lines(["-c", "2"] + cursor).compactMap { Int($0) }
        // Printed and not confirmed: it may come again, in order.
        #expect(rest.first.map { $0 <= 10 } == true)
        #expect(rest == (rest[0]..<rest[0] + 2).map { $0 })
    }

    @Test("Every cursor sees every message; members of a group share")
    func groups() throws {
        let listener = try stage.listenForMessages()
        let all = try (0..<2).map {
            try stage.tail(["--cursor", "c\($0)", "--from", "beginning", listener.endpoint])
        }
        let members = try (0..<2).map { _ in
            try stage.tail([
                "--group", "g", "--from", "beginning", "--exec", "cat; echo", listener.endpoint,
            ])
        }
        try expectStatus(0, stage.send([listener.endpoint], lines: 0..<40))
        let wanted = (0..<40).map { "\($0)" }
        for program in all {
            try program.output?.satisfies("all messages") {
                $0.split(separator: "\n").map(String.init) == wanted
            }
        }
        try eventually("the group has done all") {
            members.flatMap { $0.output?.text.split(separator: "\n") ?? [] }.count >= 40
        }
        let shares = members.map { $0.output?.text.split(separator: "\n").map(String.init) ?? [] }
        #expect(Set(shares.joined()) == Set(wanted))
        #expect(shares.joined().count == 40)
        #expect(shares.allSatisfy { !$0.isEmpty })
    }

    @Test("tail on the file is woken at once, with a listener and without, and lets it go")
    func path() throws {
        var listener = try stage.listenForMessages()
        let endpoint = listener.endpoint
        try expectStatus(0, stage.send([endpoint, "first"]))
        listener.program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, listener.program)
        let consumer = try stage.ftsl(["tail", "--from", "beginning", stage.inbox])
        try consumer.output?.line(containing: "first")
        // It hosts the inbox; the listener takes it over.
        listener = try stage.listenForMessages(at: endpoint)
        try consumer.errors?.line(containing: "back with")
        var delays: [Duration] = []
        for number in 0..<10 {
            try expectStatus(0, stage.send([endpoint, "message \(number)"]))
            let start = ContinuousClock.now
            try consumer.output?.line(containing: "message \(number)")
            delays.append(ContinuousClock.now - start)
        }
        #expect(delays.sorted()[5] < .milliseconds(50), "\(delays)")
        let seen = try #require(consumer.errors?.data.count)
        listener.program.destroy()
        try consumer.errors?.line(containing: "back with", after: seen)
        listener = try stage.listenForMessages(at: endpoint)
        try expectStatus(0, stage.send([endpoint, "last"]))
        try consumer.output?.line(containing: "last")
        #expect(
            consumer.output?.text
                == (["first"] + (0..<10).map { "message \($0)" } + ["last"]).map { $0 + "\n" }
                .joined())
    }

    @Test("A tail on an endpoint goes on with the next listener, and prints nothing twice")
    func reconnect() throws {
        var listener = try ten()
        let endpoint = listener.endpoint
        let consumer = try stage.tail(["--from", "beginning", endpoint])
        try consumer.output?.line(containing: "9")
        listener.program.destroy()
        listener = try stage.listenForMessages(at: endpoint)
        try expectStatus(0, stage.send([endpoint], lines: 10..<20))
        try consumer.output?.line(containing: "19")
        #expect(consumer.output?.text == (0..<20).map { "\($0)\n" }.joined())
    }

    @Test("What is no place, or no usage, has its status")
    func usage() throws {
        try expectStatus(66, stage.tail(["./nothing.db"]))
        try expectStatus(69, stage.tail(["127.0.0.1:\(Socket.unusedPort())"]))
        for arguments in [
            ["--cursor", "a", "--group", "b"], ["--dead"], ["--from", "soon"],
            ["-n", "1", "--from", "1"],
            ["--format", "%q"],

            ["--ack-fd", "3"], ["-c", "0"],
        ] {
            try expectStatus(64, stage.tail(["127.0.0.1:9"] + arguments))
        }
    }
}

@Suite("What tail does with --exec and --ack-fd", .onStage)
struct MessageWorkTests {
    @Test(
        "The command gets the body and its envelope; 75 and others are tried again, then it is dead"
    )
    func exec() throws {
        let listener = try stage.listenForMessages()
        let endpoint = listener.endpoint
        try expectStatus(
            0, stage.send(["-t", "a.b", "-H", "k=v", "--id", "one", endpoint, "good"]))
        try expectStatus(0, stage.send([endpoint, "bad"]))
        let command = """
            body=$(cat); echo "$body $FTSL_MESSAGE_ID $FTSL_TOPIC $FTSL_INDEX $FTSL_ATTEMPT \
            $FTSL_HEADER_K"
            [ "$body" != bad ] || { echo broken >&2; exit 3; }
            """
        let consumer = try stage.tail([
            "--cursor", "c", "--from", "beginning", "--max-attempts", "2", "-e", "--exec", command,
            endpoint,
        ])
        try expectStatus(0, consumer)
        let lines = try consumer.output?.allText().split(separator: "\n") ?? []
        #expect(lines.first == "good one a.b 1 1 v")
        #expect(lines.dropFirst().map { $0.hasPrefix("bad ") } == [true, true])
        let dead = try stage.lines(["--cursor", "c", "--dead", endpoint])
        #expect(dead.count == 1 && dead.first?.hasPrefix("2\t2\tdefault\t") == true, "\(dead)")
        #expect(dead.first?.contains("broken") == true)
        try expectStatus(66, stage.tail(["--cursor", "c", "--return", "1", endpoint]))
        try expectStatus(0, stage.tail(["--cursor", "c", "--return", "2", endpoint]))
        #expect(try stage.lines(["--cursor", "c", endpoint]) == ["bad"])
        #expect(try stage.lines(["--cursor", "c", "--dead", endpoint]) == [])
    }

    @Test("--parallel runs so many at once, --exec-timeout ends what takes too long")
    func parallel() throws {
        let listener = try stage.listenForMessages()
        try expectStatus(0, stage.send([listener.endpoint], lines: 0..<3))
        // Each waits until all three are there.
        let folder = try stage.path("present")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let command = """
            touch \(folder)/$FTSL_INDEX
            while [ $(ls \(folder) | wc -l) -lt 3 ]; do sleep 0.05; done
            """
        try expectStatus(
            0,
            stage.tail([
                "--cursor", "c", "--from", "beginning", "-e", "--parallel", "3", "--exec", command,
                listener.endpoint,
            ]))
        let slow = try stage.tail([
            "--cursor", "slow", "-n", "1", "-e", "--exec", "sleep 60", "--exec-timeout", "200ms",
            "--max-attempts", "1", listener.endpoint,
        ])
        try expectStatus(0, slow)
        let dead = try stage.lines(["--cursor", "slow", "--dead", listener.endpoint])
        #expect(dead.first?.contains("200ms") == true, "\(dead)")
    }

    @Test("The cursor follows only what the pipeline says is finished")
    func acknowledgements() throws {
        let listener = try stage.listenForMessages()
        try expectStatus(0, stage.send([listener.endpoint], lines: 0..<5))
        let (read, write) = try Descriptor.pipe()
        let consumer = try stage.tail(
            [
                "--cursor", "c", "--from", "beginning", "--ack-fd", "3", "--format", "%x",
                listener.endpoint,
            ], extra: [3: read])
        read.close()
        try consumer.output?.line(containing: "5")
        write.write("1\n2\n")
        try eventually("the cursor is at 3") {
            try stage.run(Tool.path, ["status", "--json", stage.inbox]).contains("\"floor\":3")
        }
        consumer.destroy()
        #expect(
            try stage.lines(["--cursor", "c", "--format", "%x", listener.endpoint])
                == ["3", "4", "5"])
    }
}
