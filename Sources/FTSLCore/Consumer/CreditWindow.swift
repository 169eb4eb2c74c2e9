/// How much a consumer lets come: a window beyond what the application has taken. [FTSL §7.6]
///
/// Credit counts from SUBSCRIBE on each connection. What the application holds from an earlier one
/// may come again, and takes no room a second time; at most one window of it counts so, and twice
/// the window is the most that is ever held.
struct CreditWindow {
    let size: UInt64
    /// Arrived on this connection, again or for the first time.
    private(set) var arrived: UInt64 = 0
    /// Given to the application and not taken.
    private(set) var untaken: UInt64 = 0
    /// Of it, from earlier connections, and not come again on this one.
    private var carried: UInt64 = 0
    /// Told to the peer on this connection.
    private(set) var announced: UInt64 = 0

    init(size: UInt64) { self.size = max(1, size) }

    private var limit: UInt64 {
        max(announced, arrived + size - min(size, untaken - min(untaken, carried)))
    }

    /// Enough to be worth a frame, or the peer has none left.
    var hasNews: Bool {
        limit - announced >= max(1, size / 4) || limit > announced && announced == arrived
    }

    mutating func subscribed() {
        arrived = 0
        announced = 0
        carried = min(untaken, size)
    }

    mutating func announce() -> UInt64 {
        announced = limit
        return announced
    }

    /// False when the peer had no credit for it.
    mutating func arrive(_ count: UInt64, again: Bool) -> Bool {
        let (sum, overflow) = arrived.addingReportingOverflow(count)
        guard !overflow, sum <= announced else { return false }
        arrived = sum
        if again { carried -= min(carried, count) } else { untaken += count }
        return true
    }

    mutating func took(_ count: UInt64) {
        assert(count <= untaken, "more was taken than came")
        untaken -= min(untaken, count)
        carried -= min(carried, count)
    }
}
