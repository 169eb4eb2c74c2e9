package import FTSLTransport
internal import Glibc

/// The listening socket that a service manager hands over, as in sd_listen_fds(3).
package struct SocketActivation: Sendable {
    package struct Refused: Error, Equatable {
        package var text: String
    }

    /// Owned by whoever has this.
    package let descriptor: CInt
    package let endpoint: Endpoint

    /// The first one that is handed over.
    private static let first: CInt = 3

    /// Takes it out of the environment, before there is a second thread. Nil: there is none.
    package static func take() throws(Refused) -> SocketActivation? {
        let variables = ChildProcess.environment
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) } }
        guard try count(variables, pid: getpid()) == 1 else { return nil }
        _ = fcntl(first, F_SETFD, FD_CLOEXEC)
        var isListening: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(first, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0,
            isListening != 0, let endpoint = Endpoint(ofSocket: first)
        else {
            throw Refused(
                text: "descriptor \(first) from the service manager is not a listening stream "
                    + "socket; its socket unit needs ListenStream=")
        }
        return SocketActivation(descriptor: first, endpoint: endpoint)
    }

    /// How many sockets are meant for this process: none or one.
    package static func count(
        _ variables: [String: String], pid: Int32
    ) throws(Refused) -> Int {
        guard let count = variables["LISTEN_FDS"].flatMap({ Int($0) }),
            variables["LISTEN_PID"] == "\(pid)", count > 0
        else { return 0 }
        guard count == 1 else {
            throw Refused(
                text: "the service manager hands over \(count) sockets; a listener has one "
                    + "endpoint, so its socket unit needs one ListenStream=")
        }
        return count
    }
}
