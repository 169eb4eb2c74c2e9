import ArgumentParser
import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("Options of send")
struct SendOptionsTests {
    private func options(_ arguments: [String]) throws -> SendOptions {
        let command = try RootCommand.parseAsRoot(["send"] + arguments)
        return try #require(command as? SendCommand).options
    }

    @Test("Headers are NAME=VALUE, and a value may hold anything but NUL")
    func headers() throws {
        let options = try options(["a:1", "x", "-H", "k=v=w", "-H", "k=", "--header", "n=a b"])
        #expect(
            options.draft.headers == [
                .init(name: "k", value: "v=w"), .init(name: "k", value: ""),
                .init(name: "n", value: "a b"),
            ])
    }

    @Test(
        "What is no header is a usage error",
        arguments: ["k", "k: v", "=v", "k k=v", "k=\(String(repeating: "v", count: 4097))"])
    func notHeaders(text: String) {
        let error = #expect(throws: (any Error).self) { try options(["a:1", "x", "-H", text]) }
        if let error { #expect(RootCommand.exitCode(for: error).rawValue == 64) }
    }

    @Test("More than 64 headers, or 16 KiB of envelope, are a usage error")
    func bounds() {
        let many = (0...64).flatMap { ["-H", "k\($0)=v"] }
        #expect(throws: (any Error).self) { try options(["a:1", "x"] + many) }
        let large = (0..<5).flatMap { _ in ["-H", "k=\(String(repeating: "v", count: 4000))"] }
        #expect(throws: (any Error).self) { try options(["a:1", "x"] + large) }
    }

    @Test(
        "What cannot go together is refused",
        arguments: [
            ["a:1", "x", "-l"], ["a:1", "-l", "-0"], ["a:1", "-l", "--frame", "json"],
            ["a:1", "x", "-f", "y"], ["a:1", "-f", "y", "-0"], ["a:1", "--keep"], [],
            ["a:1", "-l", "--id", "x"], ["a:1", "--id", "x", "--id-from-json", "y"],
            ["--flush", "--cancel", "x"], ["--wait-for", "x", "--cancel", "y"],
            ["a:1", "x", "--flush"],
            ["a:1", "x", "--wait", "stored", "--delivery", "at-most-once"],
            ["a:1", "x", "--wait", "processed", "--delivery", "at-most-once"],
            ["a:1", "x", "--processed-by", "c"], ["a:1", "x", "--ttl", "0"],
            ["a:1", "x", "-t", ""], ["a:1", "x", "-t", "a.#"], ["a:1", "x", "--id", ""],
            ["a:b:c", "x"], ["a:1", "x", "--max-message", "0"],
        ])
    func contradictions(arguments: [String]) {
        let error = #expect(throws: (any Error).self, "\(arguments)") { try options(arguments) }
        if let error { #expect(RootCommand.exitCode(for: error).rawValue == 64) }
    }

    @Test("The framing follows from the flags")
    func framing() throws {
        #expect(try options(["a:1"]).framing == .whole)
        #expect(try options(["a:1", "-l"]).framing == .lines)
        #expect(try options(["a:1", "-0"]).framing == .null)
        #expect(try options(["a:1", "--frame", "len32"]).framing == .frames(.len32))
    }

    @Test("Work on the outbox needs no endpoint")
    func outbox() throws {
        #expect(try options(["--flush", "--keep"]).keep)
        #expect(try options(["--wait-for", "x"]).waitFor == "x")
        #expect(try options(["--cancel", "x"]).cancel == "x")
    }
}

@Suite("Names of messages")
struct MessageNameTests {
    @Test("A name is read as it is written")
    func roundTrip() {
        let name = MessageName(producer: ProducerID(high: 0xAB, low: .max), sequence: 17)
        #expect(MessageName("\(name)") == name)
    }

    @Test(
        "Other ids are somebody's own",
        arguments: [
            "", "-", "x-1", "000000000000000000000000000000ab", String(repeating: "0", count: 33),
            "00000000000000000000000000000001-", "00000000000000000000000000000001-0",
            "00000000000000000000000000000001-+1", "0000000000000000000000000000000G-1",
            "00000000000000000000000000000001-1-1",
        ])
    func others(text: String) {
        #expect(MessageName(text) == nil)
    }
}
