internal import ArgumentParser

enum ColorChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    case auto, always, never
}

enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case text, json
}

/// Options that every command has.
struct GlobalOptions: ParsableArguments {
    @Flag(name: [.customShort("q"), .long], help: "Say nothing but errors.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Say more; twice: everything.")
    var verbose: Int

    @Option(help: ArgumentHelp("How to write what goes to stderr.", valueName: "text|json"))
    var logFormat = LogFormat.text

    @Option(help: ArgumentHelp("Colour on stderr.", valueName: "auto|always|never"))
    var color = ColorChoice.auto

    @Option(
        help: ArgumentHelp("Take defaults from this context of config.json.", valueName: "name"),
        completion: Candidates.contexts)
    var context: String?

    @Option(
        help: ArgumentHelp(
            "After SIGINT or SIGTERM, how long what is in flight may take.", valueName: "duration"))
    var drainTimeout = TimeSpan(.seconds(10))
}
