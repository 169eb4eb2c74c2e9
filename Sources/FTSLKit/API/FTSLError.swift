internal import FTSLCore
internal import FTSLStore

/// Why something did not happen, under the name that `ftsl explain` describes. [FTSL §8]
public struct FTSLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The stable number and name of what went wrong; new ones may come with new versions.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// As it is told to the peer.
        public let number: UInt16
        /// As `ftsl explain NAME` takes it.
        public let name: String

        /// The name.
        public var description: String { name }

        init(_ code: FailureCode) {
            number = code.rawValue
            name = code.name
        }
    }

    /// What went wrong, for programs.
    public let code: Code
    /// What went wrong, as a sentence for people.
    public let text: String

    /// The sentence with the name.
    public var description: String { "\(text) (\(code.name))" }

    init(_ failure: Failure) { self.init(failure.code, failure.text) }

    init(_ code: FailureCode, _ text: String) {
        self.code = Code(code)
        self.text = text
    }

    init(named code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    /// What callers of the API get for errors from below.
    static func of(_ error: any Error) -> any Error {
        switch error {
        case let failure as Failure: FTSLError(failure)
        case let failure as StoreFailure:
            FTSLError(
                failure.reason == .missing ? .noInbox : .localInputOutput, failure.text)
        default: error
        }
    }
}

extension FTSLError.Code {
    /// The messenger, or the sequence of deliveries, was closed.
    public static let shuttingDown = Self(.shuttingDown)
    /// A message breaks a bound of topic, id or headers.
    public static let malformedMessage = Self(.malformedMessage)
    /// A body is larger than is taken here or there.
    public static let messageTooLarge = Self(.messageTooLarge)
    /// The inbox does not let this sender into the topic.
    public static let topicForbidden = Self(.topicForbidden)
    /// The inbox has no room by policy.
    public static let inboxFull = Self(.inboxFull)
    /// Another message was sent under this id before.
    public static let idReused = Self(.idReused)
    /// The message's time to live ended before it was sent.
    public static let messageExpired = Self(.messageExpired)
    /// The message was cancelled before it was sent.
    public static let messageCancelled = Self(.messageCancelled)
    /// The outbox no longer knows what became of the message.
    public static let unknownOutcome = Self(.unknownOutcome)
    /// Another inbox answers than the one met before.
    public static let inboxChanged = Self(.inboxChanged)
    /// The inbox lacks messages that it had accepted.
    public static let historyLost = Self(.historyLost)
    /// The inbox knows messages that this outbox never sent.
    public static let outboxRolledBack = Self(.outboxRolledBack)
    /// The answer came too late: the message was given to somebody else, or is settled.
    public static let fenced = Self(.fenced)
    /// Another consumer took the cursor over.
    public static let superseded = Self(.superseded)
    /// The cursor was made with other topics.
    public static let cursorMismatch = Self(.cursorMismatch)
    /// There is no inbox at that place.
    public static let noInbox = Self(.noInbox)
    /// The peer's key is not known here.
    public static let peerUnknown = Self(.peerUnknown)
    /// The peer shows another key than before, or than the one asked for.
    public static let peerChanged = Self(.peerChanged)
    /// The name of the host does not exist.
    public static let hostUnknown = Self(.hostUnknown)
    /// The peer, or this end, is not allowed to do that.
    public static let authenticationFailed = Self(.authenticationFailed)
    /// A file of this machine cannot be read or written, or is not what it should be.
    public static let localIO = Self(.localInputOutput)
}

extension FailureCode {
    /// As `ftsl explain` takes it: the case in words.
    var name: String {
        switch self {
        case .notFTSL: return "not-ftsl"
        case .localInputOutput: return "local-io"
        default: break
        }
        var words = ""
        for character in "\(self)" {
            words += character.isUppercase ? "-" + character.lowercased() : String(character)
        }
        return words
    }
}
