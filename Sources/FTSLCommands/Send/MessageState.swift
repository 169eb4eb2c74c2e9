internal import FTSLCore

/// What became of a message, as people and programs see it.
enum MessageState: Equatable {
    case queued, sent, accepted, processed, expired, cancelled, dead, unknown
    case rejected(FailureCode)
    case duplicate(of: UInt64)

    init(_ outcome: MessageOutcome) {
        switch outcome {
        case .queued: self = .queued
        case .sent: self = .sent
        case .accepted: self = .accepted
        case .resolved(.rejected(let code)): self = .rejected(code)
        case .resolved(.duplicate(let index)): self = .duplicate(of: index.value)
        case .resolved(.skipped(.expired)): self = .expired
        case .resolved(.skipped(.cancelled)): self = .cancelled
        }
    }

    var name: String {
        switch self {
        case .queued: "queued"
        case .sent: "sent"
        case .accepted: "accepted"
        case .processed: "processed"
        case .expired: "expired"
        case .cancelled: "cancelled"
        case .dead: "dead"
        case .unknown: "unknown"
        case .rejected: "rejected"
        case .duplicate: "duplicate"
        }
    }

    /// The reason behind it, where there is one.
    var code: FailureCode? {
        switch self {
        case .expired: .messageExpired
        case .cancelled: .messageCancelled
        case .dead: .messageDead
        case .rejected(let code): code
        case .queued, .sent, .accepted, .processed, .unknown, .duplicate: nil
        }
    }

    /// Will never be at the inbox, or is of no use there.
    var isBad: Bool { code != nil }

    func object(id: String) -> [String: JSONValue] {
        var object: [String: JSONValue] = ["id": .string(id), "state": .string(name)]
        if let code { object["reason"] = .string(code.name) }
        if case .duplicate(let index) = self { object["index"] = .integer(index) }
        return object
    }

    /// For people.
    var text: String {
        switch self {
        case .rejected(let code): "rejected: \(code.name)"
        case .duplicate(let index): "duplicate of \(index)"
        default: name
        }
    }
}

/// The name that every message of an outbox has: `PRODUCER-SEQUENCE`.
struct MessageName: Equatable, CustomStringConvertible {
    var producer: ProducerID
    var sequence: UInt64

    init(producer: ProducerID, sequence: UInt64) {
        self.producer = producer
        self.sequence = sequence
    }

    /// Nil for what is somebody's own id.
    init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 32,
            parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let high = UInt64(parts[0].prefix(16), radix: 16),
            let low = UInt64(parts[0].suffix(16), radix: 16), let sequence = UInt64(parts[1]),
            sequence > 0
        else { return nil }
        producer = ProducerID(high: high, low: low)
        self.sequence = sequence
    }

    var description: String { "\(producer)-\(sequence)" }
}
