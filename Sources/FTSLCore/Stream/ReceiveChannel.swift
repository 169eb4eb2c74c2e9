package import NIOCore

/// One direction of one channel, at the end that reads. [FTSL §5]
package struct ReceiveChannel {
    package let number: ChannelNumber
    /// First position not received; counts FIN.
    package private(set) var received: UInt64 = 0
    /// Bytes the application has taken.
    package private(set) var taken: UInt64 = 0
    package private(set) var finPosition: UInt64?
    /// The application took the end too (closed its output without error).
    package private(set) var endTaken = false
    /// Our reader went away after this many bytes; the rest is discarded. [FTSL §5.5]
    package private(set) var stoppedAt: UInt64?
    package private(set) var window: UInt64
    /// The most of the window that is granted while others are busy too.
    package var share = UInt64.max
    /// An application needs all of the window.
    private var isWidened = false
    /// How much had been received when the window grew last.
    private var grownAt: UInt64 = 0
    private let maxWindow: UInt64
    private let digest = StreamDigest()

    private var announcedAcknowledged: UInt64 = 0
    private var announcedCredit: UInt64
    private var firstUnacknowledged: Instant?
    private var announceNow = false

    package init(number: ChannelNumber, window: UInt64, maxWindow: UInt64) {
        self.number = number
        self.window = window
        self.maxWindow = max(window, maxWindow)
        announcedCredit = window
    }

    init(image: SessionImage.Receive, maxWindow: UInt64) throws(Failure) {
        guard digest.restore(image.digest) else { throw .notAnImage }
        number = image.channel
        received = image.received
        taken = image.taken
        finPosition = image.finPosition
        endTaken = image.isEndTaken
        stoppedAt = image.stoppedAt
        window = image.window
        self.maxWindow = max(image.window, maxWindow)
        grownAt = min(image.received, image.finPosition ?? image.received)
        announcedAcknowledged = image.announcedAcknowledged
        announcedCredit = image.announcedCredit
    }

    var image: SessionImage.Receive {
        SessionImage.Receive(
            channel: number, received: received, taken: taken, finPosition: finPosition,
            isEndTaken: endTaken, stoppedAt: stoppedAt, window: window,
            announcedAcknowledged: announcedAcknowledged, announcedCredit: announcedCredit,
            digest: digest.image)
    }

    /// Cumulative acknowledgement: never beyond what the application took. [FTSL §2-3]
    package var acknowledged: UInt64 {
        if let finPosition, endTaken, taken == finPosition { return finPosition + 1 }
        return taken
    }

    /// The peer knows that everything was taken.
    package var isDone: Bool {
        guard let finPosition else { return false }
        return announcedAcknowledged > finPosition
    }

    /// What is granted of the window now.
    package var open: UInt64 { isWidened ? window : min(window, share) }

    package var bytesReceived: UInt64 { min(received, finPosition ?? received) }
    package var buffered: UInt64 { bytesReceived - taken }
    package var granted: UInt64 { announcedCredit - min(announcedCredit, taken) }
    package var report: (received: UInt64, digest: UInt64) { (received, digest.value) }

    /// Accepts data that may overlap what is here; returns the new part. [FTSL §5.1]
    package mutating func receive(
        _ bytes: ByteBuffer, at position: UInt64, now: Instant
    ) throws(Failure) -> ByteBuffer? {
        var bytes = bytes
        let end = position + UInt64(bytes.readableBytes)
        guard position <= received else {
            throw .violation(
                .positionGap, "data at \(position) where \(received) was next")
        }
        if let finPosition, end > finPosition {
            throw .violation(.contradictoryState, "data after the end at \(finPosition)")
        }
        guard end > received else { return nil }
        guard end <= announcedCredit else {
            throw .violation(.creditOverrun, "data to \(end), beyond the credit \(announcedCredit)")
        }
        bytes.moveReaderIndex(forwardBy: Int(received - position))
        digest.update(bytes)
        received = end
        if stoppedAt != nil {
            took(Int(received - taken), now: now)
            return nil
        }
        return bytes
    }

    /// Accepts FIN after comparing digests; true when it is new.
    package mutating func finish(
        at position: UInt64, digest theirs: UInt64
    ) throws(Failure) -> Bool {
        if let finPosition {
            guard finPosition == position else {
                throw .violation(
                    .contradictoryState, "the end was at \(finPosition), now at \(position)")
            }
            // A repeated FIN asks for the acknowledgement that was lost.
            announceNow = true
            return false
        }
        guard position == received else {
            throw .violation(.positionGap, "the end at \(position) where \(received) was next")
        }
        guard digest.value == theirs else {
            throw .violation(
                .digestMismatch,
                "the first \(position) bytes do not have the digest the peer states")
        }
        finPosition = position
        received = position + 1
        if stoppedAt != nil { tookEnd() }
        return true
    }

    /// The application has taken `count` more bytes.
    package mutating func took(_ count: Int, now: Instant) {
        precondition(count >= 0 && taken + UInt64(count) <= bytesReceived, "took more than came")
        taken += UInt64(count)
        if firstUnacknowledged == nil, count > 0, !announceNow { firstUnacknowledged = now }
        if taken - min(taken, announcedAcknowledged) >= open / 4 { announceNow = true }
    }

    /// The last `count` bytes that came were not used after all: they will be given again, and with
    /// them the end. What was acknowledged stays so; this end answers for it. [FTSL §10]
    package mutating func takeBack(_ count: Int) {
        precondition(UInt64(count) <= bytesReceived, "took back more than came")
        guard stoppedAt == nil else { return }
        taken = bytesReceived - UInt64(count)
        if count > 0 { endTaken = false }
    }

    package mutating func tookEnd() {
        endTaken = true
        announceNow = true
    }

    /// Our reader is gone: everything that came and comes counts as taken. [FTSL §5.5]
    package mutating func stop(at position: UInt64, now: Instant) {
        guard stoppedAt == nil, !endTaken else { return }
        stoppedAt = min(position, taken)
        took(Int(bytesReceived - taken), now: now)
        announceNow = true
        if finPosition != nil { tookEnd() }
    }

    /// BLOCKED: grow the window where it, not the reader, is what limits, and answer at once.
    /// [FTSL §5.3]
    ///
    /// Unless there is little to grant: credit for a few bytes brings a frame of a few bytes and
    /// another BLOCKED, for ever. A little waits for the acknowledgement's delay.
    package mutating func blocked(reserve: (UInt64) -> Bool) {
        defer { if taken + open >= announcedCredit + open / 4 { announceNow = true } }
        guard buffered < window / 2, window < min(maxWindow, share) else { return }
        // A peer that says BLOCKED without having used what it got is granted nothing.
        guard bytesReceived - grownAt >= window else { return }
        let more = min(window, maxWindow - window)
        guard reserve(more) else { return }
        window += more
        grownAt = bytesReceived
    }

    /// Grows the window to `bytes`, and says so at once; false where a bound forbids it.
    package mutating func widen(to bytes: UInt64, reserve: (UInt64) -> Bool) -> Bool {
        guard open < bytes else { return true }
        if window < bytes {
            guard bytes <= maxWindow, reserve(bytes - window) else { return false }
            window = bytes
        }
        isWidened = true
        grownAt = bytesReceived
        announceNow = true
        return true
    }

    package var acknowledgementDeadline: Instant? {
        firstUnacknowledged?.advanced(nanoseconds: Bound.acknowledgementDelay)
    }

    /// The delay is over: the ACK waits for room from here on, not for time.
    package mutating func acknowledgementPassed(now: Instant) {
        guard let due = acknowledgementDeadline, due <= now else { return }
        announceNow = true
        firstUnacknowledged = nil
    }

    /// True when an ACK should leave even if nothing else does.
    package func mustAnnounce(now: Instant) -> Bool {
        if announceNow { return true }
        guard let deadline = acknowledgementDeadline else { return false }
        return deadline <= now
    }

    /// True when an ACK would tell something new.
    package var hasNews: Bool {
        announceNow || acknowledged > announcedAcknowledged
    }

    /// The newest values, about to be written.
    package mutating func announce() -> StreamFrame {
        let credit = taken + open
        announcedAcknowledged = max(announcedAcknowledged, acknowledged)
        announcedCredit = max(announcedCredit, credit)
        firstUnacknowledged = nil
        announceNow = false
        return .ack(number, acknowledged: announcedAcknowledged, credit: announcedCredit)
    }

    /// A new attachment hears everything again.
    package mutating func reannounce() { announceNow = true }
}
