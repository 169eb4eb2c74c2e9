internal import ArgumentParser
internal import Glibc

struct ShellCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell",
        abstract: "A shell over many sessions.",
        discussion: """
            Lines go to the current session; commands begin with a slash, and /help lists them. \
            Without a terminal the commands come from stdin, and the first one that fails ends \
            the shell with its status.
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Run this instead of what stdin says.", valueName: "command"))
    var command: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let log = Log(global)
        // What the shell takes from a context, its commands take too.
        if let context = global.context { setenv("FTSL_CONTEXT", context, 1) }
        let hasTerminal = command == nil && ShellTerminal.isThere
        let shell = SessionShell(
            terminal: hasTerminal, isSingle: false, global: global, log: log)
        EventLoopProgram.run(also: hasTerminal ? ShellTerminal.signals : []) { loop in
            shell.start(on: loop) {
                if !hasTerminal { shell.read(ShellScript(command, on: loop)) }
            }
        }
    }
}
