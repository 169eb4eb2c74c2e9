package import Glibc
package import NIOCore

/// Tells when children end. One per process: SIGCHLD says only that some child changed.
package final class ChildWatcher {
    private var waiting: [pid_t: (ChildProcess.End) -> Void] = [:]
    private var watcher: SignalWatcher?

    package init(on loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        watcher = SignalWatcher([SIGCHLD], on: loop) { _ in bound.value.check() }
    }

    /// Calls back once, on the event loop, never before this returns.
    package func watch(
        _ pid: pid_t, on loop: any EventLoop, ended: @escaping (ChildProcess.End) -> Void
    ) {
        waiting[pid] = ended
        let bound = NIOLoopBound(self, eventLoop: loop)
        // The child may have ended before it was known here.
        loop.execute { bound.value.check(pid) }
    }

    /// Looks now; a signal does it when something has changed.
    package func check() {
        while let pid = ChildProcess.ended() {
            guard waiting[pid] != nil else {
                // Somebody else's, who has not asked for it yet; it hides ours.
                for pid in waiting.keys { check(pid) }
                return
            }
            check(pid)
        }
    }

    private func check(_ pid: pid_t) {
        guard waiting[pid] != nil, let end = ChildProcess.reap(pid) else { return }
        waiting.removeValue(forKey: pid)?(end)
    }
}
