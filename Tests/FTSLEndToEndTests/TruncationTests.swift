import Foundation
import Testing

@Suite("A torn stream is never taken for a whole one", .onStage)
struct TruncationTests {
    /// The number before " bytes received" or the like.
    private func position(_ part: String, in sentence: String) throws -> Int {
        let words = sentence.split(separator: " ")
        let text = try #require(
            sentence.range(of: part).map { sentence[..<$0.lowerBound] }, "\(sentence)")
        return try #require(
            text.split(separator: " ").last.flatMap { Int($0) }, "\(words.count): \(sentence)")
    }

    @Test("kill -9 of the client: the listener ends with 80 and the position")
    func clientKilled() throws {
        let listener = try stage.listen(["--session-timeout", "1s"])
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("0123456789")
        try listener.output.atLeast(10)
        client.signal(SIGKILL)
        try expectStatus(80, listener.program)
        #expect(try listener.output.allText() == "0123456789")
        #expect(try position(" bytes received", in: oneSentence(listener.program)) == 10)
    }

    @Test("kill -9 of the listener: the client ends with 80 and both positions")
    func listenerKilled() throws {
        let listener = try stage.listen(input: .pipe)
        let client = try stage.connect(
            listener, ["--give-up-after", "1s", "--summary", "json"], input: .pipe)
        listener.program.input?.write("twelve bytes")
        client.input?.write("0123456789")
        try listener.output.atLeast(10)
        try client.output?.atLeast(12)
        listener.program.signal(SIGKILL)
        try expectStatus(80, client)
        #expect(try client.output?.allText() == "twelve bytes")
        let end = try summary(of: client)
        #expect(end.integer("status") == 80)
        #expect(end.integer("bytes_received") == 12)
        let text = client.errors?.text ?? ""
        let line = try #require(text.split(separator: "\n").first { $0.contains("truncated") })
        #expect(try position(" bytes received", in: String(line)) == 12)
        #expect(line.contains("unknown beyond"))
    }

    @Test("The application behind the listener is killed: the client ends with 80 at once")
    func applicationKilled() throws {
        let listener = try stage.listen(["--exec", "echo $$ runs; cat >/dev/null"])
        let client = try stage.connect(listener, input: .pipe)
        let line = try #require(try client.output?.line(containing: " runs"))
        let pid = try #require(pid_t(line.dropLast(5)))
        kill(pid, SIGKILL)
        try expectStatus(80, client)
        #expect(try oneSentence(client).contains("signal 9"))
    }

    @Test("A listener that was told to stop at once leaves no false end behind")
    func listenerStoppedTwice() throws {
        let listener = try stage.listen(["--exec", "echo begun; sleep 60"])
        let client = try stage.connect(listener, ["--give-up-after", "1s"])
        try client.output?.atLeast(6)
        listener.program.signal(SIGINT)
        try listener.errors.line(containing: "listening")
        listener.program.signal(SIGINT)
        try expectStatus(130, listener.program)
        try expectStatus(80, client)
    }

    @Test("Behind --local, a killed listener is a reset for the plain client, not an end")
    func localReset() throws {
        let server = try stage.server { connection in
            connection.write("some data")
            var byte: UInt8 = 0
            _ = read(connection.raw, &byte, 1)
        }
        let listener = try stage.listen(["--forward", server.endpoint])
        let local = try stage.connect(
            listener.endpoint, ["--local", ":0", "--give-up-after", "1s"])
        let plain = try Socket.connect(port(of: local))
        var space = [UInt8](repeating: 0, count: 64)
        #expect(read(plain.raw, &space, 9) > 0)
        listener.program.signal(SIGKILL)
        #expect(plain.isReadable(within: .seconds(20)))
        #expect(read(plain.raw, &space, 9) == -1)
    }

    @Test("A session that a restarted listener does not know is gone: 81, after asking twice")
    func restarted() throws {
        let listener = try stage.listen(["--exec", "cat"])
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("hello")
        try client.output?.atLeast(5)
        listener.program.signal(SIGKILL)
        try listener.program.wait()
        _ = try stage.listen(["--exec", "cat"], at: listener.endpoint)
        try expectStatus(81, client, .seconds(75))
        #expect(try oneSentence(client).contains("5 bytes received"))
    }

    @Test("`| head -1`: quiet, 141 here, and 141 with the position at the other end")
    func readerGone() throws {
        let (read, write) = try Descriptor.pipe()
        let listener = try stage.listen(["--summary", "json"], input: .pipe)
        let client = try stage.connect(listener, output: .descriptor(write))
        write.close()
        let lines = try #require(listener.program.input)
        Thread.detachNewThread { while lines.write("a line\n") {} }
        let first = Collector(read)
        try first.line(containing: "a line")
        read.close()
        // The thread of `first` still holds a read; it ends with the next bytes.
        try expectStatus(141, client)
        #expect(try client.errors?.allText() == "")
        try expectStatus(141, listener.program)
        let end = try summary(of: listener.program)
        #expect(end.integer("status") == 141)
        #expect(end.string("outcome") == "stopped")
        #expect(try #require(end.integer("stopped_at")) > 0)
        #expect(try oneLineOrNone(listener.program))
    }

    @Test("The listener's reader goes away: the client is told where it stopped")
    func listenersReaderGone() throws {
        let (read, write) = try Descriptor.pipe()
        let listener = try stage.listen(output: .descriptor(write))
        write.close()
        let client = try stage.connect(listener, ["--summary", "json"], input: .pipe)
        client.input?.write("first\n")
        var space = [UInt8](repeating: 0, count: 6)
        #expect(Glibc.read(read.raw, &space, 6) == 6)
        read.close()
        client.input?.write("second\n")
        try expectStatus(141, client)
        try expectStatus(141, listener.program)
        let end = try summary(of: client)
        #expect(end.string("outcome") == "stopped")
        #expect(end.integer("stopped_at") == 6)
    }

    private func oneLineOrNone(_ program: Program) throws -> Bool {
        let text = program.errors?.text ?? ""
        return text.split(separator: "\n").filter {
            !$0.hasPrefix("{") && !$0.contains("listening")
        }
        .isEmpty
    }
}
