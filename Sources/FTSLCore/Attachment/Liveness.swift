/// When to speak and when to give an attachment up. [FTSL §6]
package struct Liveness: Sendable {
    package let interval: Duration
    private let intervalNanoseconds: UInt64
    private let silenceNanoseconds: UInt64
    private var lastSent: Instant
    private var lastReceived: Instant
    private var heartbeatOwed = false
    private var silenceTold = false

    package init(interval: Duration, now: Instant) {
        self.interval = interval
        intervalNanoseconds = interval.wholeNanoseconds
        silenceNanoseconds = intervalNanoseconds / 2 * 5
        lastSent = now
        lastReceived = now
    }

    package mutating func sent(now: Instant) {
        lastSent = now
        heartbeatOwed = false
    }

    package mutating func received(now: Instant) { lastReceived = now }

    package var heartbeatDeadline: Instant { lastSent.advanced(nanoseconds: intervalNanoseconds) }
    /// Two and a half intervals of silence; never, once the silence was told.
    package var silenceDeadline: Instant {
        silenceTold ? .distantFuture : lastReceived.advanced(nanoseconds: silenceNanoseconds)
    }
    package var deadline: Instant { min(heartbeatDeadline, silenceDeadline) }

    package func wantsHeartbeat(now: Instant) -> Bool {
        heartbeatOwed || heartbeatDeadline <= now
    }

    /// Moves the heartbeat's deadline on: a heartbeat that is due waits for room, not for time.
    package mutating func heartbeatPassed(now: Instant) {
        guard heartbeatDeadline <= now else { return }
        heartbeatOwed = true
        lastSent = now
    }

    /// True, once, when the peer is silent for too long.
    ///
    /// A clock that jumped, or a process that slept, past the deadline by more than an interval
    /// says nothing about the peer: it gets one full interval of grace.
    package mutating func isSilent(now: Instant) -> Bool {
        guard silenceDeadline <= now else { return false }
        if now.since(silenceDeadline) > interval {
            lastReceived = now
            return false
        }
        silenceTold = true
        return true
    }
}
