internal import ArgumentParser
internal import FTSLCore
internal import FTSLStore

/// `--on-full`.
enum WhenFullArgument: String, ExpressibleByArgument, CaseIterable, Sendable {
    case block, fail

    var policy: InboxLimits.WhenFull {
        switch self {
        case .block: .block
        case .fail: .fail
        }
    }
}

/// `--keep`: how long messages stay that every cursor has passed: `7d`, `10G`, `1000000`, or
/// several of them, comma-separated; what comes first counts.
///
/// Capitals are sizes, small letters are times, a bare number is a count.
struct KeepArgument: ExpressibleByArgument, Equatable, CustomStringConvertible {
    var count: UInt64?
    var bytes: UInt64?
    var age: Duration?

    init?(argument: String) {
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard take(String(part)) else { return nil }
        }
    }

    /// False for what is no limit, or is one that is there already.
    private mutating func take(_ text: String) -> Bool {
        guard let last = text.last else { return false }
        if last.isASCII, last.isNumber {
            guard count == nil, let number = UInt64(text) else { return false }
            count = number
        } else if last.isUppercase {
            guard bytes == nil, let size = ByteSize(argument: text) else { return false }
            bytes = size.bytes
        } else {
            guard age == nil, let span = TimeSpan(argument: text) else { return false }
            age = span.duration
        }
        return true
    }

    var keep: InboxKeep {
        InboxKeep(
            age: age.map { $0.wholeNanoseconds / 1_000_000 }, messages: count, bytes: bytes)
    }

    var description: String {
        [
            age.map { "\(TimeSpan($0))" }, bytes.map { "\(ByteSize(bytes: $0))" },
            count.map { "\($0)" },
        ].compactMap { $0 }.joined(separator: ",")
    }
}

/// What `listen` does with messages.
struct InboxArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Accept messages into this inbox, a file that is made if there is none.",
            valueName: "path"), completion: .file())
    var inbox: String?

    @Option(
        help: ArgumentHelp(
            "When the inbox has no room: let senders wait, or reject messages.",
            valueName: "block|fail"))
    var onFull = WhenFullArgument.block

    @Option(
        help: ArgumentHelp(
            "Keep messages that every cursor has passed: an age (7d), a size (10G), a count, or "
                + "several, comma-separated (default: for ever).",
            valueName: "limits"))
    var keep: KeepArgument?

    @Option(
        help: ArgumentHelp("Larger messages are rejected.", valueName: "size"))
    var maxMessage = ByteSize(bytes: 64 << 20)

    mutating func validate() throws {
        if inbox?.isEmpty == true { throw ValidationError("--inbox needs the path of a file") }
        if keep != nil, inbox == nil { throw ValidationError("--keep goes with --inbox") }
        if maxMessage.bytes == 0 { throw ValidationError("--max-message must be more than 0") }
    }

    /// What the inbox's host is asked to keep to.
    var storeOptions: InboxOptions {
        var options = InboxOptions()
        options.limits.maxMessage = maxMessage.bytes
        options.limits.whenFull = onFull.policy
        options.keep = keep?.keep ?? .forever
        return options
    }
}
