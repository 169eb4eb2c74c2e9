import Foundation
import Testing

@Suite("What a session tells about itself, and nc's options", .onStage)
struct ReportingTests {
    @Test("--summary json: bytes, digests, reconnects and the outcome, equal at both ends")
    func summaries() throws {
        let listener = try stage.listen(["--summary", "json"], input: .pipe)
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["--summary", "json", "-q"], input: .pipe)
        client.input?.write("from the client")
        try listener.output.atLeast(15)
        relay.cut()
        listener.program.input?.write("from the listener")
        listener.program.input?.close()
        try client.output?.atLeast(17)
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        let mine = try summary(of: client)
        let theirs = try summary(of: listener.program)
        #expect(mine.string("outcome") == "complete")
        #expect(mine.integer("status") == 0)
        #expect(mine.integer("bytes_sent") == 15)
        #expect(mine.integer("bytes_acknowledged") == 15)
        #expect(mine.integer("bytes_received") == 17)
        #expect(mine.integer("reconnects") == 1)
        #expect(try #require(mine.number("seconds")) > 0)
        #expect(mine.has("replayed") && mine.has("offline_seconds") && mine.has("peer"))
        #expect(mine.string("digest_sent") == theirs.string("digest_received"))
        #expect(mine.string("digest_received") == theirs.string("digest_sent"))
        #expect(mine.string("session") == theirs.string("session"))
    }

    @Test("--summary text is one line")
    func textSummary() throws {
        let listener = try stage.listen()
        let client = try stage.connect(listener, ["--summary", "text"])
        try expectStatus(0, client)
        #expect(try oneSentence(client).contains("complete"))
    }

    @Test("--status-fd tells connected, lost, resumed and closed, with positions")
    func statusLines() throws {
        let (read, write) = try Descriptor.pipe()
        let lines = Collector(read)
        let listener = try stage.listen()
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(
            relay.endpoint, ["--status-fd", "7", "--interval", "50ms"], input: .pipe,
            extra: [7: write])
        write.close()
        client.input?.write("0123456789")
        _ = try lines.object("progress") {
            $0.string("event") == "progress" && $0.integer("acknowledged") == 10
        }
        relay.cut()
        _ = try lines.object("resumed") { $0.string("event") == "resumed" }
        client.input?.close()
        try expectStatus(0, client)
        _ = try lines.all()
        let events = lines.objects.compactMap { $0.string("event") }.filter { $0 != "progress" }
        #expect(events == ["connected", "lost", "resumed", "closed"])
        #expect(lines.objects.allSatisfy { $0.has("time") && $0.has("session") })
        #expect(lines.objects.last?.integer("status") == 0)
        let attachments = lines.objects.compactMap { $0.integer("attachment") }
        #expect(attachments == attachments.sorted() && Set(attachments).count == 2)
    }

    @Test("A reader of --status-fd that goes away disturbs nothing")
    func statusReaderGone() throws {
        let (read, write) = try Descriptor.pipe()
        read.close()
        let listener = try stage.listen()
        let client = try stage.connect(listener, ["--status-fd", "7"], extra: [7: write])
        try expectStatus(0, client)
    }

    @Test("--progress with --size shows per cent and the time left")
    func progress() throws {
        let listener = try stage.listen()
        let client = try stage.connect(
            listener, ["--progress", "--size", "1M", "--interval", "20ms"], input: .pipe)
        client.input?.write([UInt8](repeating: 1, count: 1 << 19))
        try client.errors?.line(containing: "50 %")
        try client.errors?.line(containing: "unacknowledged")
        client.input?.close()
        try expectStatus(0, client)
    }

    @Test("--limit-rate holds within a tenth over two seconds")
    func limitRate() throws {
        let listener = try stage.listen()
        let client = try stage.connect(listener, ["--limit-rate", "1M"], input: .pipe)
        RandomStream(seed: 2).write(2 << 20, to: try #require(client.input))
        let start = ContinuousClock.now
        try expectStatus(0, client)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        #expect(seconds > 1.7 && seconds < 4, "\(seconds) s for 2 MiB at 1 MiB/s")
        #expect(try listener.output.all().count == 2 << 20)
    }

    @Test("-q N: after the end of input it does not wait longer for the other direction")
    func quitAfter() throws {
        let listener = try stage.listen(input: .pipe)
        let client = try stage.connect(listener, ["-N", "-q", "1"], input: .pipe)
        client.input?.write("question")
        client.input?.close()
        let start = ContinuousClock.now
        try client.wait(.seconds(10))
        #expect(ContinuousClock.now - start > .milliseconds(800))
        #expect(try listener.output.allText() == "question")
        _ = try listener.program.wait()
    }

    @Test("-w N ends a session without traffic: 124")
    func idle() throws {
        let listener = try stage.listen()
        let client = try stage.connect(listener, ["-w", "1"], input: .pipe)
        client.input?.write("once")
        try expectStatus(124, client, .seconds(10))
        try expectStatus(80, listener.program)
        #expect(try listener.output.allText() == "once")
    }

    @Test("-q alone is --quiet: nothing but errors")
    func quiet() throws {
        let listener = try stage.listen(["-q"])
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["-q"], input: .pipe)
        client.input?.write("x")
        try listener.output.atLeast(1)
        relay.cut()
        client.input?.write("y")
        try listener.output.atLeast(2)
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try client.errors?.allText() == "")
        #expect(try listener.errors.allText() == "")
    }

    @Test("One line when the connection is lost, one when it is back")
    func lostAndBack() throws {
        let listener = try stage.listen()
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, input: .pipe)
        client.input?.write("x")
        try listener.output.atLeast(1)
        relay.cut()
        try client.errors?.line(containing: "back with")
        client.input?.close()
        try expectStatus(0, client)
        let lines = try client.errors?.allText().split(separator: "\n") ?? []
        #expect(lines.count == 2)
        #expect(lines.first?.contains("lost the connection to \(relay.endpoint)") == true)
        #expect(lines.last?.contains("replayed") == true)
    }

    @Test("--log-format json makes every line an object")
    func jsonLog() throws {
        let listener = try stage.listen(["--log-format", "json", "-vv"])
        let client = try stage.connect(listener, ["--log-format", "json", "-vv"])
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        let text = try listener.errors.allText()
        #expect(listener.program.errors?.objects.count == text.split(separator: "\n").count)
        #expect(listener.program.errors?.objects.first?.string("endpoint") == listener.endpoint)
        let dead = try stage.connect(
            "127.0.0.1:\(Socket.unusedPort())", ["--log-format", "json"])
        try expectStatus(69, dead)
        _ = try dead.errors?.all()
        #expect(dead.errors?.objects.last?.integer("status") == 69)
    }

    @Test("The listener says where it listens, on stderr and to --ready-fd")
    func ready() throws {
        let listener = try stage.listen()
        #expect(listener.endpoint.hasPrefix("127.0.0.1:"))
        #expect(
            try listener.errors.line(containing: "listening")
                == "ftsl: listening on \(listener.endpoint)")
    }
}
