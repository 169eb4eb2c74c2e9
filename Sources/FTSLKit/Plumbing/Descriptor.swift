internal import Glibc
internal import NIOConcurrencyHelpers

/// Small truths about file descriptors.
package enum Descriptor {
    /// 1 MiB pipes move bulk with far fewer wake-ups; refused for other kinds and by strict limits,
    /// harmlessly.
    static func enlargePipe(_ descriptor: CInt) {
        let setPipeSize: CInt = 1031
        _ = fcntl(descriptor, setPipeSize, 1 << 20)
    }

    /// For a descriptor that somebody else made non-blocking.
    static func wait(_ descriptor: CInt, for events: CShort) {
        var waiting = pollfd(fd: descriptor, events: events, revents: 0)
        _ = poll(&waiting, 1, -1)
    }

    /// Opens descriptors 0 to 2 where the parent closed them, so that no socket of ours gets their
    /// numbers.
    ///
    /// A closed input reads as empty; a closed output fails when something is written to it.
    package static func secureStandard() {
        for descriptor: CInt in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// Closes the standard output so that its reader sees the end, and keeps its number occupied.
    ///
    /// Returns the error number of the close, 0 without one.
    static func closeKeepingNumber(_ descriptor: CInt) -> CInt {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { return errno }
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        if null >= 0 {
            dup2(null, descriptor)
            Glibc.close(null)
        }
        return Glibc.close(copy) == 0 ? 0 : errno
    }
}

/// A counting semaphore that can be closed for good.
final class Permits: @unchecked Sendable {
    private let lock = ConditionLock(value: true)
    private var count: Int
    private var isClosed = false

    init(_ count: Int) { self.count = count }

    /// Waits for a permit; false once closed.
    func acquire() -> Bool {
        lock.lock(whenValue: true)
        if isClosed {
            lock.unlock(withValue: true)
            return false
        }
        count -= 1
        lock.unlock(withValue: count > 0)
        return true
    }

    func release() {
        lock.lock()
        count += 1
        lock.unlock(withValue: true)
    }

    func close() {
        lock.lock()
        isClosed = true
        lock.unlock(withValue: true)
    }
}
