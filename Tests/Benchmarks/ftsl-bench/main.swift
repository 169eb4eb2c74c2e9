import ArgumentParser

/// Measures what needs the library rather than the command. Not installed.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ftsl-bench", abstract: "Benchmarks inside one process.",
        subcommands: [RoundTrip.self, HotPaths.self, Sessions.self, Store.self, Crowd.self])
}

Bench.main()
