internal import NIOCore

/// A message whose body comes in parts. [FTSL §7.2]
struct IncomingBody {
    let sequence: LaneSequence
    let head: MessageFrame.Head
    /// Bytes received without a gap.
    private(set) var received: UInt64 = 0
    /// Of these, what the store was asked to keep.
    private(set) var keptBytes: UInt64 = 0
    /// The others.
    private(set) var bytes = ByteBuffer()
    private let digest = StreamDigest()
    /// No part came on this attachment yet: the first one has the head.
    private(set) var isInterrupted = false

    init(_ sequence: LaneSequence, _ head: MessageFrame.Head) {
        self.sequence = sequence
        self.head = head
    }

    var isLarge: Bool { head.digest.count > Bound.inlineBody }
    var isComplete: Bool { received == head.digest.count }

    /// What READY says about it.
    var partial: MessageFrame.Partial {
        MessageFrame.Partial(sequence: sequence, bytes: received, digest: digest.value)
    }

    mutating func interrupt() { isInterrupted = true }

    /// True when a part with a head goes on with this message.
    func continues(with fragment: MessageFrame.Fragment) -> Bool {
        isInterrupted && fragment.offset == received && fragment.head?.digest == head.digest
            && fragment.head?.envelope.id == head.envelope.id
    }

    mutating func append(_ fragment: MessageFrame.Fragment) throws(Failure) {
        isInterrupted = false
        let count = UInt64(fragment.bytes.readableBytes)
        guard fragment.offset == received, count <= head.digest.count - received else {
            throw .violation(
                .positionGap, "part of message \(sequence.value) at \(fragment.offset)")
        }
        received += count
        digest.update(fragment.bytes)
        bytes.writeImmutableBuffer(fragment.bytes)
        if isComplete, digest.value != head.digest.digest {
            throw .violation(.digestMismatch, "message \(sequence.value) is not what was sent")
        }
    }

    /// The next piece for the store, with its place.
    mutating func takePiece() -> (offset: UInt64, bytes: ByteBuffer)? {
        guard isLarge, bytes.readableBytes > 0 else { return nil }
        defer {
            keptBytes += UInt64(bytes.readableBytes)
            bytes = ByteBuffer()
        }
        return (keptBytes, bytes)
    }
}
