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
            let forwarder = LocalForwarder(
                local, to: endpoints, options: options, global: global, log: log)
            EventLoopProgram.run { forwarder.start(on: $0) }
        }
        let client = ConnectClient(endpoints, options: options, global: global, log: log)
        EventLoopProgram.run { client.start(on: $0) }
    }
}

/// Runs an event loop on the main thread until something ends the process.
enum EventLoopProgram {
    static func run(_ start: @escaping (any EventLoop) -> Void) -> Never {
        Descriptor.secureStandard()
        SignalWatcher.prepare()
        ProcessLimits.raise()
        ProcessLimits.keepMemory()
        MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { start($0) }
        fatalError("the event loop ended without an ending")
    }
}
