internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport

/// `--delivery`.
enum DeliveryArgument: String, ExpressibleByArgument, CaseIterable, Sendable {
    case exactlyOnce = "exactly-once"
    case atLeastOnce = "at-least-once"
    case atMostOnce = "at-most-once"

    var mode: DeliveryMode {
        switch self {
        case .exactlyOnce: .exactlyOnce
        case .atLeastOnce: .atLeastOnce
        case .atMostOnce: .atMostOnce
        }
    }
}

/// `--wait`: how far a message must be before `send` ends.
enum WaitArgument: String, ExpressibleByArgument, CaseIterable, Sendable {
    case stored, accepted, processed
}

struct SendOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Where the inbox is; several, comma-separated, are alternatives.",
            valueName: "endpoint"), completion: Candidates.endpoints)
    var endpoint: String?

    @Argument(
        help: ArgumentHelp("The message; without it stdin is.", valueName: "message"))
    var message: String?

    @Flag(name: .shortAndLong, help: "Each line of stdin is a message.")
    var lines = false

    @Flag(name: [.customShort("0"), .long], help: "Messages on stdin end with NUL.")
    var null = false

    @Option(
        help: ArgumentHelp(
            "How messages are framed on stdin: 4-byte sizes, netstrings, JSON objects.",
            valueName: "len32|netstring|json"))
    var frame: FrameFormat?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("This file is the message.", valueName: "path"),
        completion: .file())
    var file: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Topic; levels end at '.' or '/'.", valueName: "topic"))
    var topic = "default"

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp("A header; may be given several times.", valueName: "name=value"))
    var header: [HeaderArgument] = []

    @Option(
        help: ArgumentHelp(
            "Do not deliver it later than this (default: for ever).", valueName: "duration"))
    var ttl: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "Name of the message: under one id only one message is ever stored.", valueName: "id"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Messages are JSON objects, and this member is their id.", valueName: "field"))
    var idFromJson: String?

    @Option(
        help: ArgumentHelp(
            "The guarantee.", valueName: "exactly-once|at-least-once|at-most-once"))
    var delivery = DeliveryArgument.exactlyOnce

    @Option(
        help: ArgumentHelp(
            "How far the messages must be before this ends.",
            valueName: "stored|accepted|processed"))
    var wait = WaitArgument.accepted

    @Option(
        help: ArgumentHelp(
            "With --wait processed: by this cursor (default: by every durable one).",
            valueName: "name"))
    var processedBy: String?

    @Option(
        help: ArgumentHelp(
            "Do not wait longer; what is in the outbox stays there.", valueName: "duration"))
    var timeout: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "Where messages wait (default: $XDG_STATE_HOME/ftsl/outbox.db).", valueName: "path"),
        completion: .file())
    var outbox: String?

    @Flag(help: "Deliver what is in the outbox, for this endpoint or for all.")
    var flush = false

    @Flag(help: "With --flush: go on delivering what others put there.")
    var keep = false

    @Flag(help: "Print the id of each message on stdout.")
    var printId = false

    @Option(
        help: ArgumentHelp("Wait for a message that was sent before.", valueName: "id"))
    var waitFor: String?

    @Option(
        help: ArgumentHelp(
            "Do not send a message that still waits in the outbox.", valueName: "id"))
    var cancel: String?

    @Flag(help: "Print what became of each message on stdout, an object a line.")
    var json = false

    @Option(
        help: ArgumentHelp("Larger messages are bad input.", valueName: "size"))
    var maxMessage = ByteSize(bytes: 64 << 20)

    @OptionGroup var trust: ServerTrustOptions

    mutating func validate() throws {
        try checkKind()
        if let complaint = EnvelopeRules.complaint(topic: topic) {
            throw ValidationError("--topic: \(complaint)")
        }
        if let id, let complaint = EnvelopeRules.complaint(id: id) {
            throw ValidationError("--id: \(complaint)")
        }
        if let complaint = EnvelopeRules.complaint(draft) { throw ValidationError(complaint) }
        if let processedBy, let complaint = CursorName.complaint(processedBy) {
            throw ValidationError("--processed-by: \(complaint)")
        }
        if processedBy != nil, wait != .processed {
            throw ValidationError("--processed-by goes with --wait processed")
        }
        if delivery != .exactlyOnce, wait == .stored {
            throw ValidationError("--wait stored needs --delivery exactly-once")
        }
        if delivery == .atMostOnce, wait == .processed {
            throw ValidationError("--wait processed excludes --delivery at-most-once")
        }
        if maxMessage.bytes == 0 { throw ValidationError("--max-message must be more than 0") }
        if ttl?.duration == .zero { throw ValidationError("--ttl must be more than 0") }
        if let endpoint { _ = try EndpointArgument.list(endpoint) }
    }

    /// One kind of work at a time, and one kind of message.
    private func checkKind() throws {
        let others = [
            (flush, "--flush"), (waitFor != nil, "--wait-for"), (cancel != nil, "--cancel"),
        ]
        .filter(\.0).map(\.1)
        let framings = [(lines, "--lines"), (null, "--null"), (frame != nil, "--frame")]
            .filter(\.0).map(\.1)
        let sources =
            (message != nil ? ["a message"] : []) + (file != nil ? ["--file"] : []) + framings
        if others.count + sources.count > 1 {
            let words = sources + others
            throw ValidationError("\(words[0]) and \(words[1]) exclude each other")
        }
        if keep, !flush { throw ValidationError("--keep goes with --flush") }
        if endpoint == nil, others.isEmpty { throw ValidationError("Missing an endpoint") }
        if id != nil, let framing = framings.first {
            throw ValidationError("--id names one message, \(framing) sends many")
        }
        if id != nil, idFromJson != nil {
            throw ValidationError("--id and --id-from-json exclude each other")
        }
    }

    var draft: MessageDraft {
        MessageDraft(topic: topic, id: id ?? "", headers: header.map(\.header))
    }

    var framing: Framing {
        if let frame { return .frames(frame) }
        return lines ? .lines : null ? .null : .whole
    }

    var rules: MessageAssembler.Rules {
        MessageAssembler.Rules(
            draft: draft, maxMessage: maxMessage.bytes, idField: idFromJson)
    }

    /// False for work on what others left in the outbox.
    var sendsMessages: Bool { !flush && waitFor == nil && cancel == nil }

    var outboxPath: String { outbox ?? StateFolder.outbox }
}
