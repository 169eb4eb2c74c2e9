package import FTSLCore

/// What a source of a migration has on its disk about one ticket. [FTSL §10]
package struct SourceTicket: Hashable, Sendable {
    package enum State: Int64, Hashable, Sendable {
        /// The image may be on its way: nothing of it is served until the ticket is decided.
        case frozen
        /// Rolled back: this ticket can never be decided any more.
        case thawed
        /// Decided: the target serves.
        case moved
        /// The target was activated without being asked for; nothing of it is served here.
        case fenced
    }

    package var ticket: TicketID
    package var target: String
    /// Fingerprint; empty: not known.
    package var targetKey: String
    /// Of the generation after the move.
    package var moves: UInt64
    package var imageDigest: [UInt8]
    package var state: State
    /// Milliseconds since 1970.
    package var at: UInt64

    package init(
        ticket: TicketID, target: String, targetKey: String, moves: UInt64, imageDigest: [UInt8],
        state: State = .frozen, at: UInt64
    ) {
        self.ticket = ticket
        self.target = target
        self.targetKey = targetKey
        self.moves = moves
        self.imageDigest = imageDigest
        self.state = state
        self.at = at
    }
}

/// What a target of a migration has on its disk about one ticket. [FTSL §10]
package struct TargetTicket: Hashable, Sendable {
    package enum State: Int64, Hashable, Sendable {
        /// The image is sealed; only the source may say how it goes on.
        case prepared
        /// Consumed: the image is never started again.
        case active
        case discarded
        /// Consumed without the source's word.
        case forced
        /// It was consumed and did not start; the image stays for the operator.
        case failed
    }

    package var ticket: TicketID
    package var source: String
    /// Fingerprint; empty: not known.
    package var sourceKey: String
    /// Of the generation after the move.
    package var moves: UInt64
    package var digest: [UInt8]
    package var state: State
    package var hasInbox: Bool
    /// Milliseconds since 1970.
    package var at: UInt64

    package init(
        ticket: TicketID, source: String, sourceKey: String, moves: UInt64, digest: [UInt8],
        state: State = .prepared, hasInbox: Bool, at: UInt64
    ) {
        self.ticket = ticket
        self.source = source
        self.sourceKey = sourceKey
        self.moves = moves
        self.digest = digest
        self.state = state
        self.hasInbox = hasInbox
        self.at = at
    }
}

/// Where a session went: answers its client for as long as the session may still be looked for.
package struct Signpost: Hashable, Sendable {
    package var session: SessionID
    package var secret: [UInt8]
    /// Nil: the client had none.
    package var identity: String?
    package var endpoints: String
    /// Fingerprint; empty: not known.
    package var key: String
    package var generation: Generation
    /// Milliseconds since 1970; 0: until it is removed.
    package var until: UInt64

    package init(
        session: SessionID, secret: [UInt8], identity: String?, endpoints: String, key: String,
        generation: Generation, until: UInt64
    ) {
        self.session = session
        self.secret = secret
        self.identity = identity
        self.endpoints = endpoints
        self.key = key
        self.generation = generation
        self.until = until
    }
}

/// Where an inbox went; stays until it is removed.
package struct InboxSignpost: Hashable, Sendable {
    package var inbox: InboxID
    package var endpoints: String
    /// Fingerprint; empty: not known.
    package var key: String
    package var generation: Generation

    package init(inbox: InboxID, endpoints: String, key: String, generation: Generation) {
        self.inbox = inbox
        self.endpoints = endpoints
        self.key = key
        self.generation = generation
    }
}

/// The newest generation known here of something that moves: an image at it or below is refused.
package struct KnownGeneration: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case session(SessionID)
        case inbox(InboxID)
    }

    package var subject: Subject
    package var moves: UInt64
    /// Milliseconds since 1970; 0: for ever.
    package var until: UInt64

    package init(_ subject: Subject, moves: UInt64, until: UInt64) {
        self.subject = subject
        self.moves = moves
        self.until = until
    }
}
