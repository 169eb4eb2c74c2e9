internal import FTSLCore
internal import FTSLTransport

/// Where a listener is to move, and within which limits. [FTSL §10]
struct MigrationRequest: Equatable {
    /// Alternatives for one target.
    var target: [Endpoint]
    /// Longer than this nobody is kept waiting: then it is rolled back.
    var maxPause: Duration
    /// Over how long clients are told to come; zero: all at once.
    var spread: Duration
    /// How long the source stays to send late clients on; nil: the listener's own choice.
    var linger: Duration?

    /// Nil: the request names no target that could be one.
    init?(_ request: ControlRequest) {
        guard let text = request.text("target"),
            let target = try? Endpoint.list(parsing: text, for: .connect)
        else { return nil }
        self.target = target
        maxPause = Self.span(request, "max_pause_ms") ?? .seconds(10)
        spread = Self.span(request, "spread_ms") ?? .zero
        linger = Self.span(request, "linger_ms")
    }

    private static func span(_ request: ControlRequest, _ key: String) -> Duration? {
        request.number(key).map { .milliseconds(Int64(clamping: $0)) }
    }
}

/// What the operator decides about an image whose source is dead for good. [FTSL §10]
struct MigrationResolution: Equatable {
    enum Decision: String, CaseIterable {
        case activate, discard
    }

    var decision: Decision
    /// Also when the source answers that nothing is decided.
    var evenIfAlive: Bool

    init?(_ request: ControlRequest) {
        guard let decision = Decision(rawValue: request.text("decision") ?? "") else { return nil }
        self.decision = decision
        evenIfAlive = request.flag("even_if_alive")
    }
}

/// Moves the sessions of one listener, at the word of its user; each call answers its reply once.
///
/// Progress has `phase` (offer, copy, freeze, image, decide, activate, redirect) and, where known,
/// `sessions`, `bytes` and `text`. The last line of a move has `sessions`, `bytes`, `pause_ms` and
/// `generation`.
protocol MigrationControl: AnyObject {
    /// Says what would move, and each obstacle as a line with `obstacle` and maybe `session`; fails
    /// with what `migrate` would fail with.
    func plan(_ request: MigrationRequest, _ reply: ControlReply)
    func migrate(_ request: MigrationRequest, _ reply: ControlReply)
    /// Says where the current or last migration stands, at either end.
    func status(_ reply: ControlReply)
    func abort(_ reply: ControlReply)
    func resolve(_ resolution: MigrationResolution, _ reply: ControlReply)
    /// Goes on as another program under the same pid; nil: the one that runs, as it is on disk now.
    func restart(_ binary: String?, _ reply: ControlReply)
}
