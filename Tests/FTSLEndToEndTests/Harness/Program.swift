import CPlatform
import Foundation

/// How a process ended.
enum ProcessEnd: Equatable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    var description: String {
        switch self {
        case .status(let status): "status \(status)"
        case .signal(let number): "signal \(number)"
        }
    }
}

/// What a program gets as standard input.
enum Input {
    case null
    case closed
    /// The test writes into `Program.input`.
    case pipe
    case file(String)
    case descriptor(Descriptor)
    /// The terminal of `Launch.terminal`.
    case terminal
}

/// What a program gets as standard output or standard error.
enum Output {
    case null
    case closed
    /// A thread collects it.
    case collected
    case file(String)
    case descriptor(Descriptor)
    case terminal
}

/// Everything a program starts with.
struct Launch {
    var path: String
    var arguments: [String] = []
    var environment: [String: String] = [:]
    var input: Input = .null
    var output: Output = .collected
    var errors: Output = .collected
    /// Further descriptors, by the number the program sees.
    var extra: [CInt: Descriptor] = [:]
    /// Makes this the controlling terminal of a new session.
    var terminal: PseudoTerminal?
}

/// A process that a test runs, watches and ends.
final class Program: @unchecked Sendable {
    let name: String
    let pid: pid_t
    /// Writes to its standard input, if that is a pipe.
    let input: Descriptor?
    let output: Collector?
    let errors: Collector?
    private let ended = Watched<ProcessEnd?>(nil)

    init(_ launch: Launch) throws {
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
        name =
            ([launch.path.split(separator: "/").last.map(String.init) ?? ""]
            + launch.arguments).joined(separator: " ")
        var wiring = Wiring()
        input = try wiring.input(launch.input)
        output = try wiring.output(launch.output, as: 1)
        errors = try wiring.output(launch.errors, as: 2)
        for (number, descriptor) in launch.extra { wiring.connect(descriptor, as: number) }
        pid = try Spawn.start(launch, wiring)
        Thread.detachNewThread { [pid, ended] in
            // Seen first and collected under the lock, so that no signal goes to a number that was
            // given away.
            var seen = siginfo_t()
            while waitid(P_PID, id_t(pid), &seen, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            ended.change { end in
                var status: CInt = 0
                waitpid(pid, &status, 0)
                let signal = status & 0x7F
                end = signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal)
            }
        }
    }

    /// Collects which descriptor becomes which, and keeps our copies of the child's ends until it
    /// has started.
    struct Wiring {
        var connected: [(number: CInt, descriptor: Descriptor)] = []
        var closed: [CInt] = []
        var terminals: [CInt] = []

        mutating func connect(_ descriptor: Descriptor, as number: CInt) {
            connected.append((number, descriptor))
        }

        mutating func input(_ input: Input) throws -> Descriptor? {
            switch input {
            case .null: connect(try Descriptor(opening: "/dev/null", O_RDONLY), as: 0)
            case .closed: closed.append(0)
            case .file(let path): connect(try Descriptor(opening: path, O_RDONLY), as: 0)
            case .descriptor(let descriptor): connect(descriptor, as: 0)
            case .terminal: terminals.append(0)
            case .pipe:
                let (read, write) = try Descriptor.pipe()
                connect(read, as: 0)
                return write
            }
            return nil
        }

        mutating func output(_ output: Output, as number: CInt) throws -> Collector? {
            switch output {
            case .null: connect(try Descriptor(opening: "/dev/null", O_WRONLY), as: number)
            case .closed: closed.append(number)
            case .file(let path):
                let flags = O_WRONLY | O_CREAT | O_TRUNC
                connect(try Descriptor(opening: path, flags), as: number)
            case .descriptor(let descriptor): connect(descriptor, as: number)
            case .terminal: terminals.append(number)
            case .collected:
                let (read, write) = try Descriptor.pipe()
                connect(write, as: number)
                return Collector(read)
            }
            return nil
        }
    }

    // MARK: Watching

    /// The end of it, if it has one.
    var end: ProcessEnd? { ended.current }

    /// Waits for its end.
    @discardableResult
    func wait(_ limit: Duration = .seconds(30)) throws -> ProcessEnd {
        guard let end = ended.wait(limit, for: { $0 }) else {
            throw TimeLimitExceeded(
                description: "\(name) did not end within \(limit)"
                    + "; stderr: \(errors?.text.suffix(2000) ?? "")")
        }
        return end
    }

    func signal(_ number: CInt) {
        ended.change { if $0 == nil { _ = kill(pid, number) } }
    }

    /// Kills it, if it still runs, and collects its remains.
    func destroy() {
        signal(SIGKILL)
        _ = try? wait(.seconds(10))
    }

    /// The largest resident memory it ever had, in bytes, while it runs.
    var peakMemory: Int? {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        else { return nil }
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first
            .flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// Processor time used so far, in the kernel's ticks.
    var processorTicks: Int {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.dropFirst(11).prefix(2).compactMap { Int($0) }.reduce(0, +)
    }

    /// The state letter that `ps` shows: `T` when stopped.
    var state: Character? {
        let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return stat?.split(separator: ")").last?.dropFirst().first
    }
}

/// posix_spawn with what the tests need from it.
enum Spawn {
    /// Held while a program starts, and while descriptors exist that are not yet marked as private.
    static let lock = NSLock()

    static func start(_ launch: Launch, _ wiring: Program.Wiring) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        prepare(&attributes, hasTerminal: launch.terminal != nil)
        for (number, descriptor) in wiring.connected {
            posix_spawn_file_actions_adddup2(&actions, descriptor.raw, number)
        }
        for number in wiring.closed { posix_spawn_file_actions_addclose(&actions, number) }
        if let terminal = launch.terminal {
            // The leader of a new session gets the first terminal it opens as its own.
            for number in wiring.terminals {
                posix_spawn_file_actions_addopen(&actions, number, terminal.path, O_RDWR, 0)
            }
        }
        // Other tests of this process have descriptors that are not marked as private.
        let given = wiring.connected.map(\.0) + wiring.terminals + [2]
        let code = cplatform_spawn_close_from(&actions, (given.max() ?? 2) + 1)
        guard code == 0 else { throw SystemFailure("cannot start \(launch.path)", code: code) }
        return try start(launch, &actions, &attributes)
    }

    private static func start(
        _ launch: Launch, _ actions: inout posix_spawn_file_actions_t,
        _ attributes: inout posix_spawnattr_t
    ) throws -> pid_t {
        var environment = ProcessInfo.processInfo.environment
        environment["CI"] = nil
        environment.merge(launch.environment) { $1 }
        var arguments: [UnsafeMutablePointer<CChar>?] =
            ([launch.path] + launch.arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var pid: pid_t = 0
        let code = lock.withLock {
            posix_spawnp(&pid, launch.path, &actions, &attributes, &arguments, &variables)
        }
        guard code == 0 else { throw SystemFailure("cannot start \(launch.path)", code: code) }
        return pid
    }

    /// What the test process ignores or blocks is no business of the program.
    private static func prepare(_ attributes: inout posix_spawnattr_t, hasTerminal: Bool) {
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let newSession: CInt = 0x80
        let group = hasTerminal ? newSession : CInt(POSIX_SPAWN_SETPGROUP)
        let flags = CInt(POSIX_SPAWN_SETSIGDEF) | CInt(POSIX_SPAWN_SETSIGMASK) | group
        posix_spawnattr_setflags(&attributes, CShort(flags))
    }
}
