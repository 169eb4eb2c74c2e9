import Foundation
import Testing

@Suite("Limits and crowds")
struct LimitTests {
    @Test("A listener without free descriptors keeps its sessions, and newcomers get in", .onStage)
    func descriptors() throws {
        let listener = try stage.listen(
            ["--exec", "cat", "-v"], under: ["prlimit", "--nofile=128:128"])
        let relay = try stage.relay(to: listener)
        let session = try stage.connect(relay.endpoint, ["-q"], input: .pipe)
        session.input?.write("before;")
        try session.output?.line(containing: "before;")
        let strangers = try (0..<400).map { _ in try Socket.connect(listener.port) }
        // The session comes back, and a newcomer is served, though strangers hold all they can get.
        relay.cut()
        session.input?.write("after;")
        try session.output?.line(containing: "after;", .seconds(8))
        let newcomer = try stage.connect(listener, input: .pipe)
        newcomer.input?.write("hello")
        try newcomer.output?.atLeast(5, .seconds(8))
        for stranger in strangers { stranger.close() }
        newcomer.input?.close()
        try expectStatus(0, newcomer)
        session.input?.close()
        try expectStatus(0, session)
    }

    @Test("--max-sessions refuses one more, with one sentence", .onStage)
    func maxSessions() throws {
        let listener = try stage.listen(["--exec", "cat", "--max-sessions", "2"])
        let sessions = try (0..<2).map { _ in try stage.connect(listener, input: .pipe) }
        for session in sessions {
            session.input?.write("x")
            try session.output?.atLeast(1)
        }
        let third = try stage.connect(listener)
        try expectStatus(69, third)
        #expect(try oneSentence(third).contains("too many sessions"))
        for session in sessions {
            session.input?.close()
            try expectStatus(0, session)
        }
        try expectStatus(0, stage.connect(listener))
    }

    @Test("A stalled standard error of a command does not hold up its output", .onStage)
    func stalledChannel() throws {
        let listener = try stage.listen(
            ["--exec", "yes error | head -c 20M >&2 & yes output | head -c 20M; wait"])
        let (read, write) = try Descriptor.pipe()
        let client = try stage.connect(listener, output: .collected, errors: .descriptor(write))
        write.close()
        // Nobody reads the errors, and all of the output comes.
        try client.output?.atLeast(20 << 20)
        let errors = Collector(read)
        try expectStatus(0, client)
        #expect(try errors.all().count == 20 << 20)
        #expect(try client.output?.all().count == 20 << 20)
    }

    @Test(
        "A hundred plain clients at once, each through a session of its own, with cuts",
        .onStage(weight: 3))
    func crowd() throws {
        let echo = try stage.server { connection in
            let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
            defer { space.deallocate() }
            while let count = connection.read(into: space), count > 0 {
                connection.write(UnsafeRawBufferPointer(rebasing: space[..<count]))
            }
        }
        let (local, relay, forwarder) = try stage.tunnel(to: echo.port)
        let size = 1 << 20
        // Nobody goes on before everybody has a session.
        let start = Watched(false)
        let clients = try (0..<100).map { number in
            let stream = RandomStream(seed: UInt64(1000 + number))
            let socket = try Socket.connect(local)
            let copy = try Descriptor(dup(socket.raw), "dup")
            Thread.detachNewThread {
                var bytes = [UInt8](repeating: 0, count: size)
                bytes.withUnsafeMutableBytes { stream.fill($0, from: 0) }
                copy.write(bytes[..<1])
                _ = start.wait(.seconds(60)) { $0 ? true : nil }
                copy.write(bytes[1...])
                shutdown(copy.raw, CInt(SHUT_WR))
            }
            return Verifier(socket, stream)
        }
        for client in clients { try client.reach(1, .seconds(30)) }
        let cuts = try stage.keepCutting(relay, every: 4 << 20)
        start.change { $0 = true }
        for client in clients {
            let end = try client.end(.seconds(60))
            #expect(end.position == size)
            #expect(end.difference == nil)
        }
        #expect(cuts.current >= 10)
        let complaints = forwarder.errors?.text.split(separator: "\n").filter {
            !["lost the", "back with", "listening"].contains(where: $0.contains)
        }
        #expect(complaints == [])
    }

    @Test("Two hundred clients one after the other leave nothing behind in the listener", .onStage)
    func turnover() throws {
        let listener = try stage.listen(["--exec", "cat"])
        func descriptors() throws -> Int {
            let folder = "/proc/\(listener.program.pid)/fd"
            return try FileManager.default.contentsOfDirectory(atPath: folder).count
        }
        try expectStatus(0, stage.connect(listener))
        let before = try descriptors()
        for _ in 0..<20 {
            let clients = try (0..<10).map { _ in try stage.connect(listener, input: .pipe) }
            for client in clients {
                client.input?.write("x")
                client.input?.close()
            }
            for client in clients { try expectStatus(0, client) }
        }
        try eventually("descriptors are closed") { try descriptors() <= before }
        let line = try statistics(of: listener)
        #expect(line.integer("sessions") == 0 && line.integer("reserved_memory") == 0)
    }

    private func statistics(of listener: Listener) throws -> JSONObject {
        listener.program.signal(SIGUSR1)
        return try listener.errors.object("statistics") { $0.has("sessions") }
    }
}

@Suite("Endpoints", .onStage)
struct EndpointTests {
    @Test("Names, empty hosts and URLs lead to a loopback listener")
    func names() throws {
        let listener = try stage.listen(["-k"])
        for form in ["localhost:", ":", "127.0.0.1:", "ftsl://localhost:"] {
            try expectStatus(0, stage.connect("\(form)\(listener.port)"))
        }
    }

    @Test("A Unix socket in use is not taken away; a stale one is; a file is never removed")
    func unixSockets() throws {
        let path = try stage.path("socket")
        let first = try stage.listen(["-k"], at: "unix:\(path)")
        let second = try stage.ftsl(["listen", "unix:\(path)"])
        try expectStatus(69, second)
        #expect(try oneSentence(second).contains("in use"))
        try expectStatus(0, stage.connect("unix:\(path)"))
        first.program.signal(SIGKILL)
        try first.program.wait()
        let third = try stage.listen(at: "unix:\(path)")
        try expectStatus(0, stage.connect("unix:\(path)"))
        try expectStatus(0, third.program)
        #expect(!FileManager.default.fileExists(atPath: path))
        try "precious".write(toFile: path, atomically: true, encoding: .utf8)
        let fourth = try stage.ftsl(["listen", "unix:\(path)"])
        try expectStatus(69, fourth)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test("--local on a Unix socket, --forward to a Unix socket")
    func unixServices() throws {
        let (local, backend) = try (stage.path("local"), stage.path("backend"))
        let server = try stage.listen(["--exec", "cat"], at: "unix:\(backend)")
        let listener = try stage.listen(["--forward", "unix:\(backend)"])
        let forwarder = try stage.connect(listener.endpoint, ["--local", "unix:\(local)"])
        try forwarder.errors?.line(containing: "listening on")
        // A session inside a session.
        let client = try stage.connect("unix:\(local)", input: .pipe)
        client.input?.write("nested")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "nested")
        #expect(server.program.end == nil)
    }
}
