import Foundation
import Testing

@Suite("ftsl selftest", .needs("pgrep"), .onStage(weight: 4))
struct SelftestTests {
    private func selftest(_ options: [String] = []) throws -> Program {
        // Its folder is where the test can see it.
        let launch = Launch(
            path: Tool.path, arguments: ["selftest", "--json"] + options,
            environment: ["TMPDIR": try stage.folder])
        return try stage.start(launch)
    }

    private func expectNothingLeft() throws {
        let left = try FileManager.default.contentsOfDirectory(atPath: stage.folder)
            .filter { $0.hasPrefix("ftsl-selftest") || $0 == "state" || $0 == "ftsl" }
        #expect(left == [])
    }

    @Test("Under a minute all of it holds, with faults, and nothing is left or touched")
    func holds() throws {
        let start = ContinuousClock.now
        let program = try selftest()
        try expectStatus(0, program, .seconds(60))
        #expect(ContinuousClock.now - start < .seconds(60))
        let results = try #require(program.output).objects
        #expect(results.compactMap { $0.string("check") } == ["streams", "messages", "migration"])
        for result in results {
            #expect((result.integer("cuts") ?? 0) > 0, "\(result)")
            #expect(result.string("sent_digest") == result.string("received_digest"))
        }
        #expect((results[1].integer("kills") ?? 0) >= 4)
        #expect((results[2].integer("moves") ?? 0) >= 2)
        try expectNothingLeft()
    }

    @Test(
        "What is spoiled on purpose is noticed, where it is",
        arguments: [("flip", "streams"), ("lose", "messages"), ("double", "messages")])
    func sabotage(kind: String, check: String) throws {
        let program = try selftest(["--sabotage", kind])
        try expectStatus(70, program, .seconds(60))
        let broken = try #require(program.output).objects
            .filter { $0.integer("holds") == 0 }.compactMap { $0.string("check") }
        #expect(broken == [check])
        #expect(program.errors?.text.contains("\(check) did not hold") == true)
        try expectNothingLeft()
    }

    @Test("Interrupted, it leaves no folder and no process")
    func interrupted() throws {
        let program = try selftest()
        try program.errors?.line(containing: "messages:")
        program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, program)
        try expectNothingLeft()
        let left = try stage.start(
            Launch(path: "pgrep", arguments: ["-f", "/proc/\(program.pid)/exe"]))
        try expectStatus(1, left)
    }
}
