internal import CPlatform
internal import FTSLCore
internal import FTSLTransport
package import Glibc

/// A command run by `/bin/sh -c` in a process group of its own, with pipes for its standard
/// streams.
package struct ChildProcess {
    package struct SpawnFailure: Error {
        package var text: String
    }

    package let pid: pid_t
    /// Our ends; owned by the caller. The output is -1 where the child writes somewhere else.
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
            let pid = try start(command, environment, standard)
            for descriptor in standard where descriptor != given { close(descriptor) }
            return ChildProcess(
                pid: pid, standardInput: input.write, standardOutput: output?.read ?? -1,
                standardError: error.read)
        } catch {
            for descriptor in opened { close(descriptor) }
            throw error
        }
    }

    private static func pipe(
        _ opened: inout [CInt]
    ) throws(SpawnFailure) -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else {
            throw SpawnFailure(text: "cannot make a pipe: \(TransportFailure.text(of: errno))")
        }
        for descriptor in ends { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        opened += ends
        return (ends[0], ends[1])
    }

    /// No descriptor of ours may live on in a child: a connection would not end with this process.
    private static func keepPrivate() {
        guard let folder = opendir("/proc/self/fd") else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { atoi($0) }
            }
            if name > 2 { _ = fcntl(name, F_SETFD, FD_CLOEXEC) }
        }
    }

    private static func start(
        _ command: String, _ environment: [String: String], _ standard: [CInt]
    ) throws(SpawnFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in standard.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(number))
        }
        // Not every descriptor of ours is close-on-exec, and none is the command's business.
        _ = cplatform_spawn_close_from(&actions, 3)
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
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, CShort(flags))

        keepPrivate()
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

    package func signalGroup(_ number: CInt) { kill(-pid, number) }

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
