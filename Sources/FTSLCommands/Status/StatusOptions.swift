internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit

struct StatusOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "A listener by its name, endpoint or control socket, on another machine by its "
                + "endpoint; the path of an inbox or outbox; the id of a message (default: all "
                + "listeners, and this user's outbox).",
            valueName: "name|endpoint|path|id"), completion: Candidates.subjects)
    var subject: String?

    @Option(
        help: ArgumentHelp(
            "Outbox in which ids are looked up (default: $XDG_STATE_HOME/ftsl/outbox.db).",
            valueName: "path"), completion: .file())
    var outbox: String?

    @Option(
        help: ArgumentHelp(
            "Inbox in which ids are looked up too, by its path or its listener (default: where the "
                + "message went, should a listener of this user have that inbox).",
            valueName: "path|name"))
    var inbox: String?

    @Flag(help: "Print JSON objects, one a line.")
    var json = false

    @Flag(help: "Print again whenever something has changed.")
    var watch = false

    @Option(
        help: ArgumentHelp(
            "Of a listener: end this session; its client is told. The beginning of an id will do.",
            valueName: "session"))
    var kill: String?

    @Option(
        help: ArgumentHelp(
            "Of a listener: forget this session without a connection, as if its time had run out.",
            valueName: "session"))
    var expire: String?

    @Option(
        help: ArgumentHelp(
            "Of an inbox: forget a producer; of an outbox: begin anew with a destination.",
            valueName: "producer|destination"))
    var retire: String?

    @Option(
        help: ArgumentHelp("Of an inbox: remove a cursor.", valueName: "name"))
    var dropCursor: String?

    @Flag(help: "Print every setting of every command, and where it comes from.")
    var settings = false

    @OptionGroup var keys: ServerKeyOptions

    mutating func validate() throws {
        let kinds = [
            (watch, "--watch"), (retire != nil, "--retire"), (dropCursor != nil, "--drop-cursor"),
            (settings, "--settings"), (kill != nil, "--kill"), (expire != nil, "--expire"),
        ].filter(\.0).map(\.1)
        if kinds.count > 1 {
            throw ValidationError("\(kinds[0]) and \(kinds[1]) exclude each other")
        }
        if retire != nil || dropCursor != nil {
            guard case .path? = place else {
                throw ValidationError("\(kinds[0]) needs the path of an inbox or outbox")
            }
        }
        if kill != nil || expire != nil {
            guard subject != nil else { throw ValidationError("\(kinds[0]) needs a listener") }
            for id in [kill, expire].compactMap({ $0 }) where !Self.isSession(id) {
                throw ValidationError("'\(id)' is no session: up to 32 hexadecimal digits")
            }
        }
        if inbox != nil {
            if let first = kinds.first {
                throw ValidationError("--inbox and \(first) exclude each other")
            }
            guard subject != nil else { throw ValidationError("--inbox needs the id of a message") }
        }
        if keys.isGiven, subject == nil {
            throw ValidationError("--peer, --accept-new and --tls-ca need an endpoint")
        }
        if settings, subject != nil { throw ValidationError("--settings needs no other argument") }
        if let dropCursor, let complaint = CursorName.complaint(dropCursor) {
            throw ValidationError("--drop-cursor: \(complaint)")
        }
    }

    private static func isSession(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count) && text.allSatisfy(\.isHexDigit)
    }

    var place: Place? { subject.map { Place($0) { FileStatus.exists($0) } } }

    var outboxPath: String { outbox ?? StateFolder.outbox }
}
