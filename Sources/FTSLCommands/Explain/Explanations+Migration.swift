internal import FTSLCore

extension Explanations {
    /// What comes of moving a listener.
    static let migration: [Explanation] = [
        .failure(
            .migrationRefused, "migration-refused", "the target does not take what would move",
            causes: [
                "it was started without --accept-migration, or with another --exec or --service",
                "it has no room, no inbox, or another inbox in its place",
                "another migration is on its way at one of the two",
            ],
            action: "the sentence says which; nothing has changed. 'ftsl migrate --plan' asks first"
        ),
        .failure(
            .migrationAborted, "migration-aborted",
            "the migration was rolled back, and the source serves on",
            causes: [
                "the target or the way to it was lost before the decision",
                "clients would have waited longer than --max-pause", "somebody said --abort",
            ],
            action: "nothing is lost; try again"),
        .failure(
            .activationFailed, "activation-failed", "a session moved and could not be started",
            causes: ["the target's command did not start, or not from the state that was left"],
            action: "the state is kept at the target, below $XDG_STATE_HOME/ftsl/listeners"),
    ]
}
