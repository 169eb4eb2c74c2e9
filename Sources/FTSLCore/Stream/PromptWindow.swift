/// Bounds what a terminal's output waits for on its way to the screen, whatever the link carries.
///
/// Bytes that a flood has put between a command and a slow link stay in front of what the command
/// says next. So not more of them are outstanding than the link, and the screen behind it, took
/// lately within its shortest round trip and a tenth of a second. [FTSL §5.10]
package struct PromptWindow {
    /// How many bytes may be unacknowledged.
    package private(set) var bytes: UInt64 = 16 << 10
    /// The shortest time that an acknowledgement has taken.
    private var shortest: Duration?
    private var probe: (end: UInt64, sentAt: Instant, wasFull: Bool)?

    private static let smallest: UInt64 = 1 << 10
    private static let largest: UInt64 = 1 << 20
    /// How long output may wait beyond the shortest round trip.
    private static let patience = 0.1

    package init() {}

    /// Bytes up to `end` have been sent, `held` of them are unacknowledged.
    package mutating func sent(to end: UInt64, held: UInt64, now: Instant) {
        let isFull = held * 2 >= bytes
        if probe == nil { probe = (end, now, isFull) }
        // What is written a little at a time fills it later.
        if isFull { probe?.wasFull = true }
    }

    package mutating func acknowledged(_ position: UInt64, now: Instant) {
        guard let probe, position >= probe.end else { return }
        self.probe = nil
        let delay = now.since(probe.sentAt)
        shortest = min(shortest ?? delay, delay)
        let least = shortest?.inSeconds ?? 0
        let factor = (least + Self.patience) / max(delay.inSeconds, 1e-3)
        // A window that was not used says nothing about how much more there is room for.
        guard factor < 1 || probe.wasFull else { return }
        let wanted = Double(bytes) * min(max(factor, 0.25), 2)
        bytes = min(max(UInt64(wanted), Self.smallest), Self.largest)
    }

    /// Another connection may be of another kind.
    package mutating func detached() {
        probe = nil
        shortest = nil
    }
}
