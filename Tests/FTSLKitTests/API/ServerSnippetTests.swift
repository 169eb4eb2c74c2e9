import FTSLKit
import Foundation
import Testing

// snippet: counter
/// Numbers the lines of its client.
actor LineCounter: Migratable {
    private let session: ServerSession
    private var count: Int
    /// The part of a line that has come so far.
    private var line: [UInt8] = []

    init(_ session: ServerSession, from state: [UInt8]?) {
        self.session = session
        // The state is ours alone: the count, a newline, and the rest of a line.
        let parts = (state ?? Array("0\n".utf8)).split(separator: 10, maxSplits: 1)
        count = parts.first.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        line = parts.dropFirst().first.map(Array.init) ?? []
    }

    func receive(_ bytes: [UInt8]) async throws {
        for byte in bytes {
            line.append(byte)
            guard byte == 10 else { continue }
            count += 1
            try await session.send(Array("\(count): ".utf8) + line)
            line = []
        }
    }

    func receiveEnd() async throws { try await session.finish() }

    func checkpoint() -> [UInt8] { Array("\(count)\n".utf8) + line }
}
// end

/// A client that the article does not show: the command does it in real life.
private final class LineClient: @unchecked Sendable {
    private let program = Process()
    private let input = Foundation.Pipe()
    private let output = Foundation.Pipe()

    init(_ address: String, _ binary: String) throws {
        program.executableURL = URL(filePath: binary)
        program.arguments = ["connect", address]
        (program.standardInput, program.standardOutput) = (input, output)
        try program.run()
    }

    func say(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

    func line() async -> String {
        await Self.onThread { [output] in
            var line = ""
            while !line.hasSuffix("\n") {
                let byte = output.fileHandleForReading.readData(ofLength: 1)
                guard !byte.isEmpty else { return line }
                line += String(decoding: byte, as: UTF8.self)
            }
            return line
        }
    }

    func end() async -> (rest: String, status: Int32) {
        await Self.onThread { [self] in
            input.fileHandleForWriting.closeFile()
            let rest = output.fileHandleForReading.readDataToEndOfFile()
            program.waitUntilExit()
            return (String(decoding: rest, as: UTF8.self), program.terminationStatus)
        }
    }

    /// The threads that tasks run on are few, and the servers need them.
    private static func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}

/// The article's code, run for real. What is between `snippet` and `end` is printed there.
@Suite("Snippets of Migration")
struct ServerSnippetTests {
    private let folder = TestFolder()
    private let binary = ProcessInfo.processInfo.environment["FTSL_BINARY"] ?? ""

    private func options(_ name: String) -> Server.Options {
        var options = Server.Options()
        options.records = folder.file(name)
        options.acceptsMigration = true
        return options
    }

    @Test(
        "An application in Swift moves to another server and back, and its client notices nothing")
    func moves() async throws {
        let (hereFile, thereFile) = (folder.file("here.db"), folder.file("there.db"))
        // snippet: move
        var options = Server.Options()
        options.acceptsMigration = true
        options.records = hereFile
        let here = try await Server(at: "127.0.0.1:0", options: options, begin: LineCounter.init)
        // On another machine, as a rule:
        options.records = thereFile
        let there = try await Server(at: "127.0.0.1:0", options: options, begin: LineCounter.init)
        // end
        try #require(!binary.isEmpty, "FTSL_BINARY names the command")
        let client = try LineClient(here.address, binary)
        client.say("one\ntwo\nhal")
        #expect(await client.line() == "1: one\n")
        #expect(await client.line() == "2: two\n")
        // snippet: move2
        let move = try await here.move(to: there.address)
        print("\(move.sessions) sessions went on after \(move.pause)")
        // end
        #expect(move.sessions == 1 && move.stayed.isEmpty)
        client.say("f\n")
        #expect(await client.line() == "3: half\n")
        #expect(try await there.move(to: here.address).sessions == 1)
        client.say("four\n")
        #expect(await client.line() == "4: four\n")
        let (rest, status) = await client.end()
        #expect(rest == "" && status == 0)
        // What has moved on cannot move again.
        await #expect(throws: FTSLError.self) { try await there.move(to: here.address) }
        await here.close()
        await there.close()
    }

    @Test("A target that does not accept is refused, and everything goes on")
    func refused() async throws {
        let here = try await Server(
            at: "127.0.0.1:0", options: options("here.db"), begin: LineCounter.init)
        var other = options("there.db")
        other.acceptsMigration = false
        let there = try await Server(at: "127.0.0.1:0", options: other, begin: LineCounter.init)
        try #require(!binary.isEmpty, "FTSL_BINARY names the command")
        let client = try LineClient(here.address, binary)
        client.say("one\n")
        #expect(await client.line() == "1: one\n")
        await #expect(throws: FTSLError.self) { try await here.move(to: there.address) }
        client.say("two\n")
        #expect(await client.line() == "2: two\n")
        #expect(await client.end().status == 0)
        await here.close()
        await there.close()
    }

    @Test("What an application throws ends its session for the client")
    func failing() async throws {
        struct Trouble: Error {}
        struct Failing: Migratable {
            func receive(_ bytes: [UInt8]) async throws { throw Trouble() }
            func receiveEnd() async throws {}
            func checkpoint() async throws -> [UInt8] { [] }
        }
        let server = try await Server(at: "127.0.0.1:0", options: options("a.db")) { _, _ in
            Failing()
        }
        try #require(!binary.isEmpty, "FTSL_BINARY names the command")
        let client = try LineClient(server.address, binary)
        client.say("x")
        #expect(await client.end().status == 80)
        await server.close()
    }

    @Test("An application that leaves no checkpoint in time stays, and goes on")
    func slow() async throws {
        actor Slow: Migratable {
            let session: ServerSession
            init(_ session: ServerSession) { self.session = session }
            func receive(_ bytes: [UInt8]) async throws { try await session.send(bytes) }
            func receiveEnd() async throws { try await session.finish() }
            func checkpoint() async throws -> [UInt8] {
                try await Task.sleep(for: .milliseconds(300))
                return []
            }
        }
        var slow = options("here.db")
        slow.checkpointTimeout = .milliseconds(50)
        let here = try await Server(at: "127.0.0.1:0", options: slow) { session, _ in
            Slow(session)
        }
        let there = try await Server(at: "127.0.0.1:0", options: options("there.db")) {
            session, _ in Slow(session)
        }
        try #require(!binary.isEmpty, "FTSL_BINARY names the command")
        let client = try LineClient(here.address, binary)
        client.say("one\n")
        #expect(await client.line() == "one\n")
        let move = try await here.move(to: there.address)
        #expect(move.sessions == 0 && move.stayed.count == 1)
        client.say("two\n")
        #expect(await client.line() == "two\n")
        #expect(await client.end().status == 0)
        await here.close()
        await there.close()
    }
}
