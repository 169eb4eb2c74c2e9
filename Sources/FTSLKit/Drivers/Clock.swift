package import FTSLCore
package import NIOCore

#if canImport(Glibc)
    internal import Glibc
#endif

/// The monotonic clock of the event loops, as the core's instants.
package enum MonotonicClock {
    package static var now: Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }
}

extension Instant {
    var deadline: NIODeadline {
        .uptimeNanoseconds(min(nanoseconds, UInt64(Int64.max)))
    }
}

/// One alarm on an event loop that is moved often: set early, checked when it rings.
///
/// Scheduling per packet would cost more than the packet; so an alarm that is already set for an
/// earlier time is left alone, and rings once in vain.
package final class Alarm {
    private let loop: any EventLoop
    private var scheduled: Scheduled<Void>?
    private var scheduledFor = Instant.distantFuture
    private let ring: () -> Void

    package init(on loop: any EventLoop, ring: @escaping () -> Void) {
        self.loop = loop
        self.ring = ring
    }

    package func set(for instant: Instant) {
        guard instant < scheduledFor else { return }
        scheduled?.cancel()
        scheduledFor = instant
        let bound = NIOLoopBound(self, eventLoop: loop)
        scheduled = loop.scheduleTask(deadline: instant.deadline) { bound.value.rings() }
    }

    package func cancel() {
        scheduled?.cancel()
        scheduled = nil
        scheduledFor = .distantFuture
    }

    private func rings() {
        scheduled = nil
        scheduledFor = .distantFuture
        ring()
    }
}

/// The wall clock: shown to people, and what messages expire by.
package enum WallClock {
    /// Milliseconds since 1970.
    package static var milliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
