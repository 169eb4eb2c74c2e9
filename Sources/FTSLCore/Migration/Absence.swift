/// What a host remembers of a session that left: enough to prove to its client where it went.
/// [FTSL §10.7]
package struct Redirection: Sendable {
    package var secret: SessionSecret
    package var target: MoveTarget
    /// As long as the session may be looked for.
    package var until: Instant

    package init(secret: SessionSecret, target: MoveTarget, until: Instant) {
        self.secret = secret
        self.target = target
        self.until = until
    }
}

/// Why a host does not serve what it knows.
package enum Absence: Equatable, Sendable {
    /// It is being decided: ask again soon.
    case later
    case moved(MoveTarget)

    /// Long enough not to be a burden, short enough not to be noticed.
    static let pause: Duration = .milliseconds(5)

    var verdict: HandshakeMessage.Verdict {
        switch self {
        case .later:
            .init(
                kind: .later, code: .busy, retryAfter: Self.pause,
                text: "this is about to move to another host")
        case .moved(let target):
            .init(
                kind: .moved, code: .moved, text: "moved to \(target.endpointList)",
                extensions: Extensions(target: target))
        }
    }
}
