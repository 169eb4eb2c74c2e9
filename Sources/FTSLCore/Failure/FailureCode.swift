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

    /// True for codes that mean the peer broke the protocol or the bytes do not agree.
    package var isViolation: Bool { rawValue < 30 }
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
