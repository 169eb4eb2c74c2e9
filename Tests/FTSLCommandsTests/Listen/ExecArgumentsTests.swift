import ArgumentParser
import FTSLKit
import Testing

@testable import FTSLCommands

@Suite("Options of --exec")
struct ExecArgumentsTests {
    @Test(
        "What is about checkpoints needs a command",
        arguments: [
            ["--lines"], ["--checkpoint-timeout", "1s"], ["--checkpoint-buffer", "1M"],
            ["--exec", "cat", "--checkpoint-timeout", "0"],
        ])
    func needed(arguments: [String]) {
        #expect(throws: (any Error).self) { try RootCommand.parseAsRoot(["listen"] + arguments) }
    }

    @Test("They say how a command is asked")
    func given() throws {
        let options = try ListenOptions.parse([
            "--exec", "cat", "--lines", "--checkpoint-timeout", "250ms", "--checkpoint-buffer",
            "4M",
        ]).commands.options
        #expect(options.lines)
        #expect(options.checkpointTimeout == .milliseconds(250))
        #expect(options.checkpointBuffer == 4 << 20)
        let defaults = try ListenOptions.parse(["--exec", "cat"]).commands.options
        #expect(!defaults.lines && defaults.checkpointTimeout == .seconds(5))
        #expect(defaults.checkpointBuffer == 16 << 20)
    }
}
