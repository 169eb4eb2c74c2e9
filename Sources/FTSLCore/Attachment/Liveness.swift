/// When to speak and when to give an attachment up. [FTSL §6]
package struct Liveness: Sendable {
    package let interval: Duration
    private let intervalNanoseconds: UInt64
    private let silenceNanoseconds: UInt64
    private var lastSent: Instant
    private var lastReceived: Instant

    package init(interval: Duration, now: Instant) {
        self.interval = interval
        intervalNanoseconds = interval.wholeNanoseconds
        silenceNanoseconds = intervalNanoseconds / 2 * 5
        lastSent = now
        lastReceived = now
    }

    package mutating func sent(now: Instant) { lastSent = now }
    package mutating func received(now: Instant) { lastReceived = now }

    package var heartbeatDeadline: Instant { lastSent.advanced(nanoseconds: intervalNanoseconds) }
    /// Two and a half intervals of silence.
    package var silenceDeadline: Instant {
        lastReceived.advanced(nanoseconds: silenceNanoseconds)
    }
    package var deadline: Instant { min(heartbeatDeadline, silenceDeadline) }

    package func wantsHeartbeat(now: Instant) -> Bool { heartbeatDeadline <= now }

    /// True when the peer is silent for too long.
    ///
    /// A clock that jumped, or a process that slept, past the deadline by more than an interval says nothing
    /// about the peer: it gets one full interval of grace.
    package mutating func isSilent(now: Instant) -> Bool {
        guard silenceDeadline <= now else { return false }
        if now.since(silenceDeadline) > interval {
            lastReceived = now
            return false
        }
        return true
    }
}
