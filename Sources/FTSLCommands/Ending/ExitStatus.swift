internal import FTSLCore

/// The exit statuses of `ftsl`; scripts rely on them.
enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case usage = 64
    case badData = 65
    case noInput = 66
    case hostUnknown = 68
    case unreachable = 69
    case internalError = 70
    case cannotCreate = 73
    case inputOutput = 74
    case storedNotDelivered = 75
    case violation = 76
    case noPermission = 77
    case configuration = 78
    case incomplete = 80
    case sessionGone = 81
    case rejected = 82
    case rolledBack = 83
    case timeLimit = 124
    case brokenPipe = 141
    case remoteFailure = 255

    static func signal(_ number: Int32) -> Int32 { 128 + number }
}

/// How a command ends: one status, at most one sentence.
struct Ending: Error, Equatable {
    var status: Int32
    /// Nil: end quietly, as after SIGPIPE.
    var sentence: String?
    /// The failure behind it, where there is one.
    var code: FailureCode?
    /// The command that says more; `ftsl explain CODE` unless given.
    private var more: String?

    init(
        _ status: ExitStatus, _ sentence: String? = nil, code: FailureCode? = nil,
        see more: String? = nil
    ) {
        self.status = status.rawValue
        self.sentence = sentence
        self.code = code
        self.more = more
    }

    init(status: Int32, _ sentence: String? = nil) {
        self.status = status
        self.sentence = sentence
    }

    /// Where to read on; nil where there is nothing to explain.
    var see: String? {
        if let more { return more }
        if let code { return "ftsl explain \(code.name)" }
        return ExitStatus(rawValue: status).map { "ftsl explain \($0.rawValue)" }
    }

    static let success = Ending(.success)
}

extension FailureCode {
    /// The one table from what went wrong to what a script sees.
    var exitStatus: ExitStatus {
        switch self {
        case .malformedFrame, .frameTooLarge, .unknownKind, .unexpectedFrame, .positionGap,
            .creditOverrun, .acknowledgedUnsent, .badChannel, .contradictoryState, .notFTSL,
            .versionMismatch, .digestMismatch, .diverged:
            .violation
        case .authenticationFailed, .authorityRefused, .peerUnknown, .peerChanged:
            .noPermission
        case .limits, .busy, .backendUnreachable, .unreachable, .moved, .staleAttachment,
            .staleGeneration, .fenced:
            .unreachable
        case .sessionGone: .sessionGone
        case .evicted, .unknownOutcome, .superseded, .sessionTimeout, .shuttingDown, .truncated,
            .applicationFailed, .killedByOperator:
            .incomplete
        case .stopped: .brokenPipe
        case .localInputOutput: .inputOutput
        case .hostUnknown: .hostUnknown
        case .timedOut, .silentPeer: .timeLimit
        case .internalError: .internalError
        case .inboxChanged, .historyLost, .outboxRolledBack: .violation
        case .foreignProducer, .topicForbidden: .noPermission
        case .tooManyProducers, .noInbox, .noStreams, .inboxUnavailable, .finishedTooFarAhead:
            .unreachable
        case .messageTooLarge, .malformedMessage: .badData
        case .inboxFull, .idReused, .messageExpired, .messageCancelled, .messageDead,
            .deadLettersFull:
            .rejected
        case .cursorMismatch, .noSuchCursor: .usage
        case .migrationRefused, .migrationAborted: .rolledBack
        case .activationFailed: .incomplete
        }
    }
}
