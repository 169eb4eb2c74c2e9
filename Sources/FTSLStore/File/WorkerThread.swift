#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What a thread runs.
private final class ThreadBody {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    // Signals belong to the program's own threads.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

/// A thread of its own for what waits: SQLite for disks, which an event loop must not.
package final class WorkerThread: @unchecked Sendable {
    private let thread: pthread_t
    private var isJoined = false

    package init(_ body: @escaping @Sendable () -> Void) throws {
        let context = Unmanaged.passRetained(ThreadBody(body))
        #if canImport(Darwin)
            var made: pthread_t?
            let code = pthread_create(&made, nil, { threadMain($0) }, context.toOpaque())
            thread = made ?? pthread_self()
        #else
            var made = pthread_t()
            let code = pthread_create(&made, nil, threadMain, context.toOpaque())
            thread = made
        #endif
        guard code == 0 else {
            context.release()
            throw StoreFailure(.outOfMemory, "no thread for the store: error \(code)")
        }
    }

    /// Waits for its end; once, and not from itself.
    func join() {
        guard !isJoined else { return }
        isJoined = true
        pthread_join(thread, nil)
    }

    /// Lets it end by itself.
    func detach() {
        guard !isJoined else { return }
        isJoined = true
        pthread_detach(thread)
    }
}

/// A queue from any thread to one.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Element] = []
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// False when it is closed.
    func put(_ element: Element) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isClosed else { return false }
        waiting.append(element)
        if waiting.count == 1 { pthread_cond_signal(condition) }
        return true
    }

    /// What came, in order; empty after `milliseconds`; nil when it is closed and empty.
    func take(within milliseconds: Int?) -> [Element]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var deadline = timespec()
        if let milliseconds {
            clock_gettime(CLOCK_REALTIME, &deadline)
            let nanoseconds = deadline.tv_nsec + milliseconds % 1_000 * 1_000_000
            deadline.tv_sec += milliseconds / 1_000 + nanoseconds / 1_000_000_000
            deadline.tv_nsec = nanoseconds % 1_000_000_000
        }
        while waiting.isEmpty, !isClosed {
            if milliseconds == nil {
                pthread_cond_wait(condition, mutex)
            } else if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT {
                break
            }
        }
        if waiting.isEmpty, isClosed { return nil }
        defer { waiting = [] }
        return waiting
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}

/// This machine's clocks.
enum Clock {
    /// Milliseconds since 1970.
    static func milliseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// Microseconds that never go back.
    static func microseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }
}
