internal import FTSLCore
internal import NIOCore

/// A message as `tail` shows it and hands it on.
struct TailMessage: Equatable {
    var index: UInt64
    var producer: ProducerID
    var sequence: UInt64
    /// From 1.
    var attempt: UInt32
    var envelope: Envelope
    /// When the inbox stored it, in milliseconds since 1970.
    var stored: UInt64
    /// Of a dead letter: why.
    var reason: String?

    /// The sender's own name for it, or the name that every message has.
    var id: String { envelope.id.isEmpty ? "\(producer)-\(sequence)" : envelope.id }
}
