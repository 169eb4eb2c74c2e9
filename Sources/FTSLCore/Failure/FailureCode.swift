/// The one registry of things that go wrong: stable numbers, told to the peer in ABORT and VERDICT.
/// [FTSL §8]
package enum FailureCode: UInt16, CaseIterable, Sendable {
    // Violations: the peer broke a rule of the protocol.
    case malformedFrame = 1
    case frameTooLarge = 2
    case unknownKind = 3
    case unexpectedFrame = 4
    case positionGap = 5
    case creditOverrun = 6
    case acknowledgedUnsent = 7
    case badChannel = 8
    case contradictoryState = 9
    case notFTSL = 10
    // Agreement.
    case versionMismatch = 20
    case digestMismatch = 21
    case diverged = 22
    // Trust.
    case authenticationFailed = 30
    case authorityRefused = 31
    case peerUnknown = 32
    case peerChanged = 33
    // Room.
    case limits = 40
    case evicted = 41
    case busy = 42
    // Life of a session.
    case sessionGone = 50
    case unknownOutcome = 51
    case superseded = 52
    case moved = 53
    case staleAttachment = 54
    case staleGeneration = 55
    case fenced = 56
    case sessionTimeout = 57
    case shuttingDown = 58
    // How a stream ended.
    case stopped = 60
    case truncated = 61
    case applicationFailed = 62
    case backendUnreachable = 63
    case killedByOperator = 64
    case localInputOutput = 65
    // Reaching a peer.
    case hostUnknown = 80
    case unreachable = 81
    case timedOut = 82
    case silentPeer = 83
    // Ours.
    case internalError = 90
    // Lanes: history that does not fit together; each has a documented way out.
    case inboxChanged = 100
    case historyLost = 101
    case outboxRolledBack = 102
    case foreignProducer = 103
    case tooManyProducers = 104
    case noInbox = 105
    /// The inbox cannot store now: disk full, or no room by policy; try again.
    case inboxUnavailable = 106
    case noStreams = 107
    // Messages, one by one.
    case messageTooLarge = 110
    case topicForbidden = 111
    case inboxFull = 112
    case idReused = 113
    case malformedMessage = 114
    case messageExpired = 115
    case messageCancelled = 116
    case messageDead = 117
    // Consumers.
    case cursorMismatch = 120
    case noSuchCursor = 121
    case deadLettersFull = 122
    case finishedTooFarAhead = 123
    // Migration.
    /// The target does not take it: switched off, no room, another command, a name it has already.
    case migrationRefused = 70
    /// It did not come to a decision; the source serves on.
    case migrationAborted = 71
    /// The target has it and could not start it.
    case activationFailed = 72

    /// True for codes that mean the peer broke the protocol or the bytes do not agree.
    package var isViolation: Bool { rawValue < 30 }

    /// True for failures of a first connection that trying again does not mend. [FTSL §6]
    package var isPermanent: Bool {
        switch self {
        case .hostUnknown, .authenticationFailed, .authorityRefused, .peerUnknown, .peerChanged:
            true
        default: isViolation
        }
    }
}

/// Where the fault lies decides what a program does next; the text is for people.
package struct Failure: Error, Hashable, Sendable {
    package enum Fault: Sendable {
        /// The peer broke a rule or refused; the session (or dial) ends.
        case peer
        /// Something on this machine failed.
        case local
        /// A limit of time ran out.
        case time
    }

    package var fault: Fault
    package var code: FailureCode
    package var text: String

    package init(_ fault: Fault, _ code: FailureCode, _ text: String) {
        self.fault = fault
        self.code = code
        self.text = text
    }

    package static func violation(_ code: FailureCode, _ text: String) -> Failure {
        Failure(.peer, code, text)
    }
}
