internal import FTSLCore
internal import FTSLTransport
internal import Glibc

/// Tells the service manager that started this process how it is: datagrams to a socket that it
/// named, as in sd_notify(3).
package struct ServiceManager: Sendable {
    /// A path, or with `@` in front a name without a file.
    private let socket: String
    /// How often it wants to hear that this process lives, at most; nil: never.
    package let watchdog: Duration?

    package init?(
        _ variables: [String: String], pid: Int32
    ) {
        guard let socket = variables["NOTIFY_SOCKET"], let first = socket.utf8.first,
            first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            socket.utf8.count <= UnixSocketFile.maxPath
        else { return nil }
        self.socket = socket
        // Without a pid it is meant for whoever reads it.
        let isForUs = variables["WATCHDOG_PID"].map { $0 == "\(pid)" } ?? true
        let time = variables["WATCHDOG_USEC"].flatMap { Int64($0) }
        watchdog = isForUs ? time.flatMap { $0 > 0 ? .microseconds($0) : nil } : nil
    }

    /// Takes it out of the environment: what this process starts is not the service. Before there
    /// is a second thread. Nil: nobody wants to hear anything.
    package static func take() -> ServiceManager? {
        defer { for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) } }
        return ServiceManager(ChildProcess.environment, pid: getpid())
    }

    /// What the next program of this process is to find in its environment. [FTSL §12]
    package var environment: [String: String] {
        var variables = ["NOTIFY_SOCKET": socket]
        if let watchdog {
            variables["WATCHDOG_USEC"] = "\(watchdog.wholeNanoseconds / 1_000)"
        }
        return variables
    }

    /// Says assignments such as `READY=1`. A manager that does not listen is no reason to fail.
    package func tell(_ assignments: [String]) {
        let descriptor = Glibc.socket(
            AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array(assignments.joined(separator: "\n").utf8)
        withAddress { address, size in
            _ = sendto(
                descriptor, text, text.count,
                CInt(MSG_NOSIGNAL)
                    | CInt(MSG_DONTWAIT), address, size)
        }
    }

    /// A status is one line.
    package static func status(_ text: String) -> String {
        "STATUS=" + text.replacing("\n", with: " ")
    }

    /// What a reload begins with; it ends with `READY=1`.
    package static var reloading: [String] {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
        return ["RELOADING=1", "MONOTONIC_USEC=\(microseconds)"]
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Void) {
        guard socket.hasPrefix("@") else { return UnixSocketFile.withAddress(socket, body) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { space in
            space.copyBytes(from: socket.utf8)
            space[0] = 0
        }
        // The name has no end but its length.
        let size = MemoryLayout<sa_family_t>.size + socket.utf8.count
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }
}
