internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit

struct StatusOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Path of an inbox or outbox, or the id of a message (default: this user's outbox).",
            valueName: "path|id"))
    var subject: String?

    @Option(
        help: ArgumentHelp(
            "Outbox in which ids are looked up (default: $XDG_STATE_HOME/ftsl/outbox.db).",
            valueName: "path"))
    var outbox: String?

    @Flag(help: "Print JSON objects, one a line.")
    var json = false

    @Flag(help: "Print again whenever something has changed.")
    var watch = false

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

    mutating func validate() throws {
        let kinds = [
            (watch, "--watch"), (retire != nil, "--retire"), (dropCursor != nil, "--drop-cursor"),
            (settings, "--settings"),
        ].filter(\.0).map(\.1)
        if kinds.count > 1 {
            throw ValidationError("\(kinds[0]) and \(kinds[1]) exclude each other")
        }
        if retire != nil || dropCursor != nil {
            guard case .path? = place else {
                throw ValidationError("\(kinds[0]) needs the path of an inbox or outbox")
            }
        }
        if settings, subject != nil { throw ValidationError("--settings needs no other argument") }
        if let dropCursor, let complaint = CursorName.complaint(dropCursor) {
            throw ValidationError("--drop-cursor: \(complaint)")
        }
    }

    var place: Place? { subject.map { Place($0) { FileStatus.exists($0) } } }

    var outboxPath: String { outbox ?? StateFolder.outbox }
}
