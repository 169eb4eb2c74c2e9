internal import ArgumentParser
internal import FTSLCore
internal import FTSLTransport

/// `--resolve`.
enum ResolveArgument: String, ExpressibleByArgument, CaseIterable, Sendable {
    case activate, discard
}

struct MigrateOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The listener, by its name, endpoint or control socket; on another machine by its "
                + "endpoint.", valueName: "name"),
        completion: Candidates.listeners)
    var listener: String

    @Argument(
        help: ArgumentHelp(
            "Where its sessions go: a listener with --accept-migration; with --restart the "
                + "program to go on as.", valueName: "target"), completion: Candidates.endpoints)
    var target: String?

    @Flag(help: "Print what would move, how long the pause should be, and every obstacle.")
    var plan = false

    @Option(
        help: ArgumentHelp(
            "Roll back rather than keep anybody waiting for longer.", valueName: "duration"))
    var maxPause = TimeSpan(.seconds(10))

    @Option(
        help: ArgumentHelp(
            "Spread the clients' arrival at the target over this time.", valueName: "duration"))
    var spread: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "How long the source stays to send late clients on.", valueName: "duration"))
    var linger: TimeSpan?

    @Flag(help: "Print JSON objects, one a line.")
    var json = false

    @Flag(help: "Print where a migration stands.")
    var status = false

    @Flag(help: "Roll back the migration that is going on.")
    var abort = false

    @Option(
        help: ArgumentHelp(
            "At a target whose source is dead for good: start what was prepared, or drop it.",
            valueName: "activate|discard"))
    var resolve: ResolveArgument?

    @Flag(help: "With --resolve: also when the source answers that nothing is decided.")
    var evenIfAlive = false

    @Flag(help: "Go on as the same or another program under the same pid; nothing is lost.")
    var restart = false

    @OptionGroup var keys: ServerKeyOptions

    mutating func validate() throws {
        let kinds = [
            (plan, "--plan"), (status, "--status"), (abort, "--abort"),
            (resolve != nil, "--resolve"), (restart, "--restart"),
        ].filter(\.0).map(\.1)
        if kinds.count > 1 {
            throw ValidationError("\(kinds[0]) and \(kinds[1]) exclude each other")
        }
        if evenIfAlive, resolve == nil {
            throw ValidationError("--even-if-alive goes with --resolve")
        }
        if maxPause.duration <= .zero { throw ValidationError("--max-pause must be more than 0") }
        if listener.isEmpty { throw ValidationError("the name of the listener is empty") }
        if !listener.contains("/"), RunningListener.endpoint(listener) == nil,
            let complaint = ControlName.complaint(listener)
        {
            throw ValidationError("'\(listener)': \(complaint)")
        }
        if status || abort || resolve != nil {
            guard target == nil else {
                throw ValidationError("\(kinds[0]) needs no other argument")
            }
        } else if !restart {
            guard let target else {
                throw ValidationError("where '\(listener)' is to go is missing")
            }
            _ = try EndpointArgument.list(target)
        }
    }

    /// What the listener is asked.
    func request() throws(Ending) -> ControlRequest {
        if status { return ControlRequest("migrate-status") }
        if abort { return ControlRequest("migrate-abort") }
        if let resolve {
            return ControlRequest(
                "migrate-resolve",
                [
                    "decision": .string(resolve.rawValue), "even_if_alive": .bool(evenIfAlive),
                ])
        }
        if restart {
            return ControlRequest("restart", try binary.map { ["binary": .string($0)] } ?? [:])
        }
        var fields: [String: JSONValue] = [
            "target": .string(target ?? ""), "plan": .bool(plan),
            "max_pause_ms": Self.milliseconds(maxPause),
            "spread_ms": Self.milliseconds(spread ?? TimeSpan(.zero)),
        ]
        if let linger { fields["linger_ms"] = Self.milliseconds(linger) }
        return ControlRequest("migrate", fields)
    }

    private static func milliseconds(_ span: TimeSpan) -> JSONValue {
        .integer(span.duration.wholeNanoseconds / 1_000_000)
    }

    /// The listener works in another folder.
    private var binary: String? {
        get throws(Ending) {
            guard let target else { return nil }
            guard FileStatus.isProgram(target) else {
                throw Ending(.noInput, "\(target) is not a program that can be run")
            }
            return FileStatus.absolute(target)
        }
    }
}
