internal import FTSLCore
internal import FTSLKit
internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Why a part of the self-test could not go on.
struct SelftestFailure: Error {
    var text: String
}

/// Where the self-test works: a folder of its own, the processes it has started, and an end that
/// leaves neither.
final class SelftestStage: Sendable {
    let folder: String
    private let limit = Mutex(Instant.distantFuture)
    private let environment: [String: String]
    private let running = Mutex(Running())

    private struct Running {
        var pids: Set<pid_t> = []
        var isOver = false
        /// The signal that ended it early.
        var stoppedBy: CInt?
    }

    /// A Unix socket's path has 107 bytes, and the names below need some of them.
    private static let longestBase = 48

    init() throws(Ending) {
        let base = ChildProcess.environment["TMPDIR"] ?? ""
        let isUsable = base.hasPrefix("/") && base.utf8.count <= Self.longestBase
        let pattern = (isUsable ? base : "/tmp") + "/ftsl-selftest-XXXXXX"
        var template = Array(pattern.utf8CString)
        guard mkdtemp(&template) != nil else {
            let reason = String(cString: strerror(errno))
            throw Ending(.cannotCreate, "cannot make a folder like \(pattern): \(reason)")
        }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        environment = Self.environment(in: folder, from: ChildProcess.environment)
        for name in ["state", "config", "run"] { mkdir("\(folder)/\(name)", 0o700) }
    }

    /// What this user has set for `ftsl`, and what a service manager has told this process, is
    /// nothing to the processes of the test.
    static func environment(
        in folder: String, from variables: [String: String]
    ) -> [String: String] {
        var result = variables.filter { name, _ in
            !["FTSL_", "XDG_", "LISTEN_", "WATCHDOG_", "NOTIFY_"].contains { name.hasPrefix($0) }
        }
        result["HOME"] = folder
        result["XDG_STATE_HOME"] = "\(folder)/state"
        result["XDG_CONFIG_HOME"] = "\(folder)/config"
        result["XDG_RUNTIME_DIR"] = "\(folder)/run"
        return result
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// From now on nothing is waited for longer than this, all in all.
    func begin(_ limit: Duration) { self.limit.withLock { $0 = MonotonicClock.now + limit } }

    /// Milliseconds until the limit, for `poll`.
    var patience: CInt {
        let deadline = limit.withLock { $0 }
        return CInt(
            clamping: max(.zero, deadline.since(MonotonicClock.now)).wholeNanoseconds / 1_000_000)
    }

    // MARK: Processes

    /// Starts a command of this program.
    func start(
        _ words: [String], input: SelftestChild.Stream = .null,
        output: SelftestChild.Stream = .null
    ) throws -> SelftestChild {
        try SelftestChild(words, input: input, output: output, environment: environment, on: self)
    }

    /// Runs a command to its good end.
    func run(_ words: [String], output: SelftestChild.Stream = .null) throws {
        try start(words, output: output).finish()
    }

    /// A process is there, or could not be started.
    func spawned(_ start: () throws -> pid_t) throws -> pid_t {
        try running.withLock { running in
            guard !running.isOver else { throw SelftestFailure(text: "it was stopped") }
            let pid = try start()
            running.pids.insert(pid)
            return pid
        }
    }

    /// Nobody else's number is ever given a signal: a process is collected under the same lock.
    func signal(_ pid: pid_t, _ number: CInt) {
        running.withLock { if $0.pids.contains(pid) { kill(pid, number) } }
    }

    /// Waits for a process that is ending, and collects it.
    func collect(_ pid: pid_t) -> CInt {
        running.withLock { running in
            var status: CInt = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            running.pids.remove(pid)
            return status
        }
    }

    /// The signal that ended it before its time; nil: none has.
    var stoppedBy: CInt? { running.withLock { $0.stoppedBy } }

    /// Ends whatever still runs, and removes the folder.
    func end(by signal: CInt? = nil) {
        running.withLock { running in
            let first = running.stoppedBy ?? signal
            for pid in running.pids {
                // With what its service has started, in its process group.
                kill(-pid, SIGKILL)
                var status: CInt = 0
                while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            }
            running = Running(isOver: true, stoppedBy: first)
        }
        // Commands of a listener's that was killed may still be writing: then once more.
        for _ in 1...10 where FileStatus.exists(folder) {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }
}
