extension Explanations {
    /// Exit statuses with the meaning of sysexits.h.
    static let statusesOfSysexits: [Explanation] = [
        .status(
            .success, "success", "everything was confirmed by the other side",
            causes: ["both sides have taken every byte and agree on count and digest"],
            action: "nothing"),
        .status(
            .usage, "usage", "the command line is wrong",
            causes: [
                "an unknown option, a missing or malformed value, a malformed endpoint",
                "an FTSL_ variable in the environment holds a malformed value",
            ],
            action: "read the sentence on stderr; ftsl COMMAND --help lists the options"),
        .status(
            .badData, "bad-data", "the input data are malformed",
            causes: ["framing, JSON or text encoding of the input is broken"],
            action: "correct the input; nothing after the broken place was sent"),
        .status(
            .noInput, "no-input", "an input file is missing or cannot be read",
            causes: ["a wrong path", "missing permission"], action: "check path and permission"),
        .status(
            .hostUnknown, "host-unknown", "the host name is unknown",
            causes: ["a slip in the name", "the name service does not answer"],
            action: "try getent hosts NAME; --retry-first keeps trying"),
        .status(
            .unreachable, "unreachable", "the peer cannot be reached, or refused",
            causes: [
                "nothing listens there, or a firewall rejects",
                "the listener is full or already has its one client",
                "the address to listen on is in use or not of this machine",
            ],
            action: "check that the listener runs and the port is right; --retry-first keeps "
                + "trying"),
        .status(
            .internalError, "internal-error", "something inside ftsl went wrong",
            causes: ["a defect"],
            action: "report it with the sentence on stderr and the output of -vv"),
        .status(
            .cannotCreate, "cannot-create",
            "a folder, store or lock of ftsl's own cannot be created",
            causes: ["missing permission or no space below XDG_STATE_HOME or XDG_RUNTIME_DIR"],
            action: "make the folder writable, or name another one"),
        .status(
            .inputOutput, "io-error", "reading or writing failed on this machine",
            causes: ["the disk is full", "a write or fsync was refused by the system"],
            action: "free space or replace the disk; the other end was told how far it got"),
        .status(
            .storedNotDelivered, "stored", "stored safely in the outbox, not delivered yet",
            causes: ["the peer was not reachable before the time limit"],
            action: "nothing is lost; flush the outbox later"),
        .status(
            .violation, "violation", "the peer broke the protocol, or the bytes do not agree",
            causes: [
                "what listens there is not ftsl, or has no version in common",
                "the stream was damaged on the way",
            ],
            action: "check the port and both versions; do not use what was received"),
        .status(
            .noPermission, "no-permission", "authentication failed, or authority is missing",
            causes: ["the peer's key is not the expected one", "this key may not do that there"],
            action: "compare keys over another way before trusting a new one"),
        .status(
            .configuration, "configuration", "the configuration is wrong",
            causes: [
                "an unknown key or bad value in config.json, or no such context",
                "a listener that others can reach without --public or --insecure",
            ],
            action: "the sentence on stderr names the place; see ftsl.json(5)"),
    ]

    /// Exit statuses of our own.
    static let statusesOfOurs: [Explanation] = [
        .status(
            .incomplete, "incomplete",
            "the stream is truncated, or its outcome is unknown beyond a position",
            causes: [
                "the process at the other end died or gave up",
                "no connection came back before the session time-out or --give-up-after",
                "the remote command was killed by a signal",
            ],
            action: "bytes may be missing: stderr says the position; do not use the result as if "
                + "it were whole"),
        .status(
            .sessionGone, "session-gone", "no endpoint knows the session any more",
            causes: ["the listener was restarted", "the session time-out passed there"],
            action: "what lies beyond the positions on stderr is unknown; start again"),
        .status(
            .rejected, "rejected", "a message was rejected, expired or given up",
            causes: ["the inbox refused it", "its time to live ran out", "too many attempts"],
            action: "the sentence on stderr names the reason"),
        .status(
            .rolledBack, "rolled-back", "the migration was rolled back; the source serves on",
            causes: ["the target refused or failed", "the pause would have been too long"],
            action: "no session was lost; remove the obstacle and try again"),
        .status(
            .timeLimit, "time-limit", "a time limit given by the user ran out",
            causes: ["--timeout or -w was shorter than the peer took"],
            action: "give more time, or find out why the peer is silent"),
        .status(
            .brokenPipe, "broken-pipe",
            "the reader of our data went away, here or at the peer",
            causes: ["head, less or another reader had enough"],
            action: "usually nothing; it is what SIGPIPE would have said"),
        .status(
            .remoteFailure, "remote-failure",
            "ftsl itself failed, where --exit-status passes on the remote status",
            causes: ["any failure that would else have had its own status"],
            action: "the sentence on stderr says which; without --exit-status the status does too"
        ),
    ]
}
