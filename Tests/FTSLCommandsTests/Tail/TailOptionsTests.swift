import ArgumentParser
import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("Options of tail")
struct TailOptionsTests {
    private func options(_ arguments: [String]) throws -> TailOptions {
        let command = try RootCommand.parseAsRoot(["tail"] + arguments)
        return try #require(command as? TailCommand).options
    }

    @Test(
        "Every way to say where to begin",
        arguments: [
            (["--from", "beginning"], ConsumerStart.beginning), (["--from", "end"], .end),
            ([], .end), (["--from", "17"], .index(InboxIndex(17))), (["--from", "-5"], .last(5)),
            (["--from=-5"], .last(5)), (["-n", "3"], .last(3)), (["-n", "0"], .end),
            (["--from", "-0"], .end), (["--from", "10m"], .age(600_000)),
            (["--from", "1.5s"], .age(1_500)), (["--from", "250ms"], .age(250)),
            (["--from", "1970-01-02"], .since(86_400_000)),
            (["--from", "1970-01-01T00:00:01Z"], .since(1_000)),
            (["--from", "1970-01-01T00:00:01.25Z"], .since(1_250)),
            (["--from", "1970-01-01T01:00:01+01:00"], .since(1_000)),
            (["--from", "1970-01-01T00:00:01"], .since(1_000)),
            (["--from", "1970-01-01 00:00:01"], .since(1_000)),
        ])
    func starts(arguments: [String], start: ConsumerStart) throws {
        #expect(try options(["a:1"] + arguments).start == start)
    }

    @Test(
        "What is no place to begin is a usage error",
        arguments: ["", "0", "-", "-x", "+5", "middle", "10y", "2026-13-01", "1h2m", "T", "--5"])
    func noStarts(text: String) {
        let error = #expect(throws: (any Error).self) { try options(["a:1", "--from", text]) }
        if let error { #expect(RootCommand.exitCode(for: error).rawValue == 64) }
    }

    @Test(
        "What cannot go together is refused",
        arguments: [
            ["-n", "1", "--from", "end"], ["--cursor", "a", "--group", "b"], ["--cursor", ""],
            ["--cursor", "a b"], ["--json", "--format", "%b"], ["--json", "--exec", "x"],
            ["--json", "-0"], ["--exec", "x", "-0"], ["--ack-fd", "3"], ["--dead"],
            ["--return", "3"], ["--cursor", "a", "--dead", "--return", "3"],
            ["--cursor", "a", "--ack-fd", "1"], ["--cursor", "a", "--ack-fd", "3", "--exec", "x"],
            ["--parallel", "0"], ["--max-attempts", "0"], ["--count", "0"], ["-t", ""],
            ["-t", "a.#.b"], ["-t", "a*"], ["--format", "%q"], ["--exec-timeout", "0s"],
        ])
    func contradictions(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try options(["a:1"] + arguments) }
        if let error { #expect(RootCommand.exitCode(for: error).rawValue == 64) }
    }

    @Test(
        "A path is told from an endpoint",
        arguments: [
            ("host", Place.endpoint("host")), (":7000", .endpoint(":7000")),
            ("unix:/tmp/s", .endpoint("unix:/tmp/s")), ("./x", .path("./x")),
            ("ftsl://host:1", .endpoint("ftsl://host:1")), ("/tmp/x", .path("/tmp/x")),
            ("in.db", .path("in.db")),
        ])
    func places(text: String, place: Place) {
        #expect(Place(text) { $0 == "in.db" } == place)
    }
}
