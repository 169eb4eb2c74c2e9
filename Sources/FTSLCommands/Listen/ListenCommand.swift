internal import ArgumentParser
internal import FTSLKit
internal import FTSLTransport

struct ListenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen",
        abstract: "Accept sessions: pipe, command, forward.",
        discussion: """
            Without a service it takes one session, writes what comes to stdout, sends stdin, and \
            exits, like nc. With --exec, --forward or --keep-open it serves until stopped.
            """)

    @OptionGroup var options: ListenOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let endpoint = try options.listenEndpoint()
        let backend = try options.forwardEndpoint()
        let log = Log(global)
        let listener = Listener(
            endpoint, backend: backend, options: options, global: global, log: log)
        EventLoopProgram.run { listener.start(on: $0) }
    }
}
