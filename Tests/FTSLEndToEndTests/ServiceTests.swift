import Foundation
import Testing

@Suite("What a listener serves", .onStage)
struct ServiceTests {
    @Test("The server may answer after the client's end of input: half-close")
    func halfClose() throws {
        let listener = try stage.listen(input: .pipe)
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("question")
        client.input?.close()
        // The whole question, to its end, is there before a single byte of the answer.
        #expect(try listener.output.allText() == "question")
        listener.program.input?.write("answer")
        listener.program.input?.close()
        #expect(try client.output?.allText() == "answer")
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
    }

    @Test("The client may go on after the server's end")
    func halfCloseOfTheServer() throws {
        let listener = try stage.listen()
        let client = try stage.connect(listener, input: .pipe)
        #expect(try client.output?.allText() == "")
        client.input?.write("still here")
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try listener.output.allText() == "still here")
    }

    @Test("--keep-open serves one client after the other")
    func keepOpen() throws {
        let listener = try stage.listen(["-k"])
        for name in ["one ", "two ", "three"] {
            let client = try stage.connect(listener, input: .pipe)
            client.input?.write(name)
            client.input?.close()
            try expectStatus(0, client)
        }
        #expect(try String(decoding: listener.output.atLeast(13), as: UTF8.self) == "one two three")
        #expect(listener.program.end == nil)
        listener.program.signal(SIGTERM)
        try expectStatus(143, listener.program)
    }

    @Test("Without --keep-open the second client finds nobody")
    func onlyOne() throws {
        let listener = try stage.listen()
        try expectStatus(0, stage.connect(listener))
        try expectStatus(0, listener.program)
        try expectStatus(69, stage.connect(listener))
    }

    @Test("--one refuses a second client while the first is served")
    func refuseSecond() throws {
        let listener = try stage.listen(["-k", "--one"])
        let first = try stage.connect(listener, input: .pipe)
        first.input?.write("first")
        try listener.output.atLeast(5)
        let second = try stage.connect(listener)
        try expectStatus(69, second)
        #expect(try oneSentence(second).contains(listener.endpoint))
        first.input?.close()
        try expectStatus(0, first)
    }

    @Test("A second client waits its turn")
    func waitTurn() throws {
        let listener = try stage.listen(["-k"])
        let first = try stage.connect(listener, input: .pipe)
        first.input?.write("first ")
        try listener.output.atLeast(6)
        let second = try stage.connect(listener, ["-v"], input: .pipe)
        second.input?.write("second")
        second.input?.close()
        try second.errors?.line(containing: "waiting")
        #expect(try listener.output.text == "first ")
        first.input?.close()
        try expectStatus(0, first)
        try expectStatus(0, second)
        #expect(try String(decoding: listener.output.atLeast(12), as: UTF8.self) == "first second")
    }

    @Test("Of several endpoints the first that answers is taken")
    func alternatives() throws {
        let listener = try stage.listen()
        let dead = try "127.0.0.1:\(Socket.unusedPort())"
        let client = try stage.connect("\(dead),\(dead),\(listener.endpoint)", input: .pipe)
        client.input?.write("by the third door")
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try listener.output.allText() == "by the third door")
    }

    @Test("A session goes on through another endpoint of the same listener")
    func failOver() throws {
        let listener = try stage.listen()
        let first = try stage.relay(to: listener)
        let second = try stage.relay(to: listener)
        let client = try stage.connect("\(first.endpoint),\(second.endpoint)", input: .pipe)
        client.input?.write("through one, ")
        try listener.output.atLeast(13)
        first.refuse()
        first.cut()
        client.input?.write("through the other")
        try listener.output.atLeast(30)
        #expect(second.accepted > 0)
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
    }

    @Test("Unix sockets")
    func unixSocket() throws {
        let path = try stage.path("socket")
        let listener = try stage.listen(at: "unix:\(path)")
        #expect(listener.endpoint == "unix:\(path)")
        let client = try stage.connect("unix:\(path)", input: .pipe)
        client.input?.write("without a network")
        client.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try listener.output.allText() == "without a network")
    }

    @Test("IPv6 loopback", .enabled(if: Requirement.hasIPv6, "no IPv6 on this machine"))
    func ipv6() throws {
        let listener = try stage.listen(at: "[::1]:0")
        #expect(listener.endpoint.hasPrefix("[::1]:"))
        let client = try stage.connect("ftsl://\(listener.endpoint)", input: .pipe)
        client.input?.write("colons")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try listener.output.allText() == "colons")
    }

    @Test("--local and --forward make any TCP client and server fault-tolerant")
    func forward() throws {
        let echo = try stage.server { connection in
            let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
            defer { space.deallocate() }
            while let count = connection.read(into: space), count > 0 {
                connection.write(UnsafeRawBufferPointer(rebasing: space[..<count]))
            }
        }
        let listener = try stage.listen(["--forward", echo.endpoint])
        let relay = try stage.relay(to: listener)
        let local = try stage.connect(relay.endpoint, ["--local", ":0"])
        let door = try port(of: local)
        let clients = try (0..<4).map { _ in try Socket.connect(door) }
        let answers = clients.map { Collector($0) }
        for round in 1...8 {
            for (number, client) in clients.enumerated() {
                client.write("client \(number), round \(round).\n")
            }
            if round % 2 == 0 { relay.cut() }
            for answer in answers { try answer.line(containing: "round \(round).") }
        }
        for client in clients { shutdown(client.raw, CInt(SHUT_WR)) }
        for (number, answer) in answers.enumerated() {
            let wanted = (1...8).map { "client \(number), round \($0).\n" }.joined()
            #expect(try answer.allText() == wanted)
        }
        #expect(echo.accepted == 4)
    }

    @Test("A plain client behind --local sees a reset, not an end, when the backend is not there")
    func noBackend() throws {
        let listener = try stage.listen(["--forward", "127.0.0.1:\(Socket.unusedPort())"])
        let client = try stage.connect(listener)
        try expectStatus(69, client)
        #expect(try oneSentence(client).contains("backend"))
        let local = try stage.connect(listener.endpoint, ["--local", ":0"])
        let plain = try Socket.connect(port(of: local))
        var byte: UInt8 = 0
        #expect(plain.isReadable(within: .seconds(10)))
        #expect(read(plain.raw, &byte, 1) == -1)
        #expect(errno == ECONNRESET)
    }

    @Test("A backend that dies is not taken for one that finished")
    func backendReset() throws {
        let server = try stage.server { connection in
            connection.write("half of the")
            var byte: UInt8 = 0
            _ = read(connection.raw, &byte, 1)
            connection.reset()
        }
        let listener = try stage.listen(["--forward", server.endpoint])
        let client = try stage.connect(listener, input: .pipe)
        try client.output?.atLeast(11)
        client.input?.write("x")
        try expectStatus(80, client)
        #expect(try oneSentence(client).contains("11 bytes"))
    }
}

/// The port that `connect --local` says it listens on.
func port(of local: Program) throws -> Int {
    let line = try #require(try local.errors?.line(containing: "listening on"))
    return try #require(Int(line.split(separator: ":").last ?? ""))
}

/// What an error must look like: one line, of which this is the text.
func oneSentence(
    _ program: Program, sourceLocation: SourceLocation = #_sourceLocation
) throws -> String {
    let text = try program.errors?.allText() ?? ""
    let lines = text.split(separator: "\n").filter {
        !$0.contains("listening on") && !$0.contains("lost the connection")
            && !$0.contains("back with")
    }
    #expect(lines.count == 1, "\(program.name) said: \(text)", sourceLocation: sourceLocation)
    return lines.last.map(String.init) ?? ""
}
