internal import ArgumentParser
internal import FTSLCore
internal import FTSLTransport

struct TailOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Where the inbox is: endpoints, or the path of its file.",
            valueName: "endpoint"), completion: Candidates.inboxes)
    var endpoint: String

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Begin with the last n messages.", valueName: "n"))
    var last: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Where to begin: beginning, end, an index, -n (the last n), an age such as 10m, or a "
                + "time (default: end).", valueName: "start"))
    var from: StartArgument?

    @Option(
        help: ArgumentHelp(
            "Go on where this cursor is; what is finished is never seen again.",
            valueName: "name"), completion: Candidates.cursors)
    var cursor: String?

    @Option(
        help: ArgumentHelp(
            "As --cursor, and share the messages with the other members.", valueName: "name"),
        completion: Candidates.cursors)
    var group: String?

    @Flag(name: [.customShort("e"), .long], help: "End when there is nothing more.")
    var exitAtEnd = false

    @Option(
        name: .shortAndLong, help: ArgumentHelp("End after n messages.", valueName: "n"))
    var count: UInt64?

    @Option(
        name: [.customShort("W"), .long],
        help: ArgumentHelp(
            "End after this time, with 124 if fewer than --count came.", valueName: "duration"))
    var timeout: TimeSpan?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Only topics like this: '*' is one level, '#' the rest; may be given several times.",
            valueName: "glob"), completion: Candidates.topics)
    var topic: [String] = []

    @Flag(name: [.customShort("0"), .long], help: "End messages with NUL instead of a newline.")
    var null = false

    @Flag(help: "Print a JSON object a line.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Print this for each message; see ftsl-tail(1).", valueName: "format"))
    var format: FormatArgument?

    @Option(
        help: ArgumentHelp(
            "Run this command for each message by /bin/sh -c, with the body on stdin.",
            valueName: "command"))
    var exec: String?

    @Option(
        help: ArgumentHelp("Commands of --exec at a time, at most.", valueName: "n"))
    var parallel = 1

    @Option(
        help: ArgumentHelp("A command that runs longer has failed.", valueName: "duration"))
    var execTimeout: TimeSpan?

    @Option(
        help: ArgumentHelp("A message that failed so often is a dead letter.", valueName: "n"))
    var maxAttempts = Bound.maxAttempts

    @Option(
        help: ArgumentHelp(
            "Indexes of finished messages come from this descriptor, a line each.",
            valueName: "n"))
    var ackFd: Int32?

    @Flag(help: "List the dead letters of the cursor.")
    var dead = false

    @Option(
        name: .customLong("return"),
        help: ArgumentHelp("Put a dead letter of the cursor back.", valueName: "index"))
    var returned: UInt64?

    @OptionGroup var trust: ServerTrustOptions

    mutating func validate() throws {
        if case .endpoint(let text) = place { _ = try EndpointArgument.list(text) }
        if last != nil, from != nil { throw ValidationError("-n and --from exclude each other") }
        if cursor != nil, group != nil {
            throw ValidationError("--cursor and --group exclude each other")
        }
        if let cursorName, let complaint = CursorName.complaint(cursorName) {
            throw ValidationError(complaint)
        }
        for pattern in topic {
            if let complaint = TopicPattern.complaint(pattern) {
                throw ValidationError("--topic '\(pattern)': \(complaint)")
            }
        }
        if topic.count > Int(UInt8.max) { throw ValidationError("at most 255 times --topic") }
        try checkOutput()
        try checkCursor()
    }

    private func checkOutput() throws {
        let outputs = [
            (json, "--json"), (format != nil, "--format"), (exec != nil, "--exec"),
        ].filter(\.0).map(\.1)
        if outputs.count > 1 {
            throw ValidationError("\(outputs[0]) and \(outputs[1]) exclude each other")
        }
        if null, json || exec != nil {
            throw ValidationError("--null and \(outputs[0]) exclude each other")
        }
        if !(1...1024).contains(parallel) {
            throw ValidationError("--parallel is a number from 1 to 1024")
        }
        if maxAttempts < 1 { throw ValidationError("--max-attempts must be at least 1") }
        if execTimeout?.duration == .zero {
            throw ValidationError("--exec-timeout must be more than 0")
        }
        if count == 0 { throw ValidationError("--count must be at least 1") }
    }

    /// Nothing is done, dead or returned but for a cursor.
    private func checkCursor() throws {
        if dead, returned != nil { throw ValidationError("--dead and --return exclude each other") }
        let needing = [
            (ackFd != nil, "--ack-fd"), (dead, "--dead"), (returned != nil, "--return"),
        ].filter(\.0).map(\.1)
        if cursorName == nil, let option = needing.first {
            throw ValidationError("\(option) needs --cursor or --group")
        }
        if exec != nil, let option = needing.first {
            throw ValidationError("--exec and \(option) exclude each other")
        }
        if let ackFd, ackFd < 0 || ackFd == 1 || ackFd == 2 {
            throw ValidationError("--ack-fd is a descriptor that can be read")
        }
        if returned == 0 { throw ValidationError("--return: the first index is 1") }
    }

    var place: Place { Place(endpoint) { FileStatus.exists($0) } }

    var cursorName: String? { cursor ?? group }

    var start: ConsumerStart {
        if let last { return last == 0 ? .end : .last(last) }
        return from?.start ?? .end
    }

    var filter: TopicFilter { TopicFilter(topic) }

    /// What one needs to know to put a dead letter back.
    private static let deadLetter: [FormatItem] = [
        .index, .text("\t"), .attempt, .text("\t"), .topic, .text("\t"), .id, .text("\t"), .reason,
    ]

    var output: MessageFormat {
        if json { return .json }
        let end: UInt8 = null ? 0 : 0x0A
        if dead, format == nil { return .items(Self.deadLetter, end: end) }
        return format.map { .items($0.items, end: end) } ?? .items([.body], end: end)
    }
}

/// Patterns of `--topic`.
enum TopicPattern {
    static func complaint(_ pattern: String) -> String? {
        if pattern.isEmpty { return "a pattern cannot be empty" }
        if pattern.utf8.count > Bound.topic { return "a pattern has at most \(Bound.topic) bytes" }
        let levels = pattern.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "/" }
        if levels.dropLast().contains("#") { return "'#' can only be the last level" }
        let mixed = levels.contains { $0.count > 1 && ($0.contains("*") || $0.contains("#")) }
        return mixed ? "'*' and '#' stand for whole levels" : nil
    }
}
