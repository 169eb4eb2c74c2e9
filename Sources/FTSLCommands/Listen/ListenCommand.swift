internal import ArgumentParser
internal import FTSLCore
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
        // All change the environment, and so come before the second thread.
        let inheritance = try inheritance()
        let manager = ServiceManager.take()
        let inherited: SocketActivation?
        do {
            inherited = try SocketActivation.take()
        } catch {
            throw Ending(.configuration, error.text)
        }
        let bound = inheritance?.descriptors[.listener].flatMap { Endpoint(ofSocket: $0) }
        let endpoint = try options.listenEndpoint(inherited: inherited?.endpoint ?? bound)
        let metrics = try options.metricsEndpoint()
        let backend = try options.forwardEndpoint()
        let log = Log(global)
        let listener = try Listener(
            endpoint, backend: backend, options: options, global: global, log: log,
            inheritance: inheritance)
        listener.manager = manager
        listener.inherited = inherited?.descriptor
        listener.metricsEndpoint = metrics
        EventLoopProgram.run { listener.start(on: $0) }
    }

    private func inheritance() throws(Ending) -> RestartImage? {
        do {
            return try Successor.inheritance()
        } catch {
            throw Ending(.violation, "cannot take over from the last program: \(error.text)")
        }
    }
}
