internal import FTSLStore
internal import Glibc
package import NIOCore

/// Delivers signals to an event loop instead of to a handler that may do next to nothing.
///
/// The signals are blocked everywhere and waited for on a thread of its own: none is lost between
/// the start of the process and the moment somebody cares, as it would be while it is ignored.
package final class SignalWatcher {
    private static let usual = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD]
    /// Written once, before there is a second thread.
    nonisolated(unsafe) private static var handled = usual

    private let thread: WorkerThread

    /// Must run before the process has a second thread: threads inherit what is blocked.
    ///
    /// - Parameter others: Signals beyond the usual ones that this process waits for.
    package static func prepare(also others: [CInt] = []) {
        handled = usual + others
        // Writing to a pipe without reader, or beyond a limit of size, is an error to handle and no
        // reason to die.
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        // A parent that ignores SIGCHLD would make the kernel reap our children for us.
        signal(SIGCHLD, SIG_DFL)
        var set = Self.set(of: handled)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    package init(
        _ signals: [CInt], on loop: any EventLoop, deliver: @escaping @Sendable (CInt) -> Void
    ) {
        precondition(signals.allSatisfy(Self.handled.contains), "prepare() blocks it")
        do {
            thread = try WorkerThread {
                var set = Self.set(of: signals)
                while true {
                    var number: CInt = 0
                    guard sigwait(&set, &number) == 0 else { continue }
                    let arrived = number
                    loop.execute { deliver(arrived) }
                }
            }
        } catch {
            fatalError("signals need a thread: \(error)")
        }
    }

    private static func set(of signals: [CInt]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in signals { sigaddset(&set, number) }
        return set
    }
}
