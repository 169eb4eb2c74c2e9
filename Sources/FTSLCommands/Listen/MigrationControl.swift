internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport

extension MoveRequest {
    /// Nil: the request names no target that could be one.
    init?(_ request: ControlRequest) {
        guard let text = request.text("target"),
            let target = try? Endpoint.list(parsing: text, for: .connect)
        else { return nil }
        self.init(target: target)
        maxPause = Self.span(request, "max_pause_ms") ?? maxPause
        spread = Self.span(request, "spread_ms") ?? spread
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
    func plan(_ request: MoveRequest, _ reply: ControlReply)
    func migrate(_ request: MoveRequest, _ reply: ControlReply)
    /// Says where the current or last migration stands, at either end.
    func status(_ reply: ControlReply)
    func abort(_ reply: ControlReply)
    func resolve(_ resolution: MigrationResolution, _ reply: ControlReply)
}
