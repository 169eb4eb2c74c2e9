internal import CPlatform
internal import FTSLCore
internal import FTSLTransport
package import Glibc
internal import NIOCore

/// A command run by `/bin/sh -c` in a process group of its own, with pipes for its standard
/// streams.
package struct ChildProcess {
    package struct SpawnFailure: Error {
        package var text: String

        init(text: String) { self.text = text }

        /// With the reason that the last system call gave.
        init(doing what: String) {
            text = "cannot \(what): \(TransportFailure.text(of: errno))"
        }
    }

    /// 0: it has ended and was reaped, and only what it wrote is left.
    package let pid: pid_t
    /// Our ends; owned by the caller. -1 where the child has something else than a pipe to us.
    package let standardInput: CInt
    package let standardOutput: CInt
    package let standardError: CInt

    /// How a process ended.
    package enum End: Equatable, Sendable {
        case status(UInt8)
        case signal(UInt8)
    }

    /// - Parameter output: what the child's standard output is; a pipe to us unless given.
    package static func spawn(
        _ command: String, environment: [String: String], output given: CInt? = nil
    ) throws(SpawnFailure) -> ChildProcess {
        var opened: [CInt] = []
        do {
            let input = try pipe(&opened)
            let error = try pipe(&opened)
            let output = given == nil ? try pipe(&opened) : nil
            let standard = [input.read, output?.write ?? given ?? -1, error.write]
            let pid = try start(command, environment: environment, descriptors: .list(standard))
            for descriptor in standard where descriptor != given { close(descriptor) }
            return ChildProcess(
                pid: pid, standardInput: input.write, standardOutput: output?.read ?? -1,
                standardError: error.read)
        } catch {
            for descriptor in opened { close(descriptor) }
            throw error
        }
    }

    package static func pipe(
        _ opened: inout [CInt]
    ) throws(SpawnFailure) -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else {
            throw SpawnFailure(doing: "make a pipe")
        }
        for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        opened += ends
        return (ends[0], ends[1])
    }

    /// What a command has as its descriptors 0, 1, 2 and so on; it has no others.
    package enum Descriptors {
        case list([CInt])
        /// The terminal of this path is all three, and the command's own.
        case terminal(String)
    }

    /// Starts a command.
    package static func start(
        _ command: String, environment: [String: String], descriptors: Descriptors
    ) throws(SpawnFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        switch descriptors {
        case .list(let list): return try start(command, environment, list, &actions)
        case .terminal(let path):
            // Without O_NOCTTY: it becomes the terminal of the session that the child begins.
            posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
            for number: CInt in [1, 2] { posix_spawn_file_actions_adddup2(&actions, 0, number) }
            try closeOthers(from: 3, &actions)
            return try start(command, environment, &actions, ownSession: true)
        }
    }

    private static func start(
        _ command: String, _ environment: [String: String], _ descriptors: [CInt],
        _ actions: inout posix_spawn_file_actions_t
    ) throws(SpawnFailure) -> pid_t {
        let count = CInt(descriptors.count)
        var copies: [CInt] = []
        defer { for copy in copies { close(copy) } }
        for (number, descriptor) in descriptors.enumerated() {
            var source = descriptor
            // One that has a number of the command's would be overwritten before its turn.
            if source >= 0, source < count {
                source = fcntl(source, F_DUPFD_CLOEXEC, count)
                guard source >= 0 else { throw SpawnFailure(doing: "use a descriptor") }
                copies.append(source)
            }
            posix_spawn_file_actions_adddup2(&actions, source, CInt(number))
        }
        try closeOthers(from: count, &actions)
        return try start(command, environment, &actions, ownSession: false)
    }

    /// Not every descriptor of ours is close-on-exec, and none may live on in a child: a connection
    /// would not end with this process.
    private static func closeOthers(
        from first: CInt, _ actions: inout posix_spawn_file_actions_t
    ) throws(SpawnFailure) {
        let code = cplatform_spawn_close_from(&actions, first)
        guard code == 0 else {
            throw SpawnFailure(text: "cannot start /bin/sh: \(TransportFailure.text(of: code))")
        }
    }

    private static func start(
        _ command: String, _ environment: [String: String],
        _ actions: inout posix_spawn_file_actions_t, ownSession: Bool
    ) throws(SpawnFailure) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this process ignores or blocks is no business of the command.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        var flags = CShort(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
        // Who begins a session leads a process group of it.
        flags |= ownSession ? cplatform_spawn_in_session() : CShort(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(&attributes, flags)

        var pid = pid_t()
        let arguments = ["/bin/sh", "-c", command]
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let code = withCStrings(arguments) { argv in
            withCStrings(variables) { envp in
                DescriptorLimit.withInherited {
                    posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv, envp)
                }
            }
        }
        guard code == 0 else {
            throw SpawnFailure(text: "cannot start /bin/sh: \(TransportFailure.text(of: code))")
        }
        return pid
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        var pointers = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("never empty") }
            return body(base)
        }
    }

    /// Bytes in a pipe that nobody has read.
    package static func unread(in pipe: CInt) -> Int {
        var count: CInt = 0
        guard ioctl(pipe, UInt(FIONREAD), &count) == 0 else { return 0 }
        return Int(count)
    }

    /// Up to so many bytes that are there now.
    static func read(_ count: Int, from descriptor: CInt) -> ByteBuffer {
        var bytes = ByteBuffer()
        while bytes.readableBytes < count {
            let left = count - bytes.readableBytes
            var got = 0
            bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: left) { space in
                got = Glibc.read(descriptor, space.baseAddress, left)
                return max(0, got)
            }
            if got < 0, errno == EINTR { continue }
            if got <= 0 { break }
        }
        return bytes
    }

    package func signalGroup(_ number: CInt) { if pid > 0 { kill(-pid, number) } }

    /// Only the shell, and not what it runs.
    package func signal(_ number: CInt) { if pid > 0 { kill(pid, number) } }

    /// A child of this process that has ended and is not reaped yet, of whoever's; it stays so.
    static func ended() -> pid_t? {
        var found = siginfo_t()
        guard waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) == 0 else { return nil }
        let pid = found._sifields._sigchld.si_pid
        return pid == 0 ? nil : pid
    }

    /// The end of a child of ours, if it has one; reaps it.
    package static func reap(_ pid: pid_t) -> End? {
        var status: CInt = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signalNumber = status & 0x7F
        if signalNumber == 0 { return .status(UInt8((status >> 8) & 0xFF)) }
        return .signal(UInt8(signalNumber))
    }

    /// The environment of this process.
    package static var environment: [String: String] {
        var result: [String: String] = [:]
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            cursor += 1
        }
        return result
    }
}
