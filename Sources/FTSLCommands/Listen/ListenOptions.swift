internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport

struct ListenOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Where to listen; an empty host is loopback.", valueName: "endpoint"))
    var endpoint = ":38750"

    @Flag(name: .shortAndLong, help: "Serve one session after the other until stopped.")
    var keepOpen = false

    @Flag(help: "Refuse a second client instead of letting it wait.")
    var one = false

    @Option(
        help: ArgumentHelp(
            "Run this command per session by /bin/sh -c.", valueName: "command"))
    var exec: String?

    @OptionGroup var commands: ExecArguments

    @Option(
        help: ArgumentHelp(
            "One plain TCP or Unix connection per session.", valueName: "endpoint"))
    var forward: String?

    @OptionGroup var messages: InboxArguments

    @Option(
        help: ArgumentHelp(
            "Name of the control socket, for status and migrate (default: the port).",
            valueName: "name"))
    var name: String?

    @OptionGroup var moves: MigrationArguments

    @Flag(help: "Running the service twice for one client does no harm.")
    var repeatable = false

    @Flag(help: "Acknowledge output to a file only when it is on disk.")
    var fsync = false

    @OptionGroup var certificates: CertificateOptions

    @Flag(help: "Listen beyond loopback: TLS, for trusted keys or certificates under --tls-ca.")
    var `public` = false

    @Flag(help: "Accept plaintext from everybody who can connect.")
    var insecure = false

    @Option(help: ArgumentHelp("Sessions at a time, at most.", valueName: "n"))
    var maxSessions = 16_384

    @Option(
        help: ArgumentHelp("Bytes held for all sessions, at most.", valueName: "size"))
    var maxMemory = ByteSize(bytes: 2 << 30)

    @Option(
        help: ArgumentHelp("Bytes held for one session, at most, each way.", valueName: "size"))
    var buffer = ByteSize(bytes: 64 << 20)

    @Option(
        help: ArgumentHelp(
            "Bytes held for sessions without a connection (default: half of --max-memory).",
            valueName: "size"))
    var parkedMemory: ByteSize?

    @Option(
        help: ArgumentHelp("Ended sessions to remember, at most.", valueName: "n"))
    var maxTombstones = 16_384

    @Option(
        help: ArgumentHelp(
            "How long a session lives without a connection (default: 24h; 1h with --exec, "
                + "unless with --pty).",
            valueName: "duration"))
    var sessionTimeout: TimeSpan?

    @Option(
        help: ArgumentHelp("How long to stay for the peer's last word.", valueName: "duration"))
    var linger = TimeSpan(.seconds(60))

    @Option(help: ArgumentHelp("Longest silence on an idle connection.", valueName: "duration"))
    var heartbeat = TimeSpan(.seconds(3))

    @Option(
        help: ArgumentHelp(
            "Write the bound endpoint and a newline to this descriptor once ready.",
            valueName: "n"))
    var readyFd: Int32?

    @Option(
        help: ArgumentHelp(
            "Write JSON lines about the session and refused connections to this descriptor.",
            valueName: "n"))
    var statusFd: Int32?

    @Option(
        help: ArgumentHelp(
            "Serve numbers for Prometheus at /metrics, and /healthz; beyond loopback only with "
                + "--public.", valueName: "endpoint"))
    var metrics: String?

    @Option(
        help: ArgumentHelp("One final object on stderr.", valueName: "text|json"))
    var summary: SummaryFormat?

    mutating func validate() throws {
        if exec != nil, forward != nil {
            throw ValidationError("--exec and --forward exclude each other")
        }
        if exec == nil, let option = commands.given {
            throw ValidationError("\(option) goes with --exec")
        }
        if buffer.bytes < UInt64(Bound.reservedWindow) {
            throw ValidationError("--buffer must be at least 64K")
        }
        if maxMemory.bytes < 4 * UInt64(Bound.reservedWindow) {
            throw ValidationError("--max-memory must be at least 256K")
        }
        if heartbeat.duration < .milliseconds(10) {
            throw ValidationError("--heartbeat must be at least 10ms")
        }
        if let name, let complaint = ControlName.complaint(name) {
            throw ValidationError("--name: \(complaint)")
        }
        _ = try forwardEndpoint()
        _ = try Self.parsed(endpoint, for: .listen)
        if let metrics { _ = try Self.parsed(metrics, for: .listen) }
        if maxSessions < 1 { throw ValidationError("--max-sessions must be at least 1") }
        if maxTombstones < 1 { throw ValidationError("--max-tombstones must be at least 1") }
    }

    var isStdio: Bool {
        exec == nil && forward == nil && (messages.inbox == nil || keepOpen)
    }

    private var isOnPipes: Bool { exec != nil && !commands.pty }

    /// Kinds of sessions that are served.
    var offered: SessionRights {
        var offered: SessionRights = .control
        if isStdio || exec != nil || forward != nil { offered.insert(.streams) }
        if messages.inbox != nil { offered.insert(.messages) }
        return offered
    }

    /// - Parameter inherited: Where the socket listens that this process was given.
    func listenEndpoint(inherited: Endpoint? = nil) throws -> Endpoint {
        let parsed = try inherited ?? Self.parsed(endpoint, for: .listen)
        var bound = parsed
        if inherited == nil, `public`, case .tcp(_, let port) = parsed, endpoint.hasPrefix(":") {
            bound = .tcp(host: "::", port: port)
        }
        try checkReach(bound)
        return bound
    }

    /// Read by everybody who gets there: an empty host is loopback even with `--public`.
    func metricsEndpoint() throws -> Endpoint? {
        guard let metrics else { return nil }
        let parsed = try Self.parsed(metrics, for: .listen)
        try checkReach(parsed)
        return parsed
    }

    private func checkReach(_ endpoint: Endpoint) throws {
        guard endpoint.isLoopback || `public` else {
            throw Ending(
                .configuration,
                "\(endpoint) is reachable from other machines; say --public if that is meant")
        }
    }

    func forwardEndpoint() throws -> Endpoint? {
        guard let forward else { return nil }
        return try Self.parsed(forward, for: .connect)
    }

    private static func parsed(_ text: String, for purpose: Endpoint.Purpose) throws -> Endpoint {
        do {
            return try Endpoint(parsing: text, for: purpose)
        } catch {
            throw ValidationError(error.text)
        }
    }

    var configuration: AcceptorConfiguration {
        var configuration = AcceptorConfiguration()
        let timeout = sessionTimeout?.duration ?? .seconds(isOnPipes ? 3600 : 24 * 3600)
        configuration.limits = SessionLimits(
            initialWindow: UInt32(min(buffer.bytes, UInt64(Bound.initialWindow))),
            heartbeat: heartbeat.duration, sessionTimeout: timeout)
        configuration.offered = offered
        configuration.maxWindow = buffer.bytes
        configuration.maxMemory = maxMemory.bytes
        configuration.parkedMemory = parkedMemory?.bytes ?? maxMemory.bytes / 2
        configuration.maxSessions = maxSessions
        configuration.maxSessionsPerSource = maxSessions
        // Strangers must leave descriptors for sessions: at their limit the oldest goes.
        configuration.maxUnprovenConnections = min(
            configuration.maxUnprovenConnections, max(1, ProcessLimits.descriptors / 4))
        configuration.maxTombstones = maxTombstones
        configuration.concurrentSessions = isStdio ? 1 : Int.max
        configuration.whenBusy = one ? .refuse : .wait
        if repeatable { configuration.flags.insert(.repeatable) }
        return configuration
    }
}
