import Foundation
import Testing

@Suite("Metrics of a listener", .needs("curl", "promtool"), .onStage)
struct MetricsTests {
    /// A listener with an inbox and a command, and the address of its metrics.
    private func serve(_ options: [String] = []) throws -> (Listener, String) {
        let stage = try stage
        let listener = try stage.listen(
            ["--exec", "cat", "--inbox", stage.inbox, "--metrics", "127.0.0.1:0"] + options)
        let line = try listener.errors.line(containing: "metrics at ")
        let address = try #require(line.split(separator: " ").last)
        return (listener, "http://\(address)")
    }

    private func metrics(at address: String) throws -> String {
        try stage.run("/usr/bin/curl", ["-sf", "--max-time", "10", "\(address)/metrics"])
    }

    /// The value of a sample.
    private func value(_ name: String, in page: String) -> Double? {
        let line = page.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }

    /// The status and the text that curl gets.
    private func answer(_ arguments: [String]) throws -> String {
        try stage.run(
            "/usr/bin/curl", ["-s", "--max-time", "10", "-w", "%{http_code}"] + arguments)
    }

    @Test("What happened is counted, and promtool finds nothing to complain about")
    func counted() throws {
        let stage = try stage
        let (listener, address) = try serve()
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("hello\n")
        try client.output?.line(containing: "hello")
        try expectStatus(0, stage.send([listener.endpoint, "one"]))
        let during = try metrics(at: address)
        #expect(value("ftsl_sessions{state=\"attached\"}", in: during) == 1)
        client.input?.close()
        try expectStatus(0, client)
        try eventually("the end of both sessions is counted") {
            let now = try metrics(at: address)
            return value("ftsl_sessions_ended_total{outcome=\"complete\"}", in: now) == 2
        }
        let page = try metrics(at: address)
        let wanted: [String: Double] = [
            "ftsl_sessions_opened_total": 2, "ftsl_attachments_total": 2,
            "ftsl_reconnects_total": 0, "ftsl_received_bytes_total": 6,
            "ftsl_sent_bytes_total": 6, "ftsl_unacknowledged_bytes": 0,
            "ftsl_messages_accepted_total": 1, "ftsl_messages_rejected_total": 0,
            "ftsl_inbox_messages": 1, "ftsl_inbox_dead_letters": 0, "ftsl_lanes": 0,
            "ftsl_draining": 0, "ftsl_migrations_total{result=\"moved\"}": 0,
        ]
        for (name, number) in wanted { #expect(value(name, in: page) == number, "\(name)") }
        #expect((value("ftsl_store_latency_seconds_count", in: page) ?? 0) > 0)
        #expect((value("process_resident_memory_bytes", in: page) ?? 0) > 1_000_000)
        let file = stage.path("page")
        try page.write(toFile: file, atomically: true, encoding: .utf8)
        let check = try stage.start(
            Launch(
                path: "promtool", arguments: ["check", "metrics"], input: .file(file)))
        try expectStatus(0, check)
        let complaints = try #require(check.output).allText() + #require(check.errors).allText()
        #expect(complaints == "", "\(complaints)")
    }

    @Test("A lost connection, and its resumption, are counted")
    func reconnects() throws {
        let stage = try stage
        let (listener, address) = try serve()
        let relay = try Relay(to: listener.port)
        let client = try stage.connect("127.0.0.1:\(relay.port)", input: .pipe)
        client.input?.write("one\n")
        try client.output?.line(containing: "one")
        relay.cut()
        client.input?.write("two\n")
        try client.output?.line(containing: "two")
        let page = try metrics(at: address)
        #expect(value("ftsl_reconnects_total", in: page) == 1)
        #expect((value("ftsl_disconnects_total", in: page) ?? 0) >= 1)
        client.input?.close()
        try expectStatus(0, client)
    }

    @Test("/healthz says whether new sessions are welcome")
    func health() throws {
        let stage = try stage
        let (listener, address) = try serve(["--drain-timeout", "20s"])
        #expect(try answer(["\(address)/healthz"]) == "ok\n200")
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("x\n")
        try client.output?.line(containing: "x")
        listener.program.signal(SIGTERM)
        try eventually("it drains") { try answer(["\(address)/healthz"]) == "draining\n503" }
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(128 + SIGTERM, listener.program)
    }

    @Test("Only short GETs of what there is are answered")
    func bounds() throws {
        let (_, address) = try serve()
        #expect(try answer(["\(address)/other"]).hasSuffix("404"))
        #expect(try answer(["-X", "POST", "-d", "x", "\(address)/metrics"]).hasSuffix("405"))
        #expect(try answer(["-I", "\(address)/healthz"]).hasSuffix("200"))
        let long = try stage.start(
            Launch(
                path: "curl",
                arguments: [
                    "-s", "--max-time", "10", "-H", "X: \(String(repeating: "x", count: 9_000))",
                    "\(address)/metrics",
                ]))
        #expect(try long.wait() != .status(0))
        #expect(try answer(["\(address)/healthz"]) == "ok\n200")
    }

    @Test("A Unix socket serves them too, and is gone with the listener")
    func unixSocket() throws {
        let stage = try stage
        let path = stage.path("metrics.sock")
        let listener = try stage.listen(["-k", "--metrics", "unix:\(path)"])
        #expect(try answer(["--unix-socket", path, "http://x/healthz"]) == "ok\n200")
        listener.program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, listener.program)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("Beyond loopback they need --public")
    func loopback() throws {
        try expectRefusal(
            stage.ftsl(["listen", ":0", "--metrics", "0.0.0.0:0"]), 78, "--public")
    }
}
