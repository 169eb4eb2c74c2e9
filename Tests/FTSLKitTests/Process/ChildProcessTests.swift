import Glibc
import Testing

import FTSLKit

@Suite(.serialized)
struct ChildProcessTests {
    private func run(
        _ command: String, environment: [String: String] = ChildProcess.environment
    ) throws -> (ChildProcess, String) {
        let child = try ChildProcess.spawn(command, environment: environment)
        close(child.standardInput)
        defer {
            close(child.standardOutput)
            close(child.standardError)
        }
        let text = String(decoding: try Raw.readAll(child.standardOutput), as: UTF8.self)
        return (child, text)
    }

    private func end(of child: ChildProcess) throws -> ChildProcess.End {
        let limit = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < limit {
            if let end = ChildProcess.reap(child.pid) { return end }
            usleep(500)
        }
        throw SystemTrouble(call: "waitpid", code: ETIMEDOUT)
    }

    @Test("Signals that we ignore or block are none of a command's business")
    func signals() throws {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, SIG_DFL) }
        var blocked = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGUSR1)
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        defer { pthread_sigmask(SIG_UNBLOCK, &blocked, nil) }
        let (_, text) = try run("grep -E '^Sig(Ign|Blk)' /proc/self/status")
        let values = text.split(separator: "\n").compactMap {
            UInt64($0.split(separator: "\t").last ?? "", radix: 16)
        }
        // glibc ignores two signals of its own (32 and 33) in every child.
        #expect(values.map { $0 & ~(3 << 31) } == [0, 0])
    }

    @Test("A command leads a process group of its own, and a signal reaches all of it")
    func group() throws {
        let child = try ChildProcess.spawn(
            "sleep 100 & cut -d' ' -f5 /proc/self/stat; wait",
            environment: ["PATH": "/usr/bin:/bin"])
        defer {
            for descriptor in [child.standardInput, child.standardError] { close(descriptor) }
        }
        var line = [UInt8](repeating: 0, count: 64)
        let count = read(child.standardOutput, &line, line.count)
        let text = String(decoding: line[..<max(0, count)], as: UTF8.self)
        #expect(Int32(text.dropLast()) == child.pid)
        child.signalGroup(SIGTERM)
        #expect(try end(of: child) == .signal(UInt8(SIGTERM)))
        // The sleeper held the pipe open: its end shows that it is gone too.
        #expect(try Raw.readAll(child.standardOutput).isEmpty)
        close(child.standardOutput)
    }

    @Test("A command has its three standard streams and no descriptor of ours")
    func descriptors() throws {
        let secret = open("/dev/null", O_RDONLY)  // without FD_CLOEXEC
        defer { close(secret) }
        let (child, text) = try run("echo /proc/self/fd/*")
        let names = text.split(whereSeparator: \.isWhitespace).map { $0.split(separator: "/").last }
        #expect(Set(names) == ["0", "1", "2", "3"], "3 is the folder being listed")
        #expect(try end(of: child) == .status(0))
    }

    @Test("How a command ended is told: a status, a signal, once")
    func ends() throws {
        let (seven, _) = try run("exit 7")
        #expect(try end(of: seven) == .status(7))
        #expect(ChildProcess.reap(seven.pid) == nil)
        let (killed, _) = try run("kill -KILL $$")
        #expect(try end(of: killed) == .signal(9))
    }

    @Test("A child's end is told, though one that nobody asks for ended before it")
    func hidden() throws {
        let loop = TestLoop()
        let (foreign, _) = try run("exit 0")
        let (own, _) = try run("exit 3")
        for child in [foreign, own] {
            var ended = siginfo_t()
            #expect(waitid(P_PID, id_t(child.pid), &ended, WEXITED | WNOWAIT) == 0)
        }
        let ends = try loop.run {
            var ends: [ChildProcess.End] = []
            let watcher = ChildWatcher(on: loop.loop)
            watcher.watch(own.pid, on: loop.loop) { ends.append($0) }
            watcher.check()
            return ends
        }
        #expect(ends == [.status(3)])
        #expect(ChildProcess.reap(foreign.pid) == .status(0), "it is left to whom it belongs")
    }

    @Test("Bytes that nobody has read are counted in the pipe")
    func unread() throws {
        let pipe = try Pipe()
        #expect(ChildProcess.unread(in: pipe.write) == 0)
        try Raw.writeAll([1, 2, 3, 4, 5], to: pipe.write)
        #expect(ChildProcess.unread(in: pipe.write) == 5)
        var two: [UInt8] = [0, 0]
        #expect(read(pipe.read, &two, 2) == 2)
        #expect(ChildProcess.unread(in: pipe.write) == 3)
        #expect(ChildProcess.unread(in: -1) == 0)
    }

    @Test("We take all descriptors we can get; a command gets the limit it would have had")
    func limit() throws {
        var before = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before)
        var lower = rlimit(rlim_cur: min(1_000, before.rlim_cur), rlim_max: before.rlim_max)
        // What the process began with is noted when it is first asked for.
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &lower)
        defer { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &before) }
        let inherited = DescriptorLimit.inherited
        #expect(DescriptorLimit.raise() == Int(before.rlim_max))
        let (_, text) = try run("ulimit -S -n")
        #expect(text == "\(inherited)\n")
        var after = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &after)
        #expect(after.rlim_cur == before.rlim_max, "ours is raised again")
    }
}
