internal import DequeModule
internal import NIOCore

/// The messages that a process has submitted last, for its own courier: what follows what was sent
/// need not be read back from the disk it was just written to.
///
/// Only such as are marked as sent, which nothing changes any more but the wish to cancel them, and
/// that comes too late by then. Bounded; what does not fit is read from the disk.
package struct RecentMessages {
    /// Several commits of a busy sender.
    package static let maxMessages = 8 * Bound.batchMessages
    package static let maxBytes = 4 * UInt64(Bound.batchBytes)

    private var messages = Deque<OutboxMessage>()
    private var byteCount: UInt64 = 0

    package init() {}

    package var count: Int { messages.count }

    /// In the order of their sequences; what follows a gap, or does not fit, is not kept.
    package mutating func append(_ fresh: [OutboxMessage]) {
        let bytes = fresh.reduce(0) { $0 + Self.size($1) }
        guard let first = fresh.first,
            messages.isEmpty || messages.last?.sequence.next == first.sequence,
            messages.count + fresh.count <= Self.maxMessages, byteCount + bytes <= Self.maxBytes
        else { return }
        messages.append(contentsOf: fresh)
        byteCount += bytes
    }

    /// Takes messages from a sequence on, up to so many and about so many body bytes; what is below
    /// is forgotten. Nil where the first of them is not known here.
    package mutating func take(
        from first: LaneSequence, maxMessages: Int, maxBytes: UInt64
    ) -> [OutboxMessage]? {
        while let oldest = messages.first, oldest.sequence < first { removeFirst() }
        guard messages.first?.sequence == first else { return nil }
        var taken: [OutboxMessage] = []
        taken.reserveCapacity(min(maxMessages, messages.count))
        var bytes: UInt64 = 0
        while taken.count < maxMessages, bytes < maxBytes, let message = messages.first {
            bytes += Self.size(message)
            taken.append(message)
            removeFirst()
        }
        return taken
    }

    private mutating func removeFirst() { byteCount -= Self.size(messages.removeFirst()) }

    /// What it holds in memory of the body.
    private static func size(_ message: OutboxMessage) -> UInt64 {
        if case .inline(let bytes) = message.body { return UInt64(bytes.readableBytes) }
        return 0
    }
}
