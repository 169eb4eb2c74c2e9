/// What a listener tells about itself: the one list of names, for the page, the manual, the
/// dashboard and the applications of the library.
package enum MetricName: String, CaseIterable {
    case build = "ftsl_build_info"
    case draining = "ftsl_draining"
    case sessions = "ftsl_sessions"
    case tombstones = "ftsl_tombstones"
    case signposts = "ftsl_signposts"
    case unproven = "ftsl_unproven_connections"
    case opened = "ftsl_sessions_opened_total"
    case ended = "ftsl_sessions_ended_total"
    case attachments = "ftsl_attachments_total"
    case reconnects = "ftsl_reconnects_total"
    case disconnects = "ftsl_disconnects_total"
    case refusals = "ftsl_refusals_total"
    case received = "ftsl_received_bytes_total"
    case sent = "ftsl_sent_bytes_total"
    case replayed = "ftsl_replayed_bytes_total"
    case unacknowledged = "ftsl_unacknowledged_bytes"
    case untaken = "ftsl_untaken_bytes"
    case reserved = "ftsl_reserved_memory_bytes"
    case lanes = "ftsl_lanes"
    case accepted = "ftsl_messages_accepted_total"
    case rejected = "ftsl_messages_rejected_total"
    case stored = "ftsl_inbox_messages"
    case storedBytes = "ftsl_inbox_bytes"
    case cursors = "ftsl_inbox_cursors"
    case dead = "ftsl_inbox_dead_letters"
    case commits = "ftsl_store_commits_total"
    case failures = "ftsl_store_failures_total"
    case latency = "ftsl_store_latency_seconds"
    case migrations = "ftsl_migrations_total"
    case pause = "ftsl_migration_pause_seconds"
    case memory = "process_resident_memory_bytes"
    case descriptors = "process_open_fds"
    case processor = "process_cpu_seconds_total"

    package enum Kind: String {
        case counter, gauge, histogram
    }

    package var kind: Kind {
        switch self {
        case .latency, .pause: .histogram
        default: rawValue.hasSuffix("_total") ? .counter : .gauge
        }
    }

    package var help: String {
        switch self {
        case .build: "Version, name and service label of the listener; always 1."
        case .draining: "1 while no new session is welcome."
        case .sessions: "Running sessions, with a connection (attached) or without (parked)."
        case .tombstones: "Ended sessions whose peer has not heard the outcome."
        case .signposts: "Sessions that moved away and may still be looked for here."
        case .unproven: "Connections that have proven nothing yet."
        case .opened: "Sessions opened."
        case .ended: "Sessions ended, by outcome."
        case .attachments: "Connections that became part of a session."
        case .reconnects: "Those of them that resumed one."
        case .disconnects: "Connections that sessions lost."
        case .refusals: "Connections refused, by failure code."
        case .received: "Bytes of streams received, each once."
        case .sent: "Bytes of streams sent, each once."
        case .replayed: "Bytes of streams sent again after a connection was lost."
        case .unacknowledged: "Bytes of streams written and not acknowledged by the peers."
        case .untaken: "Bytes of streams received and not taken by the services."
        case .reserved: "Memory reserved for sessions."
        case .lanes: "Lanes that senders have open."
        case .accepted: "Messages of senders accepted, repetitions of an id included."
        case .rejected: "Messages of senders rejected."
        case .stored: "Messages in the inbox."
        case .storedBytes: "Bytes of bodies, ids and headers in the inbox."
        case .cursors: "Durable cursors of the inbox."
        case .dead: "Dead letters in the inbox."
        case .commits: "Transactions of the inbox on the disk."
        case .failures: "Transactions of the inbox that came to nothing."
        case .latency: "From asking for a change of the inbox until it is on the disk."
        case .migrations: "Moves of this listener to another host, by result."
        case .pause: "How long clients waited for a move."
        case .memory: "Resident memory of the process."
        case .descriptors: "Open file descriptors of the process."
        case .processor: "Processor time of the process, of the user and the system."
        }
    }

    /// The label that tells its samples apart.
    package var label: String? {
        switch self {
        case .sessions: "state"
        case .ended: "outcome"
        case .refusals: "code"
        case .migrations: "result"
        default: nil
        }
    }
}
