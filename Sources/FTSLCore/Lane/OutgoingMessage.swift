internal import NIOCore

/// A message on its way out of one attachment, in parts if it is large. [FTSL §7.2]
struct OutgoingMessage {
    let sequence: LaneSequence
    let envelope: Envelope
    let digest: BodyDigest
    let chain: ChainValue
    private let body: Body
    /// When it is not worth sending any more.
    let expires: Instant?
    var skipped: SkipReason?
    var cancelRequested: Bool

    /// The envelope left on this attachment; the fate of the message is the inbox's now.
    private(set) var isBegun = false
    private var offset: UInt64 = 0
    /// What is at hand of a body that the outbox keeps in pieces, from `offset` on.
    private var window = ByteBuffer()
    private var isPieceAsked = false
    /// What the inbox says it has; checked before it is believed.
    private var claim: (bytes: UInt64, digest: UInt64)?
    private var checked = StreamDigest()

    /// `wallClock` is the time of `now`, in milliseconds since 1970.
    init(_ message: OutboxMessage, wallClock: UInt64, now: Instant) {
        sequence = message.sequence
        envelope = message.envelope
        digest = message.digest
        chain = message.chain
        body = message.body
        skipped = message.skipped
        cancelRequested = message.cancelRequested
        expires = message.expires.map {
            now + .milliseconds(Int64(clamping: $0 - min(wallClock, $0)))
        }
    }

    var heldBytes: Int {
        if case .inline(let bytes) = body { return bytes.readableBytes }
        return window.readableBytes
    }

    /// Why it need not be sent, which can be decided until it is begun. [FTSL §7.4]
    func skipReason(now: Instant) -> SkipReason? {
        guard !isBegun else { return nil }
        if cancelRequested { return .cancelled }
        if let expires, expires <= now { return .expired }
        return nil
    }

    // MARK: Going on where an earlier attachment ended

    /// The inbox has the first bytes already, if their digest is right. [FTSL §7.2]
    mutating func resume(at partial: MessageFrame.Partial) {
        guard partial.bytes < digest.count else { return }
        switch body {
        case .inline(let bytes):
            guard
                let head = bytes.getSlice(at: bytes.readerIndex, length: Int(partial.bytes)),
                BodyDigest(of: head).digest == partial.digest
            else { return }
            offset = partial.bytes
        case .pieces: claim = (partial.bytes, partial.digest)
        }
    }

    // MARK: Pieces

    /// The next piece to read, when one is wanted.
    mutating func nextRead() -> (offset: UInt64, maxBytes: Int)? {
        guard case .pieces = body, !isPieceAsked, window.readableBytes < Bound.piece / 2
        else { return nil }
        let position = offset + UInt64(window.readableBytes)
        let end = claim?.bytes ?? digest.count
        guard position < end else { return nil }
        isPieceAsked = true
        return (position, Int(min(UInt64(Bound.piece), end - position)))
    }

    mutating func read(_ piece: ByteBuffer) {
        isPieceAsked = false
        guard let claim else {
            window.discardReadBytes()
            window.writeImmutableBuffer(piece)
            return
        }
        checked.update(piece)
        offset += UInt64(piece.readableBytes)
        guard offset >= claim.bytes else { return }
        if checked.value != claim.digest { offset = 0 }
        self.claim = nil
    }

    // MARK: Parts

    /// Body bytes of the next part; nil while they are not at hand.
    func nextCount(payload: Int) -> Int? {
        guard claim == nil else { return nil }
        let fields = isBegun ? 18 : 50 + envelope.encodedCount
        let room = min(Bound.fragment, payload + Bound.dataHeader - fields)
        let count = Int(min(UInt64(room), digest.count - offset))
        if case .pieces = body, window.readableBytes < count { return nil }
        return count
    }

    mutating func takePart(_ count: Int, now: Instant) -> MessageFrame.Fragment {
        defer {
            isBegun = true
            offset += UInt64(count)
        }
        let bytes: ByteBuffer? =
            switch body {
            case .inline(let bytes):
                bytes.getSlice(at: bytes.readerIndex + Int(offset), length: count)
            case .pieces: window.readSlice(length: count)
            }
        var head: MessageFrame.Head?
        if !isBegun {
            var envelope = envelope
            if let expires {
                envelope.remaining = expires.since(now).wholeNanoseconds / 1_000_000
            }
            head = MessageFrame.Head(envelope: envelope, digest: digest)
        }
        return MessageFrame.Fragment(
            sequence: sequence, head: head, offset: offset, bytes: bytes ?? ByteBuffer())
    }

    var isSent: Bool { isBegun && offset == digest.count }
}
