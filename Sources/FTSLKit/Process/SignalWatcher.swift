internal import Dispatch
internal import Glibc
package import NIOCore

/// Delivers signals to an event loop instead of to a handler that may do next to nothing.
package final class SignalWatcher {
    private var sources: [any DispatchSourceSignal] = []

    package init(
        _ signals: [CInt], on loop: any EventLoop, deliver: @escaping @Sendable (CInt) -> Void
    ) {
        let queue = DispatchQueue(label: "ftsl.signals")
        for number in signals {
            // SIGCHLD must keep its default: ignoring it would make the kernel reap our children.
            if number != SIGCHLD { signal(number, SIG_IGN) }
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { loop.execute { deliver(number) } }
            source.resume()
            sources.append(source)
        }
    }

    /// Writing to a pipe without reader, or beyond a limit of size, is an error to handle and no
    /// reason to die.
    package static func ignoreWriteFailures() {
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
    }

    package func cancel() {
        for source in sources { source.cancel() }
        sources = []
    }
}
