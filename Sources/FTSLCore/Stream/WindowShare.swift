/// How much each of the sessions that move much just now may have outstanding. [FTSL §5.3]
///
/// Sessions that share a bottleneck get of it what their windows are to each other, and a window
/// that has grown keeps growing: without a share some of a thousand would have ten times as much as
/// others. Idle ones do not count.
package struct WindowShare: Sendable {
    /// What one session has moved in this second.
    package struct Mark: Sendable {
        fileprivate var second: UInt64 = 0
        fileprivate var bytes: UInt64 = 0

        package init() {}
    }

    /// All windows together that are in use.
    private let total: UInt64
    private var second: UInt64 = 0
    private var busy = 0
    private var busyBefore = 0

    package init(total: UInt64) { self.total = total }

    package mutating func moved(_ bytes: UInt64, _ mark: inout Mark, now: Instant) {
        let this = now.nanoseconds / 1_000_000_000
        if this != second {
            busyBefore = this == second + 1 ? busy : 0
            busy = 0
            second = this
        }
        if mark.second != this {
            mark.second = this
            mark.bytes = 0
        }
        guard mark.bytes < Bound.busy else { return }
        mark.bytes += bytes
        if mark.bytes >= Bound.busy { busy += 1 }
    }

    package var each: UInt64 {
        max(UInt64(Bound.reservedWindow), total / UInt64(max(1, busy, busyBefore)))
    }
}
