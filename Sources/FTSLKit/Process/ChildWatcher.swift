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
        loop.execute { bound.value.check() }
    }

    /// Looks now; a signal does it when something has changed.
    package func check() {
        for pid in waiting.keys {
            if let end = ChildProcess.reap(pid) { waiting.removeValue(forKey: pid)?(end) }
        }
    }
}
