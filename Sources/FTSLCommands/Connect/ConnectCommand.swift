internal import ArgumentParser
internal import FTSLKit
internal import NIOCore
internal import NIOPosix

struct ConnectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "A full-duplex pipe that survives.",
        discussion: """
            Sends stdin to a listener and writes what it answers to stdout. The session outlives \
            its connections: nothing is lost, doubled or reordered, and exit status 0 means that \
            the other side has taken every byte.
            """)

    @OptionGroup var options: ConnectOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let endpoints = try options.endpoints()
        let log = Log(global)
        if let local = try options.localEndpoint() {
            let forwarder = try LocalForwarder(
                local, to: endpoints, options: options, global: global, log: log)
            EventLoopProgram.run { forwarder.start(on: $0) }
        }
        if ShellTerminal.isThere {
            let shell = SessionShell(terminal: true, isSingle: true, global: global, log: log)
            EventLoopProgram.run(also: ShellTerminal.signals) { loop in
                shell.start(on: loop) { try shell.connect(endpoints, options) }
            }
        }
        let client = try ConnectClient(
            endpoints, options: options, global: global, log: log, front: StandardFront(log: log))
        EventLoopProgram.run { loop in
            client.watchSignals(on: loop)
            client.start(on: loop)
        }
    }
}

/// Runs an event loop on the main thread until something ends the process.
enum EventLoopProgram {
    /// - Parameter signals: Others than the usual ones that are waited for.
    static func run(
        also signals: [CInt] = [], _ start: @escaping (any EventLoop) -> Void
    ) -> Never {
        Descriptor.secureStandard()
        SignalWatcher.prepare(also: signals)
        ProcessLimits.raise()
        ProcessLimits.keepMemory()
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { start($0) }
        fatalError("the event loop ended without an ending")
    }
}
