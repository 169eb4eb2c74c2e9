import Foundation
import Testing

/// Strangers in numbers, against the built binary.
@Suite(.onStage(weight: 3), .serialized)
struct FloodTests {
    /// Connections that say the beginning of something, or nothing.
    private func connections(_ count: Int, to port: Int) throws -> [CInt] {
        var all: [CInt] = []
        for index in 0..<count {
            let descriptor = try connectPlainly(to: port)
            if index % 10 == 0 { _ = send(descriptor, "FTSL\r\n", 6, CInt(MSG_NOSIGNAL)) }
            all.append(descriptor)
        }
        return all
    }

    private func connectPlainly(to port: Int) throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw SystemFailure("connect") }
        return descriptor
    }

    private func closeAll(_ descriptors: [CInt]) {
        for descriptor in descriptors { close(descriptor) }
    }

    private func expectService(_ listener: Listener) throws {
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("hello")
        client.input?.close()
        try expectStatus(0, client, .seconds(8))
        #expect(try client.output?.allText() == "hello")
    }

    @Test("Ten thousand half-open connections: others get in, memory stays, the log says it once")
    func halfOpen() throws {
        let listener = try stage.listen(["--exec", "cat"])
        let before = try #require(listener.program.peakMemory)
        var open: [CInt] = []
        for _ in 0..<10 {
            open += try connections(1_000, to: listener.port)
            // This process has its own limit; the listener keeps the newest anyway.
            if open.count > 2_000 {
                closeAll(Array(open.prefix(1_000)))
                open.removeFirst(1_000)
            }
        }
        defer { closeAll(open) }
        try expectService(listener)
        let after = try #require(listener.program.peakMemory)
        #expect(after - before < 32 << 20)
        let lines = try listener.errors.text.split(separator: "\n")
        #expect(lines.count { $0.contains("prove nothing") } == 1)
    }

    @Test("A listener with few descriptors keeps some for those who prove themselves")
    func fewDescriptors() throws {
        let listener = try stage.listen(["--exec", "cat"], under: ["prlimit", "--nofile=256"])
        let open = try connections(1_000, to: listener.port)
        defer { closeAll(open) }
        try expectService(listener)
        try expectService(listener)
    }

    @Test("Without any descriptor left a listener rests, and serves again when there is one")
    func noDescriptors() throws {
        let taken = "for n in {20..77}; do eval \"exec $n</dev/null\"; done"
        let listener = try stage.listen(
            ["--exec", "cat"],
            under: ["bash", "-c", "ulimit -n 92; \(taken); exec \"$@\"", "bash"])
        let open = try connections(60, to: listener.port)
        let before = listener.program.processorTicks
        let end = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < end { usleep(20_000) }
        let used = listener.program.processorTicks - before
        #expect(used < 20, "\(used) hundredths of a second of processor, in one second")
        closeAll(open)
        // First it accepts those who came before and are gone; a command may find too few.
        try eventually("a command is served") {
            let client = try stage.connect(listener, input: .pipe)
            client.input?.write("hello")
            client.input?.close()
            return try client.wait(.seconds(8)) == .status(0)
                && client.output?.allText() == "hello"
        }
    }
}
