internal import DequeModule
package import FTSLCore
package import NIOCore

/// Answers what keys with the permission *control* ask a listener from afar: the lines of its
/// control socket, on the main stream of a session. [FTSL §4.1]
package final class ControlService: SessionService {
    private weak var delegate: (any ControlDelegate)?
    private let loop: any EventLoop

    package init(delegate: any ControlDelegate, on loop: any EventLoop) {
        self.delegate = delegate
        self.loop = loop
    }

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        guard let delegate else { return QuietApplication() }
        return ControlSession(handle, delegate, on: loop)
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) {}
}

/// One who asks from afar.
final class ControlSession: SessionApplication, ControlAsker {
    /// Who is away for so long has given up, whatever the session's own time is.
    static let patience: TimeAmount = .seconds(60)

    let isLocal = false
    let channel: (any Channel)? = nil
    var onGone: (() -> Void)?
    private let handle: SessionHandle
    private weak var delegate: (any ControlDelegate)?
    private let loop: any EventLoop
    private var lines = RequestLines()
    private var answer = Deque<ByteBuffer>()
    private var isAnswering = false
    private var hasEnded = false
    private var isOver = false
    private var absence: Scheduled<Void>?

    init(_ handle: SessionHandle, _ delegate: any ControlDelegate, on loop: any EventLoop) {
        self.handle = handle
        self.delegate = delegate
        self.loop = loop
    }

    // MARK: ControlAsker

    func send(_ line: String) {
        guard !isOver else { return }
        answer.append(ByteBuffer(string: line))
        flush()
    }

    func finish() {
        isAnswering = false
        next()
    }

    private func flush() {
        while let line = answer.first, handle.room(on: .main) > 0 {
            answer.removeFirst()
            handle.write(line, to: .main)
        }
    }

    private func next() {
        guard !isAnswering, !isOver else { return }
        if let line = lines.next() {
            isAnswering = true
            delegate?.control(self, asks: line)
        } else if hasEnded, answer.isEmpty {
            isOver = true
            handle.finish(.main)
        }
    }

    // MARK: SessionApplication

    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        lines.append(bytes)
        handle.took(bytes.readableBytes, from: channel)
        guard !lines.isTooLong else {
            let why = "a request has at most \(RequestLines.maxLine) bytes"
            handle.abort(Failure(.peer, .frameTooLarge, why))
            return
        }
        next()
    }

    func finished(_ channel: ChannelNumber) {
        handle.tookEnd(channel)
        hasEnded = true
        next()
    }

    func stopped(_ channel: ChannelNumber, at position: UInt64) {
        answer = []
        next()
    }

    func room(on channel: ChannelNumber) {
        flush()
        next()
    }

    func exited(_ report: ExitReport) {}

    func detached(_ failure: Failure) {
        let bound = NIOLoopBound(handle, eventLoop: loop)
        absence = loop.scheduleTask(in: Self.patience) {
            bound.value.abort(Failure(.time, .timedOut, "who asked was away for a minute"))
        }
    }

    func attached(resumed: Bool) { absence?.cancel() }

    func settled(_ outcome: Outcome) {
        absence?.cancel()
        isOver = true
        answer = []
        if isAnswering { onGone?() }
        onGone = nil
    }
}
