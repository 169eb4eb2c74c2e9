internal import ArgumentParser
internal import FTSLCore
internal import FTSLTransport

enum SummaryFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case text, json
}

struct ConnectOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Where the listener is; several, comma-separated, are alternatives.",
            valueName: "endpoint"), completion: Candidates.endpoints)
    var endpoint: String

    @Option(
        help: ArgumentHelp(
            "Time to connect the first time (default: fail at once on refusal, 10 s on silence).",
            valueName: "duration"))
    var timeout: TimeSpan?

    @Flag(help: "Keep trying when the first connection fails.")
    var retryFirst = false

    @Option(
        help: ArgumentHelp(
            "How long without a connection before giving up (default: the session time-out).",
            valueName: "duration"))
    var giveUpAfter: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "How long to stay for the peer's last word.", valueName: "duration"))
    var linger = TimeSpan(.seconds(60))

    @Option(
        help: ArgumentHelp(
            "Accept plain connections here, one session each.", valueName: "endpoint"))
    var local: String?

    @Flag(help: "Pass on the remote command's exit status; 255 stands for every failure of ours.")
    var exitStatus = false

    @Flag(
        inversion: .prefixedNo, exclusivity: .chooseLast,
        help: "Show a meter on stderr (default: on a terminal).")
    var progress: Bool?

    @Option(help: ArgumentHelp("Expected bytes, for the meter.", valueName: "size"))
    var size: ByteSize?

    @Option(
        help: ArgumentHelp("Read stdin no faster, in bytes a second.", valueName: "rate"))
    var limitRate: ByteSize?

    @Option(help: ArgumentHelp("How often the meter is drawn.", valueName: "duration"))
    var interval = TimeSpan(.seconds(1))

    @Option(
        help: ArgumentHelp("One final object on stderr.", valueName: "text|json"))
    var summary: SummaryFormat?

    @Option(
        help: ArgumentHelp(
            "Write JSON lines about the session to this descriptor.", valueName: "n"))
    var statusFd: Int32?

    @Option(
        help: ArgumentHelp("Bytes held for the peer, at most, each way.", valueName: "size"))
    var buffer = ByteSize(bytes: 64 << 20)

    @Option(help: ArgumentHelp("Longest silence on an idle connection.", valueName: "duration"))
    var heartbeat = TimeSpan(.seconds(3))

    @Option(
        help: ArgumentHelp(
            "How long a session lives without a connection; the listener may allow less.",
            valueName: "duration"))
    var sessionTimeout = TimeSpan(.seconds(24 * 3600))

    @Flag(name: .customShort("N"), help: "Accepted as in nc: end of input is always sent on.")
    var shutdown = false

    @Option(
        name: .customLong("quit-after"),
        help: ArgumentHelp(
            "As nc -q: this many seconds after end of input, stop reading and end.",
            valueName: "seconds"))
    var quitAfter: TimeSpan?

    @Option(
        name: [.customShort("w"), .customLong("idle-timeout")],
        help: ArgumentHelp(
            "As nc -w: limit for connecting, and for a session without traffic.",
            valueName: "seconds"))
    var wait: TimeSpan?

    @OptionGroup var trust: ServerTrustOptions

    mutating func validate() throws {
        if interval.duration < .milliseconds(10) {
            throw ValidationError("--interval must be at least 10ms")
        }
        if buffer.bytes < UInt64(Bound.reservedWindow) {
            throw ValidationError("--buffer must be at least 64K")
        }
        if heartbeat.duration < .milliseconds(10) {
            throw ValidationError("--heartbeat must be at least 10ms")
        }
        _ = try endpoints()
        _ = try localEndpoint()
        if limitRate?.bytes == 0 { throw ValidationError("--limit-rate must be more than 0") }
    }

    func endpoints() throws -> [Endpoint] { try EndpointArgument.list(endpoint) }

    func localEndpoint() throws -> Endpoint? {
        do {
            return try local.map { text throws(Endpoint.SyntaxError) in
                try Endpoint(parsing: text, for: .listen)
            }
        } catch {
            throw ValidationError(error.text)
        }
    }

    var configuration: InitiatorConfiguration {
        var configuration = InitiatorConfiguration()
        configuration.limits = SessionLimits(
            initialWindow: UInt32(min(buffer.bytes, UInt64(Bound.initialWindow))),
            heartbeat: heartbeat.duration, sessionTimeout: sessionTimeout.duration)
        configuration.maxWindow = buffer.bytes
        configuration.firstTimeout = (timeout ?? wait)?.duration
        configuration.retryFirst = retryFirst
        configuration.giveUpAfter = giveUpAfter?.duration
        configuration.linger = linger.duration
        return configuration
    }
}
