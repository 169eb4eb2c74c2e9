package import NIOCore

/// One direction of one channel, at the end that writes. [FTSL §5]
package struct SendChannel {
    package let number: ChannelNumber
    package private(set) var retention = Retention()
    /// Cumulative; counts FIN.
    package private(set) var acknowledged: UInt64 = 0
    /// Data below this position may be sent.
    package private(set) var credit: UInt64
    /// Next position to hand to the current attachment; counts FIN.
    package private(set) var next: UInt64 = 0
    /// Highest `next` of any attachment.
    package private(set) var sentHigh: UInt64 = 0
    package private(set) var finished = false
    /// The peer's reader went away after this many bytes.
    package private(set) var stoppedAt: UInt64?
    /// How far the peer said it has come when it last resumed; counts FIN.
    package private(set) var reported: UInt64 = 0
    /// Bytes sent again after a resume, for statistics.
    package private(set) var replayed: UInt64 = 0
    private var blockedToldAt: UInt64?
    private let window: UInt64

    package init(number: ChannelNumber, window: UInt64) {
        self.number = number
        self.window = window
        credit = window
    }

    init(image: SessionImage.Send, window: UInt64) throws(Failure) {
        number = image.channel
        self.window = window
        let digest = StreamDigest()
        guard digest.restore(image.digestBefore) else { throw .notAnImage }
        retention = Retention(start: image.start, digestBefore: digest, image.retained)
        acknowledged = image.acknowledged
        credit = image.credit
        sentHigh = image.sentHigh
        next = image.acknowledged
        finished = image.isFinished
        stoppedAt = image.stoppedAt
        reported = image.acknowledged
    }

    var image: SessionImage.Send {
        SessionImage.Send(
            channel: number, acknowledged: acknowledged, credit: credit, sentHigh: sentHigh,
            isFinished: finished, stoppedAt: stoppedAt, start: retention.start,
            digestBefore: retention.digestBefore.image, retained: retention.bytes)
    }

    package var end: UInt64 { retention.end }
    /// The position FIN occupies, once the writer has ended.
    package var finPosition: UInt64? { finished ? retention.end : nil }
    package var isDone: Bool { finished && acknowledged > retention.end }
    package var unsent: UInt64 { end - min(end, next) }
    package var unacknowledged: UInt64 { end - min(end, acknowledged) }

    package mutating func append(_ bytes: ByteBuffer) {
        precondition(!finished, "write after finish")
        retention.append(bytes)
    }

    package mutating func finish() { finished = true }

    /// The peer's reader is gone: the stream ends where it is. [FTSL §5.5]
    package mutating func stop(taken: UInt64) throws(Failure) {
        guard taken <= end else {
            throw .violation(.contradictoryState, "STOP at \(taken), beyond what was written")
        }
        guard stoppedAt == nil else { return }
        stoppedAt = taken
        finished = true
    }

    package mutating func acknowledge(
        _ position: UInt64, credit newCredit: UInt64
    ) throws(Failure) -> Bool {
        guard position <= sentHigh else {
            throw .violation(
                .acknowledgedUnsent,
                "the peer acknowledged \(position), beyond the \(sentHigh) that were sent")
        }
        credit = max(credit, newCredit)
        guard position > acknowledged else { return false }
        acknowledged = position
        // An acceptor reads its old connection until the new one is proven: it may have more by
        // then than it reported, and what is released cannot be sent.
        next = max(next, position)
        retention.release(below: position)
        return true
    }

    /// Checks what a resuming peer reports and goes back to where it stands. [FTSL §4.3]
    package mutating func rewind(to report: ChannelReport) throws(Failure) {
        let received = report.received
        guard received >= acknowledged, received <= sentHigh else {
            throw .violation(
                .diverged,
                "the peer stands at \(received) of channel \(number.value); "
                    + "\(acknowledged) to \(sentHigh) would be possible")
        }
        guard retention.digest(at: min(received, end)) == report.digest else {
            throw .violation(
                .diverged,
                "the peer's first \(received) bytes of channel \(number.value) differ from ours")
        }
        reported = received
        replayed += sentHigh - received
        next = received
        blockedToldAt = nil
    }

    /// Nothing more will be sent: the session's outcome is fixed.
    package mutating func abandon() {
        finished = true
        next = max(next, end)
        retention.releaseAll()
    }

    /// The next piece of data within credit, advancing the position.
    package mutating func take(limit: Int) -> (position: UInt64, bytes: ByteBuffer)? {
        guard next < min(end, credit) else { return nil }
        let room = Int(min(UInt64(limit), credit - next))
        guard let slice = retention.slice(at: next, limit: room) else { return nil }
        let position = next
        next += UInt64(slice.readableBytes)
        sentHigh = max(sentHigh, next)
        return (position, slice)
    }

    /// FIN, once per attachment and after all data.
    package mutating func takeFin() -> StreamFrame? {
        guard finished, next == end, acknowledged <= end else { return nil }
        next = end + 1
        sentHigh = max(sentHigh, next)
        return .fin(number, position: end, digest: retention.digest)
    }

    /// BLOCKED, once per credit position.
    package mutating func takeBlocked() -> StreamFrame? {
        guard next < end, next >= credit, blockedToldAt != credit else { return nil }
        blockedToldAt = credit
        return .blocked(number, position: next)
    }
}
