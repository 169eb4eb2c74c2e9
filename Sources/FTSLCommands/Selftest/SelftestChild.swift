internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import Glibc

/// One command of this program as the self-test runs it; used by one thread.
final class SelftestChild {
    /// What its standard input or output is.
    enum Stream {
        case null
        case file(String)
        case pipe
    }

    let name: String
    private let pid: pid_t
    private let stage: SelftestStage
    /// Writes to its standard input, where that is a pipe; -1 when closed.
    private var input: CInt
    /// Reads its standard output, where that is a pipe.
    private let output: LineReader?
    /// Ends when the process ends.
    private let life: CInt
    private let ready: LineReader
    private let log: String
    /// Its exit status, or 128 and the number of the signal, once it was waited for.
    private(set) var status: CInt?
    private var isCollected = false

    private static let lifeNumber = 3
    /// For `--ready-fd`.
    static let readyNumber = 4

    init(
        _ words: [String], input: Stream, output: Stream, environment: [String: String],
        on stage: SelftestStage
    ) throws {
        name = words[0]
        self.stage = stage
        log = stage.path("log-\(UInt32.random(in: 0...UInt32.max))")
        var theirs: [CInt] = []
        var ours: [CInt] = []
        defer { for descriptor in theirs { close(descriptor) } }
        func pipe() throws -> (read: CInt, write: CInt) {
            var ends: [CInt] = []
            return try ChildProcess.pipe(&ends)
        }
        func connect(_ stream: Stream, isInput: Bool) throws {
            switch stream {
            case .null: theirs.append(open("/dev/null", O_RDWR | O_CLOEXEC))
            case .file(let path):
                let flags = isInput ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC
                theirs.append(open(path, flags | O_CLOEXEC, 0o600))
            case .pipe:
                let ends = try pipe()
                theirs.append(isInput ? ends.read : ends.write)
                ours.append(isInput ? ends.write : ends.read)
                return
            }
            ours.append(-1)
        }
        try connect(input, isInput: true)
        try connect(output, isInput: false)
        theirs.append(open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
        for _ in Self.lifeNumber...Self.readyNumber {
            let ends = try pipe()
            theirs.append(ends.write)
            ours.append(ends.read)
        }
        let command = (["/proc/\(getpid())/exe"] + words).map(CommandWords.quoted)
        let descriptors = theirs
        pid = try stage.spawned {
            try ChildProcess.start(
                "exec " + command.joined(separator: " "), environment: environment,
                descriptors: .list(descriptors))
        }
        self.input = ours[0]
        self.output = ours[1] < 0 ? nil : LineReader(ours[1])
        life = ours[2]
        ready = LineReader(ours[3])
    }

    deinit {
        // Of a part of the test that failed.
        if !isCollected { kill() }
        closeInput()
        close(life)
    }

    // MARK: Talking

    /// Writes a line that the pipe has room for.
    func say(_ line: String) throws {
        guard RawOutput.write(line + "\n", to: input) else { throw died("does not read on") }
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// The next line of its output; nil at the end.
    func line() throws -> String? {
        guard let output else { return nil }
        return try line(of: output)
    }

    /// What a listener writes to `--ready-fd`.
    func endpoint() throws -> String {
        guard let line = try line(of: ready) else { throw died("does not start") }
        return line
    }

    private func line(of reader: LineReader) throws -> String? {
        do {
            return try reader.line(stage.patience)
        } catch {
            throw died("said nothing in the time that there was")
        }
    }

    // MARK: Ending

    func kill() {
        stage.signal(pid, SIGKILL)
        collect()
    }

    @discardableResult
    private func collect() -> CInt {
        isCollected = true
        return stage.collect(pid)
    }

    /// Waits for its end, which must be a good one.
    func finish() throws {
        let status = try wait()
        if status != 0 { throw SelftestFailure(text: "\(name) ended with \(status)\(lastWords)") }
    }

    /// Stops a listener.
    func stop() throws {
        stage.signal(pid, SIGTERM)
        _ = try wait()
    }

    private func wait() throws -> CInt {
        var waiting = pollfd(fd: life, events: 0, revents: 0)
        while true {
            let count = poll(&waiting, 1, stage.patience)
            if count > 0 { break }
            if count == 0 { throw died("did not end in the time that there was") }
            guard errno == EINTR else { throw died("cannot be waited for") }
        }
        let end = collect()
        let status = end & 0x7F == 0 ? end >> 8 & 0xFF : 128 + end & 0x7F
        self.status = status
        return status
    }

    private func died(_ what: String) -> SelftestFailure {
        SelftestFailure(text: "\(name) \(what)\(lastWords)")
    }

    /// The last line that it wrote for people.
    private var lastWords: String {
        let line = (try? TextFile.lines(log))?.last { !$0.isEmpty }
        return line.map { ": \($0)" } ?? ""
    }
}

/// Lines of a pipe, waited for no longer than it was said.
final class LineReader {
    struct TimedOut: Error {}

    private let descriptor: CInt
    private var bytes: [UInt8] = []

    /// Takes the descriptor over.
    init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Nil at the end; `patience` is in milliseconds.
    func line(_ patience: CInt) throws(TimedOut) -> String? {
        var space = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let end = bytes.firstIndex(of: 0x0A) {
                defer { bytes.removeFirst(end + 1) }
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            var waiting = pollfd(fd: descriptor, events: CShort(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { throw TimedOut() }
            let count = read(descriptor, &space, space.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes.append(contentsOf: space[..<count])
        }
    }
}
