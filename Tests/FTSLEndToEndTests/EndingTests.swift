import Foundation
import Testing

/// Frames as bytes, for peers that say only one thing.
enum Wire {
    static let preface: [UInt8] = [0x46, 0x54, 0x53, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A]

    static func frame(_ kind: UInt8, _ body: [UInt8]) -> [UInt8] {
        big(UInt32(body.count + 1)) + [kind] + body
    }

    static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    /// "Refused: I speak these versions", without a secret to sign it with.
    static func refusal(versions: [UInt16]) -> [UInt8] {
        let list = versions.flatMap { big($0) }
        let item = big(UInt16(1)) + big(UInt16(list.count)) + list
        let text = Array("other version".utf8)
        return preface
            + frame(
                0x07,
                [4] + big(UInt16(20)) + big(UInt32(0)) + [UInt8(text.count)] + text
                    + big(UInt16(item.count)) + item + [UInt8](repeating: 0, count: 32))
    }

    /// A client's first words, offering versions.
    static func open(versions: [UInt16]) -> [UInt8] {
        let limits =
            big(UInt32(65_536)) + big(UInt32(1 << 20)) + big(UInt32(3000)) + big(UInt32(3600))
        return preface
            + frame(
                0x01,
                [UInt8(versions.count)] + versions.flatMap { big($0) }
                    + [UInt8](repeating: 7, count: 64) + [0] + limits + big(UInt16(0)))
    }
}

@Suite("One sentence and the right status", .onStage)
struct EndingTests {
    @Test("An unknown host is 68")
    func unknownHost() throws {
        let client = try stage.connect("no-such-host.invalid:1")
        try expectStatus(68, client)
        #expect(try oneSentence(client).contains("no-such-host.invalid"))
    }

    @Test("A refused connection is 69, at once")
    func refused() throws {
        let start = ContinuousClock.now
        let client = try stage.connect("127.0.0.1:\(Socket.unusedPort())")
        try expectStatus(69, client)
        #expect(try oneSentence(client).contains("refused"))
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("A Unix socket that is not there is 69")
    func noSocket() throws {
        let client = try stage.connect("unix:\(stage.path("nothing"))")
        try expectStatus(69, client)
        #expect(try oneSentence(client).contains("no such file"))
    }

    @Test(
        "Wrong endpoint syntax is 64",
        arguments: [
            "127.0.0.1:port", "127.0.0.1:70000", "[::1", "::1", "[::1]9", "unix:", "a b:1",
            "host:0",
            "", "host:1,",
        ])
    func syntax(_ endpoint: String) throws {
        let client = try stage.ftsl(["connect", "--", endpoint])
        try expectStatus(64, client)
        #expect(try client.errors?.allText() != "")
        #expect(try client.output?.allText() == "")
    }

    @Test(
        "Unknown options and values are 64",
        arguments: [
            ["connect"], ["connect", ":1", "--nonsense"], ["connect", ":1", "--timeout", "soon"],
            ["connect", ":1", "--limit-rate", "0"], ["connect", ":1", "--summary", "xml"],
            ["listen", ":0", "--exec", "true", "--forward", ":1"],
            ["listen", ":0", "--buffer", "1"],
            ["listen", ":0", "extra"], ["nonsense"], ["listen", "--session-timeout", "-1s", ":0"],
            ["listen", ":0", "--ready-fd", "77"],
        ])
    func usage(_ arguments: [String]) throws {
        let program = try stage.ftsl(arguments)
        try expectStatus(64, program)
        #expect(try program.errors?.allText() != "")
        #expect(try program.output?.allText() == "")
    }

    @Test("--version and --help are data: stdout, status 0")
    func help() throws {
        for arguments in [["--version"], ["--help"], ["listen", "--help"], ["connect", "-h"]] {
            let program = try stage.ftsl(arguments)
            try expectStatus(0, program)
            #expect(try program.errors?.allText() == "")
            #expect(try program.output?.allText().contains("ftsl") == true)
        }
    }

    @Test("A port that is taken is 69 and says so")
    func portTaken() throws {
        let listener = try stage.listen(["-k"])
        let second = try stage.ftsl(["listen", listener.endpoint])
        try expectStatus(69, second)
        #expect(try oneSentence(second).contains("in use"))
    }

    @Test("--public without --insecure is 78", arguments: [[":0", "--public"], ["0.0.0.0:0"]])
    func exposed(_ arguments: [String]) throws {
        let listener = try stage.ftsl(["listen"] + arguments)
        try expectStatus(78, listener)
        #expect(try oneSentence(listener).contains("--"))
    }

    @Test("A full disk is 74 here, and 80 with the position at the other end")
    func diskFull() throws {
        let full = try Descriptor(opening: "/dev/full", O_WRONLY)
        let listener = try stage.listen(output: .descriptor(full))
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("more than fits")
        try expectStatus(74, listener.program)
        #expect(try oneSentence(listener.program).contains("no space left"))
        try expectStatus(80, client)
        #expect(try oneSentence(client).contains("no space left"))
        let keeper = try stage.listen(input: .pipe)
        let second = try stage.connect(keeper, output: .descriptor(full))
        keeper.program.input?.write("more than fits")
        try expectStatus(74, second)
        try expectStatus(80, keeper.program)
    }

    @Test("A file that cannot grow any more is 74: nothing is reported as written that is not")
    func fileLimit() throws {
        let listener = try stage.listen(
            output: .file(stage.path("out")), under: ["prlimit", "--fsize=100000"])
        let client = try stage.connect(listener, input: .pipe)
        RandomStream(seed: 4).write(1 << 20, to: try #require(client.input))
        try expectStatus(74, listener.program)
        try expectStatus(80, client)
        let sentence = try oneSentence(client)
        let size = try Data(contentsOf: URL(fileURLWithPath: stage.path("out"))).count
        let confirmed = try #require(
            sentence.split(separator: " ").compactMap { Int($0) }.last, "\(sentence)")
        #expect(confirmed <= size)
    }

    @Test("An input that cannot be read is 74, and the peer does not take it for an end")
    func unreadable() throws {
        let folder = try Descriptor(opening: stage.folder, O_RDONLY | O_DIRECTORY)
        let listener = try stage.listen()
        let client = try stage.connect(listener, input: .descriptor(folder))
        try expectStatus(74, client)
        #expect(try oneSentence(client).contains("directory"))
        try expectStatus(80, listener.program)
    }
}

@Suite("Peers that speak something else", .onStage)
struct OtherPeerTests {
    private func expect(
        _ status: Int32, saying part: String, from script: @escaping @Sendable (Descriptor) -> Void
    ) throws {
        let server = try stage.server(script)
        let client = try stage.connect(server.endpoint)
        try expectStatus(status, client)
        let sentence = try oneSentence(client)
        #expect(sentence.localizedCaseInsensitiveContains(part))
        #expect(sentence.contains(server.endpoint))
    }

    @Test("An HTTP server is 76 and named")
    func http() throws {
        try expect(76, saying: "HTTP") { client in
            var space = [UInt8](repeating: 0, count: 4096)
            _ = read(client.raw, &space, space.count)
            client.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        }
    }

    @Test("An ssh server is 76 and named")
    func ssh() throws {
        try expect(76, saying: "SSH") { client in
            client.write("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
            var byte: UInt8 = 0
            _ = read(client.raw, &byte, 1)
        }
    }

    @Test("Noise is 76")
    func noise() throws {
        try expect(76, saying: "FTSL") { client in
            var space = [UInt8](repeating: 0, count: 4096)
            _ = read(client.raw, &space, space.count)
            space.withUnsafeMutableBytes { RandomStream(seed: 9).fill($0, from: 0) }
            client.write(space)
        }
    }

    @Test("A TLS server is 76")
    func tls() throws {
        // Alert: unexpected message.
        try expect(76, saying: "TLS") { client in
            var space = [UInt8](repeating: 0, count: 4096)
            _ = read(client.raw, &space, space.count)
            client.write([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0A] as [UInt8])
        }
    }

    @Test("Another version is 76, and the sentence names both")
    func version() throws {
        try expect(76, saying: "7") { client in
            var space = [UInt8](repeating: 0, count: 4096)
            _ = read(client.raw, &space, space.count)
            client.write(Wire.refusal(versions: [7, 9]))
            _ = read(client.raw, &space, space.count)
        }
    }

    @Test("A client of another version is refused, told ours, and disturbs nobody")
    func otherClient() throws {
        let listener = try stage.listen(["-k", "-v"])
        let session = try stage.connect(listener, input: .pipe)
        session.input?.write("before ")
        try listener.output.atLeast(7)
        let stranger = try Socket.connect(listener.port)
        stranger.write(Wire.open(versions: [7, 9]))
        let answer = try Collector(stranger).all(.seconds(10))
        // VERDICT: refused, version mismatch.
        #expect(answer.starts(with: Wire.preface))
        #expect(Array(answer.dropFirst(12).prefix(4)) == [0x07, 4, 0, 20])
        session.input?.write("after")
        session.input?.close()
        try expectStatus(0, session)
        #expect(try String(decoding: listener.output.atLeast(12), as: UTF8.self) == "before after")
        try listener.errors.line(containing: "version")
    }

    @Test("A peer that hangs up without a word is 69")
    func hangsUp() throws {
        try expect(69, saying: "without a word") { client in
            var space = [UInt8](repeating: 0, count: 4096)
            _ = read(client.raw, &space, space.count)
        }
    }

    @Test("Silence ends with the user's limit: 124")
    func silence() throws {
        let server = try stage.server { client in
            var space = [UInt8](repeating: 0, count: 4096)
            while read(client.raw, &space, space.count) > 0 {}
        }
        for option in [["--timeout", "500ms"], ["-w", "1"]] {
            let client = try stage.connect(server.endpoint, option)
            try expectStatus(124, client)
            #expect(try oneSentence(client).contains(server.endpoint))
        }
    }

    @Test("Silence without a limit ends after 10 s: 124, and the sentence says what it looks like")
    func longSilence() throws {
        let start = ContinuousClock.now
        let server = try stage.server { client in
            var space = [UInt8](repeating: 0, count: 4096)
            while read(client.raw, &space, space.count) > 0 {}
        }
        let client = try stage.connect(server.endpoint)
        try expectStatus(124, client)
        #expect(try oneSentence(client).contains("says nothing"))
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    @Test("--retry-first waits for a listener that comes later")
    func retryFirst() throws {
        let port = try Socket.unusedPort()
        let client = try stage.connect("127.0.0.1:\(port)", ["--retry-first", "-v"], input: .pipe)
        try client.errors?.line(containing: "next try")
        let listener = try stage.listen(at: ":\(port)")
        client.input?.write("patience")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try listener.output.allText() == "patience")
    }

    @Test("--retry-first with --timeout gives up with 124")
    func retryFirstLimited() throws {
        let port = try Socket.unusedPort()
        let client = try stage.connect(
            "127.0.0.1:\(port)", ["--retry-first", "--timeout", "600ms"])
        try expectStatus(124, client)
    }
}
