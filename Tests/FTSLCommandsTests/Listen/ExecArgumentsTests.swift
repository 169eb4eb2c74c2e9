import ArgumentParser
import FTSLCore
import FTSLKit
import Testing

@testable import FTSLCommands

@Suite("Options of --exec")
struct ExecArgumentsTests {
    @Test(
        "What is about checkpoints needs a command",
        arguments: [
            ["--lines"], ["--checkpoint-timeout", "1s"], ["--checkpoint-buffer", "1M"],
            ["--exec", "cat", "--checkpoint-timeout", "0"], ["--pty"],
            ["--exec", "cat", "--pty", "--lines"],
            ["--exec", "cat", "--pty", "--checkpoint-timeout", "1s"],
            ["--exec", "cat", "--pty", "--checkpoint-buffer", "1M"],
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
        #expect(defaults.checkpointBuffer == 16 << 20 && !defaults.terminal)
        #expect(try ListenOptions.parse(["--exec", "cat", "--pty"]).commands.options.terminal)
    }

    @Test("A session without a connection lives an hour, and with a terminal a day")
    func sessionTimeout() throws {
        func seconds(_ arguments: String...) throws -> UInt32 {
            try ListenOptions.parse(arguments).configuration.limits.sessionTimeoutSeconds
        }
        #expect(try seconds("--exec", "cat") == 3_600)
        #expect(try seconds("--exec", "cat", "--pty") == 86_400)
        #expect(try seconds("--exec", "cat", "--pty", "--session-timeout", "5m") == 300)
    }
}
