internal import FTSLCore

private let otherVersion = "one end is not ftsl, or has a defect"
private let damaged = "the bytes were changed on the way, by a broken proxy or on purpose"
private let reportViolation =
    "update both ends; if it comes again, report it with the output of -vv"

extension Explanations {
    /// The peer broke a rule of the protocol.
    static let violations: [Explanation] = [
        .failure(
            .malformedFrame, "malformed-frame", "a frame's fields do not fit the frame",
            causes: [otherVersion, damaged], action: reportViolation),
        .failure(
            .frameTooLarge, "frame-too-large", "a frame is longer than allowed",
            causes: [otherVersion, damaged], action: reportViolation),
        .failure(
            .unknownKind, "unknown-kind", "a frame of a kind that the agreed version does not have",
            causes: [otherVersion, damaged], action: reportViolation),
        .failure(
            .unexpectedFrame, "unexpected-frame", "a frame that may not come at this point",
            causes: [otherVersion], action: reportViolation),
        .failure(
            .positionGap, "position-gap", "data begins above what was received so far",
            causes: [otherVersion], action: reportViolation),
        .failure(
            .creditOverrun, "credit-overrun", "more data than the receiver had room for",
            causes: [otherVersion], action: reportViolation),
        .failure(
            .acknowledgedUnsent, "acknowledged-unsent", "an acknowledgement of bytes never sent",
            causes: [otherVersion], action: reportViolation),
        .failure(
            .badChannel, "bad-channel", "a channel that this session does not have",
            causes: [otherVersion], action: reportViolation),
        .failure(
            .contradictoryState, "contradictory-state",
            "what the peer says now contradicts what it said before",
            causes: [otherVersion, "the peer lost its memory and went on regardless"],
            action: reportViolation),
        .failure(
            .notFTSL, "not-ftsl", "the peer does not speak FTSL",
            causes: [
                "the port belongs to another service, such as ssh or HTTP",
                "a proxy answered in the peer's place",
            ],
            action: "check host and port; ftsl must listen at the other end"),
    ]

    /// The ends cannot agree, or one does not believe the other.
    static let agreementAndTrust: [Explanation] = [
        .failure(
            .versionMismatch, "version-mismatch", "the ends have no protocol version in common",
            causes: ["one end is much older"], action: "update the older end"),
        .failure(
            .digestMismatch, "digest-mismatch", "the bytes received are not the bytes sent",
            causes: [damaged, "broken memory in one of the machines"],
            action: "do not use what was received; send it again and check the machines"),
        .failure(
            .diverged, "diverged", "the ends disagree about what was exchanged before",
            causes: [
                "one end was set back, for instance by restoring a snapshot of its machine",
                "two copies of one process claim the same session",
            ],
            action: "the session cannot go on; start a new one and check what arrived"),
        .failure(
            .authenticationFailed, "authentication-failed", "a proof of identity does not verify",
            causes: [
                "somebody in between changes the handshake",
                "another process answers for the session",
            ],
            action: "do not retry blindly; check who listens there and what is in between"),
        .failure(
            .authorityRefused, "authority-refused", "the peer knows us but does not allow this",
            causes: [
                "the key was never trusted there, or the permission was not given or was revoked",
                "plaintext was spoken to a listener that wants TLS",
            ],
            action: "on the other end: ftsl key trust --as client KEY"),
        .failure(
            .peerUnknown, "peer-unknown", "the listener showed a key that is not known here",
            causes: ["it was never met before"],
            action: "compare the key with 'ftsl key show' over there; then --peer KEY, or "
                + "--accept-new once"),
        .failure(
            .peerChanged, "peer-changed", "the listener showed another key than it should",
            causes: [
                "it was installed anew", "somebody is in between and pretends to be it",
            ],
            action:
                "ask its operator; if the change is meant: ftsl key revoke OLD-KEY, then as for "
                + "an unknown one"),
    ]

    /// Limits, and the life of a session.
    static let roomAndLife: [Explanation] = [
        .failure(
            .limits, "limits", "a configured limit of the listener is reached",
            causes: [
                "too many sessions, ended sessions or unproven connections", "no memory left",
            ],
            action: "raise --max-sessions, --max-memory or --max-tombstones there, or try later"),
        .failure(
            .evicted, "evicted", "the session was removed to make room while it had no connection",
            causes: ["many sessions of one client address were left behind"],
            action: "start again; raise --max-sessions at the listener"),
        .failure(
            .busy, "busy", "the listener already serves a session and takes no second one",
            causes: ["it runs with --one, or serves its stdin and stdout to one client"],
            action: "wait for the other client, or use --exec or --forward at the listener"),
        .failure(
            .sessionGone, "session-gone", "no endpoint knows the session any more",
            causes: ["the listener was restarted", "the session time-out passed there"],
            action: "start again; what lies beyond the confirmed bytes is unknown"),
        .failure(
            .unknownOutcome, "unknown-outcome", "nobody is left who could say how it ended",
            causes: ["the other end's memory of the session was dropped"],
            action: "compare what arrived with what was sent"),
        .failure(
            .superseded, "superseded", "a newer connection of the same session took over",
            causes: ["the client reconnected while the old connection still looked alive"],
            action: "nothing, for a connection; for a session: another process continues it"),
        .failure(
            .moved, "moved", "the session lives at another host now",
            causes: ["the listener was migrated"], action: "connect to the endpoint it names"),
        .failure(
            .staleAttachment, "stale-attachment", "a connection older than one already proven",
            causes: ["a delayed or replayed handshake"],
            action: "nothing: the client uses a fresh number for its next attempt"),
        .failure(
            .staleGeneration, "stale-generation",
            "the host is older than one that this client already met",
            causes: ["the source of a migration came back to life"],
            action: "stop the old host"),
        .failure(
            .fenced, "fenced", "two hosts claim the same session",
            causes: ["a copy of the listener's machine runs beside it"],
            action: "stop one of the two"),
        .failure(
            .sessionTimeout, "session-timeout",
            "no connection came back before the session time-out",
            causes: ["the network or the peer was away for too long"],
            action: "raise --session-timeout at both ends, or find out why the peer was away"),
        .failure(
            .shuttingDown, "shutting-down", "the process at one end was asked to stop",
            causes: ["SIGINT or SIGTERM"], action: "start again when it is back"),
    ]

    /// How a stream ended.
    static let endings: [Explanation] = [
        .failure(
            .stopped, "stopped", "the reader of the data went away",
            causes: ["head, less or another reader had enough"], action: "usually nothing"),
        .failure(
            .truncated, "truncated", "the stream ended before its writer finished it",
            causes: ["the program behind the peer died or gave up"],
            action: "do not use the result as if it were whole"),
        .failure(
            .applicationFailed, "application-failed",
            "the program behind the session failed or could not be started",
            causes: ["a wrong --exec command", "the program was killed by a signal"],
            action: "look at its standard error and at the listener's log"),
        .failure(
            .backendUnreachable, "backend-unreachable",
            "the listener cannot reach the service it forwards to",
            causes: ["the service behind --forward does not run"],
            action: "start the service; check the endpoint given to --forward"),
        .failure(
            .killedByOperator, "killed-by-operator", "the session was ended by an operator",
            causes: ["somebody ended it on purpose"], action: "ask the operator"),
        .failure(
            .localInputOutput, "local-io", "reading or writing failed at one end",
            causes: ["the disk is full", "a device reported an error"],
            action: "correct that, then start again; the positions say how far it got"),
    ]

    /// The way to a peer, and our own defects.
    static let reaching: [Explanation] = [
        .failure(
            .hostUnknown, "host-unknown", "the host name is unknown",
            causes: ["a slip in the name", "the name service does not answer"],
            action: "try getent hosts NAME; --retry-first keeps trying"),
        .failure(
            .unreachable, "unreachable", "no connection to the peer",
            causes: [
                "nothing listens at this port", "a firewall rejects or drops",
                "the listener is bound to loopback and the client is elsewhere",
            ],
            action: "check that the listener runs and the port is right; --retry-first keeps "
                + "trying"),
        .failure(
            .timedOut, "timed-out", "a time limit ran out",
            causes: ["--timeout or -w was shorter than the peer took"],
            action: "give more time, or find out why the peer is silent"),
        .failure(
            .silentPeer, "silent-peer", "the peer accepts connections but says nothing",
            causes: [
                "another service waits for its client to speak first",
                "the network swallows packets", "the peer's process hangs or is stopped",
            ],
            action: "check the port; look at the peer's process and at firewalls in between"),
        .failure(
            .internalError, "internal-error", "something inside ftsl went wrong",
            causes: ["a defect"],
            action: "report it with the sentence on stderr and the output of -vv"),
    ]
}
