#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Tells when a file is touched (its times are set), as `FileLock.knock` does.
///
/// A touch after the commit is told at once and cannot come too early, which a write to the
/// write-ahead log would: readers see a commit only after its sync.
package final class FileWatch: @unchecked Sendable {
    private let stop: (read: Int32, write: Int32)
    private var thread: WorkerThread?

    /// Calls `changed` from a thread of the watch at each touch, and besides at most `every`
    /// milliseconds apart; where the system cannot watch, every 20 ms.
    package init(
        _ path: String, every milliseconds: Int32?, changed: @escaping @Sendable () -> Void
    ) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw StoreFailure(.inputOutput, "no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        stop = (ends[0], ends[1])
        let watch = Self.watch(path)
        let period = watch == nil ? 20 : milliseconds ?? -1
        do {
            thread = try WorkerThread { [stop] in
                Self.loop(watch ?? -1, stop.read, period, changed)
                if let watch { close(watch) }
            }
        } catch {
            if let watch { close(watch) }
            close(stop.read)  // the other end is closed by `deinit`
            throw error
        }
    }

    deinit {
        close(stop.write)
        // The watch may go away inside its own call; its thread ends by itself all the same.
        thread?.detach()
    }

    private static func watch(_ path: String) -> Int32? {
        #if os(Linux)
            let descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
            guard descriptor >= 0 else { return nil }
            guard inotify_add_watch(descriptor, path, UInt32(IN_ATTRIB)) >= 0 else {
                close(descriptor)
                return nil
            }
            return descriptor
        #else
            return nil
        #endif
    }

    private static func loop(
        _ watch: Int32, _ stop: Int32, _ period: Int32, _ changed: () -> Void
    ) {
        var events = [UInt8](repeating: 0, count: 4_096)
        while true {
            var polled = [
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                pollfd(fd: watch, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&polled, 2, period)
            if ready < 0, errno == EINTR { continue }
            guard ready >= 0, polled[0].revents == 0 else { break }
            while watch >= 0, read(watch, &events, events.count) > 0 {}
            changed()
        }
        close(stop)
    }
}
