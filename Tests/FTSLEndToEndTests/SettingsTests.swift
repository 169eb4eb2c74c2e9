import Foundation
import Testing

/// Settings and explanations, as a user of the binary meets them.
@Suite("Settings and explanations", .onStage)
struct SettingsTests {
    private func ftsl(
        _ arguments: [String], _ environment: [String: String] = [:], config: String? = nil
    ) throws -> (status: ProcessEnd, output: String, errors: String) {
        let stage = try stage
        var environment = environment
        environment["XDG_CONFIG_HOME"] = stage.folder
        if let config {
            try FileManager.default.createDirectory(
                atPath: stage.path("ftsl"), withIntermediateDirectories: true)
            try config.write(
                toFile: stage.path("ftsl/config.json"), atomically: true, encoding: .utf8)
        }
        let program = try stage.start(
            Launch(path: Tool.path, arguments: arguments, environment: environment))
        let end = try program.wait()
        return (end, try program.output?.allText() ?? "", try program.errors?.allText() ?? "")
    }

    @Test("A bad value in the environment is 64 and one line that names the variable")
    func environment() throws {
        let result = try ftsl(["connect", "127.0.0.1:1"], ["FTSL_BUFFER": "12Z"])
        #expect(result.status == .status(64))
        #expect(result.errors.hasPrefix("ftsl: FTSL_BUFFER: "))
        #expect(result.errors.filter { $0 == "\n" }.count == 1)
        let overruled = try ftsl(
            ["connect", "127.0.0.1:1", "--buffer", "1M"], ["FTSL_BUFFER": "12Z"])
        #expect(overruled.status == .status(69))
    }

    @Test("A bad config.json is 78, and does not keep anybody from asking what 78 is")
    func configuration() throws {
        let config = #"{"defaults": {"bufer": "1M"}}"#
        let result = try ftsl(["connect", "127.0.0.1:1"], config: config)
        #expect(result.status == .status(78))
        #expect(result.errors.contains("did you mean 'buffer'?"))
        #expect(result.errors.hasSuffix("(see: ftsl explain 78)\n"))
        #expect(try ftsl(["explain", "78"], config: config).status == .status(0))
        #expect(try ftsl(["--version"], config: config).status == .status(0))
        #expect(try ftsl(["connect", "--help"], config: config).status == .status(0))
    }

    @Test("A context has an endpoint and options; the environment counts before it")
    func contexts() throws {
        let config =
            #"{"contexts": {"w": {"endpoint": "127.0.0.1:1", "log-format": "json"}}}"#
        let result = try ftsl(["connect", "--context", "w"], config: config)
        #expect(result.status == .status(69))
        #expect(result.errors.contains(#""code":"unreachable""#))
        let text = try ftsl(
            ["connect", "--context", "w"], ["FTSL_LOG_FORMAT": "text"], config: config)
        #expect(text.errors.hasSuffix("(see: ftsl explain unreachable)\n"))
    }

    @Test("In a child of --exec, FTSL_PEER and the like are no options")
    func children() throws {
        let stage = try stage
        let command = "exec '\(Tool.path)' connect 127.0.0.1:1"
        let listener = try stage.listen(["--exec", command])
        let client = try stage.connect(listener, ["--exit-status"])
        try expectStatus(69, client)
    }
}
