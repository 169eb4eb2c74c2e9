internal import FTSLCore
internal import FTSLKit
internal import Glibc
internal import NIOCore

/// Runs a command per message, each in a process group of its own.
final class ExecRunner {
    /// Between SIGTERM and SIGKILL.
    static let grace: TimeAmount = .seconds(5)

    private let command: String
    private let limit: Duration?
    private let loop: any EventLoop
    private let children: ChildWatcher
    private let inherited = ChildProcess.environment
    private var running: [ObjectIdentifier: ExecJob] = [:]

    init(
        _ command: String, limit: Duration?, children: ChildWatcher, on loop: any EventLoop
    ) {
        self.command = command
        self.limit = limit
        self.children = children
        self.loop = loop
    }

    var count: Int { running.count }

    /// Begins a command; the body is written to the job. `ended` follows once, never before this
    /// returns.
    func start(
        _ message: TailMessage, ended: @escaping (_ end: ExecEnd, _ lastLine: String) -> Void
    ) -> ExecJob {
        let environment = inherited.merging(ExecEnvironment.variables(for: message)) { $1 }
        let job = ExecJob()
        running[ObjectIdentifier(job)] = job
        job.onEnded = { [unowned self] job, end in
            running[ObjectIdentifier(job)] = nil
            ended(end, job.lastLine.text)
        }
        do {
            let child = try FedChild(
                command, environment: environment, output: 1, children: children, on: loop)
            job.begin(child, limit: limit, on: loop)
        } catch {
            let text = error.text
            let bound = NIOLoopBound(job, eventLoop: loop)
            loop.execute { bound.value.fail(text) }
        }
        return job
    }

    /// Tells every command to go; the impatient follow with `killAll`.
    func terminateAll() { for job in running.values { job.signal(SIGTERM) } }
    func killAll() { for job in running.values { job.signal(SIGKILL) } }
}

/// One run of a command.
final class ExecJob {
    /// The command has taken so many bytes more of the body, or does not want them.
    var onTaken: ((Int) -> Void)?

    fileprivate var onEnded: ((ExecJob, ExecEnd) -> Void)?
    fileprivate var lastLine = LastLine()
    private var child: FedChild?
    private var limitTimer: Scheduled<Void>?
    private var overdue: Duration?

    func write(_ bytes: ByteBuffer) {
        if let child { child.write(bytes) } else { onTaken?(bytes.readableBytes) }
    }

    func finish() { child?.finish() }

    fileprivate func signal(_ number: CInt) { child?.signalGroup(number) }

    fileprivate func begin(_ child: FedChild, limit: Duration?, on loop: any EventLoop) {
        self.child = child
        child.onTaken = { [unowned self] in onTaken?($0) }
        child.onErrorOutput = { [unowned self] bytes in
            lastLine.append(bytes)
            RawOutput.write(Array(bytes.readableBytesView), to: 2)
        }
        child.onEnded = { [unowned self] in
            switch $0 {
            case _ where overdue != nil: end(.timedOut(overdue ?? .zero))
            case .status(let value): end(.status(value))
            case .signal(let number): end(.signal(number))
            }
        }
        guard let limit else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        limitTimer = loop.scheduleTask(in: .nanoseconds(Int64(limit.wholeNanoseconds))) {
            bound.value.expire(limit, on: loop)
        }
    }

    private func expire(_ limit: Duration, on loop: any EventLoop) {
        overdue = limit
        signal(SIGTERM)
        let bound = NIOLoopBound(self, eventLoop: loop)
        limitTimer = loop.scheduleTask(in: ExecRunner.grace) { bound.value.signal(SIGKILL) }
    }

    fileprivate func fail(_ text: String) { end(.notStarted(text)) }

    private func end(_ end: ExecEnd) {
        limitTimer?.cancel()
        child = nil
        onEnded?(self, end)
        onEnded = nil
    }
}

/// Remembers the last line with something on it, of any stream, in a bounded place.
struct LastLine {
    private static let limit = 512
    private var finished: [UInt8] = []
    private var current: [UInt8] = []

    mutating func append(_ bytes: ByteBuffer) {
        for byte in bytes.readableBytesView {
            if byte == 0x0A {
                if !current.allSatisfy({ $0 <= 0x20 }) { finished = current }
                current.removeAll(keepingCapacity: true)
            } else if current.count < Self.limit {
                current.append(byte)
            }
        }
    }

    var text: String {
        let line = current.allSatisfy { $0 <= 0x20 } ? finished : current
        let text = String(decoding: line, as: UTF8.self)
        return Log.harmless(text.trimmedSpace)
    }
}
