internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit

/// What `listen` does with the commands of `--exec`.
struct ExecArguments: ParsableArguments {
    @Flag(help: "Give the command of --exec a terminal.")
    var pty = false

    @Flag(help: "Give the command of --exec whole lines only.")
    var lines = false

    @Option(
        help: ArgumentHelp(
            "How long the command of --exec may take for a checkpoint (default: 5s).",
            valueName: "duration"))
    var checkpointTimeout: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "Bytes it may write meanwhile beyond the session's room (default: 16M).",
            valueName: "size"))
    var checkpointBuffer: ByteSize?

    mutating func validate() throws {
        if pty, let other = checkpointOption {
            throw ValidationError("--pty and \(other) exclude each other")
        }
        if let checkpointTimeout, checkpointTimeout.duration < .milliseconds(1) {
            throw ValidationError("--checkpoint-timeout must be at least 1ms")
        }
    }

    /// What a migration calls the service: neither kind can take the other's sessions.
    var kind: String { pty ? "exec --pty" : "exec" }

    /// The name of one that was given.
    var given: String? {
        pty ? "--pty" : checkpointOption
    }

    /// The name of one that is about commands on pipes.
    private var checkpointOption: String? {
        if lines { return "--lines" }
        if checkpointTimeout != nil { return "--checkpoint-timeout" }
        return checkpointBuffer != nil ? "--checkpoint-buffer" : nil
    }

    var options: ExecService.Options {
        var options = ExecService.Options()
        options.lines = lines
        options.terminal = pty
        if let checkpointTimeout { options.checkpointTimeout = checkpointTimeout.duration }
        if let checkpointBuffer { options.checkpointBuffer = checkpointBuffer.bytes }
        return options
    }
}
