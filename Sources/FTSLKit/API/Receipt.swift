internal import FTSLCore

/// That a message is stored here, and the way to learn what becomes of it. [FTSL §7.4]
public struct Receipt: Sendable {
    /// What became of a message.
    public enum Outcome: Hashable, Sendable {
        /// It is on the inbox's disk.
        case accepted
        /// A message with its id is on the inbox's disk already, at this index.
        case duplicate(of: UInt64)
        /// The inbox does not want it, now or ever.
        case rejected(FTSLError.Code)
        /// Its time to live ended before it was sent.
        case expired
        /// It was cancelled before it was sent.
        case cancelled
    }

    /// The message's own id, or else `PRODUCER-SEQUENCE`, as `ftsl status` takes it.
    public let id: String
    /// Whose message it is: 32 hexadecimal digits for this outbox and destination.
    public let producer: String
    /// Its number among that producer's messages; the first is 1.
    public let sequence: UInt64

    private let fate: Fate
    private let messenger: Messenger

    init(_ id: String, _ producer: ProducerID, _ fate: Fate, _ messenger: Messenger) {
        self.producer = producer.description
        self.sequence = fate.sequence.value
        self.id = id.isEmpty ? "\(producer)-\(fate.sequence.value)" : id
        self.fate = fate
        self.messenger = messenger
    }

    /// Waits until the message is resolved, and that is on disk here.
    ///
    /// Waits for as long as the inbox cannot be reached. A cancelled wait changes nothing about the
    /// message.
    /// - Throws: `FTSLError` when delivery has ended for good (`peer-unknown`, `inbox-changed`,
    ///   `history-lost`, …) or the messenger was closed; `CancellationError`.
    public func outcome() async throws -> Outcome {
        try await messenger.resident.wait { [fate] in $0.watch(fate, $1) }
    }

    /// Waits until the message is on the inbox's disk, this one or an earlier one with its id.
    /// - Throws: what `outcome()` throws; `FTSLError` when the outcome is another one.
    public func accepted() async throws {
        switch try await outcome() {
        case .accepted, .duplicate: return
        case .rejected(let code): throw FTSLError(named: code, "the inbox rejected message \(id)")
        case .expired: throw FTSLError(.messageExpired, "message \(id) expired before it was sent")
        case .cancelled: throw FTSLError(.messageCancelled, "message \(id) was cancelled")
        }
    }
}

extension Receipt.Outcome {
    /// Nil: not known yet.
    init?(_ outcome: MessageOutcome) {
        switch outcome {
        case .queued, .sent: return nil
        case .accepted: self = .accepted
        case .resolved(.rejected(let code)): self = .rejected(FTSLError.Code(code))
        case .resolved(.duplicate(let index)): self = .duplicate(of: index.value)
        case .resolved(.skipped(.expired)): self = .expired
        case .resolved(.skipped(.cancelled)): self = .cancelled
        }
    }
}
