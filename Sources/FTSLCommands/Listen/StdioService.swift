internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// The listener's own stdin and stdout as the service: one session at a time.
final class StdioService: SessionService {
    private let loop: any EventLoop
    private let keepOpen: Bool
    private let sync: Bool
    private(set) var monitor: SessionMonitor?
    private(set) var readerGone = false
    private let log: Log
    private let statusStream: StatusStream?
    private var isDrained = false
    private var outcome: Outcome?
    /// The session's outcome is fixed and everything received is written.
    var onDone: ((SessionHandle, Outcome) -> Void)?
    private(set) var current: SessionHandle?
    private var source: DescriptorSource?

    init(
        keepOpen: Bool, sync: Bool, log: Log, statusStream: StatusStream?,
        on loop: any EventLoop
    ) {
        self.keepOpen = keepOpen
        self.sync = sync
        self.log = log
        self.statusStream = statusStream
        self.loop = loop
    }

    func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        let plumbing = Plumbing(handle)
        current = handle
        isDrained = false
        outcome = nil
        let monitor = SessionMonitor(
            handle.session, peer: "the client", log: log, statusStream: statusStream)
        self.monitor = monitor
        plumbing.onDetached = { monitor.lost($0) }
        plumbing.onAttached = { if $0 { monitor.back() } }
        plumbing.onReaderGone = { [unowned self] _ in
            readerGone = true
            if !handle.session.sendingChannels[0].finished {
                handle.abort(Failure(.local, .stopped, "the reader of its output went away"))
            }
        }
        plumbing.onDrained = { [unowned self] in
            isDrained = true
            tellIfDone(handle)
        }
        plumbing.attach(
            sink: DescriptorSink(
                descriptor: 1, ending: keepOpen ? .leaveOpen : .close, sync: sync, on: loop),
            to: .main)
        plumbing.attach(source: DescriptorSource(descriptor: 0, on: loop), to: .main)
        return plumbing
    }

    func ended(_ handle: SessionHandle, _ outcome: Outcome) {
        self.outcome = outcome
        tellIfDone(handle)
    }

    private func tellIfDone(_ handle: SessionHandle) {
        guard isDrained, let outcome else { return }
        onDone?(handle, outcome)
    }
}
