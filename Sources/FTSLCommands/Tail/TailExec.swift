internal import FTSLCore
internal import FTSLKit
internal import Glibc
internal import NIOCore

/// The commands of `--exec`: runs them, and judges their ends.
final class TailExec {
    /// Messages whose blameless attempts are remembered; beyond, all count.
    private static let remembered = 65_536

    var onVerdict: ((TailMessage, ExecVerdict) -> Void)?

    private let runner: ExecRunner
    private let policy: ExecPolicy
    private let loop: any EventLoop
    private var temporary: [UInt64: UInt32] = [:]
    private var isStopped = false

    init(_ command: String, limit: Duration?, policy: ExecPolicy, on loop: any EventLoop) {
        runner = ExecRunner(command, limit: limit, children: ChildWatcher(on: loop), on: loop)
        self.policy = policy
        self.loop = loop
    }

    /// No command runs.
    var isIdle: Bool { runner.count == 0 }

    func start(_ message: TailMessage, _ body: ByteBuffer) {
        let job = runner.start(message) { [unowned self] in ended(message, $0, $1) }
        if body.readableBytes > 0 { job.write(body) }
        job.finish()
    }

    /// The same again after a pause.
    func start(again message: TailMessage, _ body: ByteBuffer, after pause: Duration) {
        var message = message
        message.attempt += 1
        let next = message
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .nanoseconds(Int64(pause.wholeNanoseconds))) {
            guard !bound.value.isStopped else { return }
            bound.value.start(next, body)
        }
    }

    private func ended(_ message: TailMessage, _ end: ExecEnd, _ lastLine: String) {
        guard !isStopped else { return }
        let verdict = policy.verdict(
            end, attempt: message.attempt, temporary: temporary[message.index] ?? 0,
            lastLine: lastLine)
        if case .retry = verdict {
            if end == .status(ExecPolicy.temporary) {
                if temporary.count >= Self.remembered { temporary = [:] }
                temporary[message.index, default: 0] += 1
            }
        } else {
            temporary[message.index] = nil
        }
        onVerdict?(message, verdict)
    }

    /// Nobody waits for the verdicts any more.
    func stop() {
        isStopped = true
        runner.terminateAll()
    }

    func kill() { runner.killAll() }
}
