import Foundation
import Testing

/// What is given to `ftsl send`, and what must be in the inbox then.
struct Framing: Sendable, CustomTestStringConvertible {
    var options: [String]
    var input: String?
    var bodies: [String]
    var status: Int32 = 0
    /// Where the input is said to be bad.
    var offset: Int?
    var testDescription: String { "\(options) \(input ?? "")" }
}

@Suite("Messages as send takes them", .onStage)
struct MessageSendTests {
    @Test(
        "Every framing delivers what was given",
        arguments: [
            Framing(options: ["one"], bodies: ["one"]),
            Framing(options: [], input: "a\nb", bodies: ["a\nb"]),
            Framing(options: ["-l"], input: "a\n\nb", bodies: ["a", "", "b"]),
            Framing(options: ["-0"], input: "a\n\0b\0", bodies: ["a\n", "b"]),
            Framing(
                options: ["--frame", "len32"], input: "\0\0\0\u{2}hi\0\0\0\0\0\0\0\u{3}foo",
                bodies: ["hi", "", "foo"]),
            Framing(options: ["--frame", "netstring"], input: "2:hi,0:,", bodies: ["hi", ""]),
            Framing(
                options: ["--frame", "json"], input: #"{"text":"a"}{"base64":"Yg=="}"#,
                bodies: ["a", "b"]),
            Framing(
                options: ["-l", "--delivery", "at-least-once"], input: "a\nb\n",
                bodies: ["a", "b"]),
            Framing(
                options: ["-l", "--delivery", "at-most-once"], input: "a\nb\n",
                bodies: ["a", "b"]),
            // Bad input: all before it is delivered, and nothing after.
            Framing(
                options: ["--frame", "len32"], input: "\0\0\0\u{2}hi\0\0\0\u{3}fo",
                bodies: ["hi"], status: 65, offset: 6),
            Framing(
                options: ["--frame", "netstring"], input: "2:hi,3:foo;2:no,", bodies: ["hi"],
                status: 65, offset: 5),
            Framing(
                options: ["--frame", "json"], input: #"{"text":"a"}{"text":1}{"text":"b"}"#,
                bodies: ["a"], status: 65, offset: 12),
            Framing(
                options: ["-l", "--max-message", "3"], input: "ok\nlong\nok\n", bodies: ["ok"],
                status: 65, offset: 3),
            Framing(options: ["--max-message", "3", "long"], bodies: [], status: 65, offset: 0),
        ])
    func framings(_ framing: Framing) throws {
        let listener = try stage.listenForMessages()
        let sender = try stage.send(
            [listener.endpoint] + framing.options, input: framing.input.map { Data($0.utf8) })
        try expectStatus(framing.status, sender)
        if let offset = framing.offset {
            #expect(try oneSentence(sender).contains("bad input at byte \(offset):"))
        }
        let rows = try stage.lines(["--json", "--from", "beginning", listener.endpoint])
        #expect(rows.compactMap { JSONObject($0)?.string("text") } == framing.bodies)
        #expect(try stage.queued() == 0)
    }

    @Test("A file is one message, with its topic, headers and id")
    func envelope() throws {
        let listener = try stage.listenForMessages()
        let file = try stage.randomFile("body", 100_000)
        try expectStatus(
            0,
            stage.send([
                listener.endpoint, "-f", file, "-t", "a.b", "-H", "k=v", "-H", "x=1=2", "--id",
                "me",
            ]))
        let format = "%t|%h{k}|%h{x}|%i"
        let found = try stage.lines(["--format", format, "-n", "1", listener.endpoint])
        #expect(found == ["a.b|v|1=2|me"])
        let body = try stage.tail(["-e", "-n", "1", "--format", "%b", listener.endpoint])
        let bytes = try #require(try body.output?.all())
        #expect(try bytes.dropLast() == Data(contentsOf: URL(fileURLWithPath: file)))
    }

    @Test("Under one id only one message is ever stored")
    func sameID() throws {
        let listener = try stage.listenForMessages()
        for (text, status) in [("first", 0), ("first", 0), ("second", 82)] as [(String, Int32)] {
            try expectStatus(status, stage.send([listener.endpoint, "--id", "order-1", text]))
        }
        try expectStatus(
            82,
            stage.send(
                [listener.endpoint, "-l", "--id-from-json", "n"],
                input: Data("{\"n\":\"order-1\"}\n{\"n\":2}\n".utf8)))
        #expect(try stage.bodies(in: listener.endpoint) == ["first", "{\"n\":2}"])
    }

    @Test(
        "Usage is checked before anything is sent",
        arguments: [
            ["-H", "nov", "x"], ["-H", "=v", "x"], ["-t", "", "x"], ["-t", "a.#", "x"],
            ["--ttl", "soon", "x"], ["--frame", "xml"], ["-l", "-0"], ["-l", "x"],
            ["--delivery", "at-least-once", "--wait", "stored", "x"],
            ["--delivery", "at-most-once", "--wait", "processed", "x"],
        ])
    func usage(_ arguments: [String]) throws {
        let sender = try stage.send(["127.0.0.1:9"] + arguments)
        try expectStatus(64, sender)
        _ = try oneSentence(sender)
        #expect(!FileManager.default.fileExists(atPath: try stage.outbox))
    }

    @Test("Nobody there: 75 at once and safe, 69 or 124 where nothing is kept")
    func unreachable() throws {
        let endpoint = "127.0.0.1:\(try Socket.unusedPort())"
        let start = ContinuousClock.now
        let sender = try stage.send([endpoint, "x"])
        try expectStatus(75, sender)
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(try oneSentence(sender).contains(stage.outbox))
        try expectStatus(0, stage.send([endpoint, "--wait", "stored", "x"]))
        try expectStatus(75, stage.send([endpoint, "--timeout", "300ms", "x"]))
        try expectStatus(69, stage.send([endpoint, "--delivery", "at-least-once", "x"]))
        try expectStatus(69, stage.send([endpoint, "--delivery", "at-most-once", "x"]))
        try expectStatus(
            124, stage.send([endpoint, "--delivery", "at-least-once", "--timeout", "300ms", "x"]))
        #expect(try stage.queued() == 3)
        try expectStatus(75, stage.send(["--flush"]))
        _ = try stage.listenForMessages(at: endpoint)
        try expectStatus(0, stage.send(["--flush"]))
        #expect(try stage.queued() == 0)
    }

    @Test("From memory too, a message leaves at once and not with the next heartbeat")
    func atOnce() throws {
        let listener = try stage.listenForMessages()
        let common = [listener.endpoint, "--timeout", "2s", "--delivery", "at-least-once"]
        try expectStatus(0, stage.send(common + ["x"]))
        try expectStatus(0, stage.send(common + ["-l"], lines: 1...50))
    }

    @Test("What waits can expire, be cancelled, be asked for and be waited for")
    func outcomes() throws {
        let endpoint = "127.0.0.1:\(try Socket.unusedPort())"
        func stored(_ arguments: String...) throws -> String {
            let sender = try stage.send(
                [endpoint, "--wait", "stored", "--print-id"] + arguments)
            try expectStatus(0, sender)
            return try sender.output?.allText().trimmingCharacters(in: .newlines) ?? ""
        }
        let expiring = try stored("--ttl", "100ms", "short-lived")
        let cancelled = try stored("cancelled")
        let kept = try stored("kept")
        try expectState("queued", 0, of: kept)
        try expectState("expired", 82, of: expiring)
        // It never left: nobody need be asked.
        for _ in 0..<2 { try expectStatus(0, stage.send(["--cancel", cancelled])) }
        try expectState("cancelled", 82, of: cancelled)
        _ = try stage.listenForMessages(at: endpoint)
        try expectStatus(0, stage.send(["--wait-for", kept]))
        try expectState("accepted", 0, of: kept)
        try expectState("expired", 82, of: expiring)
        try expectState("cancelled", 82, of: cancelled)
        try expectStatus(82, stage.send(["--wait-for", expiring]))
        try expectStatus(82, stage.send(["--cancel", kept]))
        try expectStatus(66, stage.send(["--wait-for", "nobody"]))
        try expectState("unknown", 66, of: "nobody")
        #expect(try stage.bodies(in: endpoint) == ["kept"])
    }

    private func expectState(
        _ state: String, _ status: Int32, of id: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let program = try stage.ftsl(["status", "--outbox", stage.outbox, id])
        try expectStatus(status, program, sourceLocation: sourceLocation)
        #expect(try program.output?.allText() == state + "\n", sourceLocation: sourceLocation)
    }

    @Test("What has left is cancelled only if its inbox, once it answers, has not got it")
    func cancelTooLate() throws {
        let listener = try stage.listenForMessages()
        let courier = try stage.send(["-q", "--flush", "--keep", listener.endpoint])
        let stored = [listener.endpoint, "--wait", "stored"]
        try expectStatus(0, stage.send(stored + ["--id", "first", "first"]))
        try eventually("the courier has a lane") { try state(of: "first") == "accepted" }
        listener.program.signal(SIGSTOP)
        try expectStatus(0, stage.send(stored + ["--id", "late", "late"]))
        try eventually("the courier sends it") { try state(of: "late") == "sent" }
        let cancel = try stage.send(["--cancel", "late", "--timeout", "300ms"])
        try expectStatus(75, cancel)
        #expect(try oneSentence(cancel).contains("message late was on its way before"))
        listener.program.signal(SIGCONT)
        try expectStatus(0, stage.send(["--wait-for", "late"]))
        try expectStatus(82, stage.send(["--cancel", "late"]))
        #expect(try stage.bodies(in: listener.endpoint) == ["first", "late"])
        courier.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, courier)
    }

    private func state(of id: String, _ arguments: String...) throws -> String {
        let program = try stage.ftsl(["status", "--outbox", stage.outbox, id] + arguments)
        _ = try program.wait()
        return try program.output?.allText().trimmingCharacters(in: .newlines) ?? ""
    }

    private func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end { if try isSo() { return } }
        Issue.record("it never came to this: \(what)")
    }

    @Test("status ID says what became of a message at its inbox: accepted, processed or dead")
    func inboxStates() throws {
        let listener = try stage.listenForMessages()
        for id in ["good", "bad"] {
            try expectStatus(0, stage.send([listener.endpoint, "--id", id, "-t", id, id]))
            #expect(try state(of: id) == "accepted")
        }
        let place = ["--from", "beginning", "-e", listener.endpoint]
        try expectStatus(0, stage.tail(["--cursor", "a", "-t", "good"] + place))
        // Found through the listener that runs here, by its path, and by its name.
        let path = try stage.inbox
        for inbox in [[], ["--inbox", path], ["--inbox", listener.endpoint]] {
            let program = try stage.ftsl(["status", "--outbox", stage.outbox, "good"] + inbox)
            try expectStatus(0, program)
            #expect(try program.output?.allText() == "processed\n")
        }
        let failing = ["--group", "b", "-t", "bad", "--max-attempts", "1", "--exec", "exit 3"]
        _ = try stage.tail(failing + place).wait()
        let program = try stage.ftsl(["status", "--outbox", stage.outbox, "bad"])
        try expectStatus(82, program)
        #expect(try program.output?.allText() == "dead: exit status 3 (b, 1 attempt)\n")
        // At the receiver nobody has the outbox.
        let other = ["status", "--outbox", try stage.path("none.db"), "--inbox", path]
        try expectStatus(0, stage.ftsl(other + ["good"]))
        try expectStatus(66, stage.ftsl(other + ["nobody"]))
        try expectStatus(66, stage.ftsl(["status", "--inbox", try stage.path("none.db"), "good"]))
    }

    @Test("--wait processed waits for the result too when another process is the courier")
    func processedByOtherCourier() throws {
        let listener = try stage.listenForMessages()
        let courier = try stage.send(["-q", "--flush", "--keep", listener.endpoint])
        try expectStatus(0, stage.send([listener.endpoint, "first"]))
        let waiting = ["--wait", "processed", "--processed-by", "work", listener.endpoint]
        let good = try stage.send(waiting + ["-l", "--json"], input: Data("a\nb\n".utf8))
        let from = ["--cursor", "work", "--from", "beginning", "-W", "20s", listener.endpoint]
        try expectStatus(0, stage.tail(["-c", "3"] + from))
        try expectStatus(0, good)
        // One message may be processed before the next is accepted: only the steps of each have an order.
        var steps: [String: [String]] = [:]
        for line in try good.output?.allText().split(separator: "\n") ?? [] {
            let report = try #require(JSONObject(String(line)))
            let id = try #require(report.string("id"))
            steps[id, default: []].append(try #require(report.string("state")))
        }
        #expect(steps.count == 2)
        #expect(steps.values.allSatisfy { $0 == ["accepted", "processed"] }, "\(steps)")
        let bad = try stage.send(waiting + ["-q", "--id", "bad", "bad"])
        let failing = ["--max-attempts", "1", "--exec", "exit 3", "-c", "1"]
        _ = try stage.tail(failing + from).wait()
        try expectStatus(82, bad)
        #expect(try oneSentence(bad).contains("message bad is dead"))
        courier.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, courier)
    }

    @Test("A host name that nobody knows: safe in the outbox and said at once, or 68")
    func unknownHost() throws {
        let common = ["nobody.invalid:7000", "--timeout", "20s", "x"]
        let start = ContinuousClock.now
        let sender = try stage.send(common)
        try expectStatus(75, sender)
        let sentence = try oneSentence(sender)
        #expect(sentence.contains("nobody.invalid:7000: host name unknown"))
        #expect(try sentence.contains("safe in \(stage.outbox)"))
        try expectStatus(68, stage.send(["--delivery", "at-least-once"] + common))
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(try stage.queued() == 1)
    }

    @Test("--wait processed returns when the cursor has passed, or with 124")
    func processed() throws {
        let listener = try stage.listenForMessages()
        try expectStatus(
            124, stage.send([listener.endpoint, "--wait", "processed", "--timeout", "300ms", "x"]))
        let sender = try stage.send([
            listener.endpoint, "--wait", "processed", "--processed-by", "work", "y",
        ])
        let consumer = try stage.tail([
            "--cursor", "work", "--from", "beginning", "-c", "2", listener.endpoint,
        ])
        try expectStatus(0, sender)
        try expectStatus(0, consumer)
    }

    @Test("A sender that is killed leaves each message wholly in the outbox, or not at all")
    func killed() throws {
        let endpoint = "127.0.0.1:\(try Socket.unusedPort())"
        let sender = try stage.ftsl(
            [
                "send", "-q", "-l", "--outbox", stage.outbox, "--wait", "stored", "--print-id",
                endpoint,
            ], input: .pipe)
        for number in 0..<500 { sender.input?.write("line \(number)\n") }
        let printed = try #require(sender.output)
        try printed.line("id of a message") { _ in true }
        sender.destroy()
        let count = printed.text.split(separator: "\n").count
        _ = try stage.listenForMessages(at: endpoint)
        try expectStatus(0, stage.send(["--flush"]))
        let bodies = try stage.bodies(in: endpoint)
        #expect(bodies == (0..<bodies.count).map { "line \($0)" })
        #expect(bodies.count >= count)
    }

    @Test("A courier goes on delivering what others put into the outbox")
    func courier() throws {
        let listener = try stage.listenForMessages()
        let courier = try stage.send(["-q", "--flush", "--keep", listener.endpoint])
        for number in 0..<3 {
            try expectStatus(
                0, stage.send(["--wait", "stored", listener.endpoint, "\(number)"]))
        }
        let consumer = try stage.tail([
            "--from", "beginning", "-c", "3", "-W", "20s", listener.endpoint,
        ])
        try expectStatus(0, consumer)
        courier.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, courier)
    }
}

extension Stage {
    /// Messages without an outcome in the test's outbox.
    func queued() throws -> Int {
        let program = try ftsl(["status", "--json", outbox])
        // None was ever made.
        if try program.wait() == .status(66) { return 0 }
        _ = try program.output?.all()
        return try #require(program.output?.objects.first?.integer("messages"))
    }
}
