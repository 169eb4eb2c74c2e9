internal import ArgumentParser
internal import FTSLKit
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// `--sabotage`: what is spoiled on purpose.
enum Sabotage: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// The proxy turns one bit of a stream around.
    case flip
    /// One message is never sent.
    case lose
    /// One message is sent again under another id.
    case double
}

struct SelftestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Prove the promises on this machine, with faults, in under a minute.",
        discussion: """
            Streams, messages and a migration go through a proxy that cuts connections at random, \
            while processes are killed. It works in a folder of its own and touches no state of \
            the user's. The exit status is 0 only if all of it held, otherwise 70.
            """)

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Spoil something on purpose, to see that it is noticed: turn a bit around, lose a "
                + "message, send one twice.", valueName: "flip|lose|double"))
    var sabotage: Sabotage?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        // Before the second thread, which the signals are not for.
        SignalWatcher.prepare()
        Descriptor.secureStandard()
        let log = Log(global)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let stage = try SelftestStage()
        let signals = SignalWatcher([SIGINT, SIGTERM, SIGHUP], on: loop) { number in
            stage.end(by: number)
            ProcessEnd.with(Ending(status: ExitStatus.signal(number)), nil)
        }
        let results = withExtendedLifetime(signals) {
            SelftestRun(stage: stage, loop: loop, sabotage: sabotage, log: log).results()
        }
        stage.end()
        // Whoever notices first: what was stopped has not failed.
        if let number = stage.stoppedBy { throw Ending(status: ExitStatus.signal(number)) }
        let text = json ? SelftestReport.lines(results) : SelftestReport.table(results)
        guard RawOutput.write(text, to: 1) else { throw Ending(.brokenPipe) }
        if let ending = SelftestReport.ending(results) { throw ending }
    }
}
