package import FTSLCore
package import Glibc

/// The file of a Unix socket: it outlives a process that was killed, and says nothing about that.
package enum UnixSocketFile {
    package static var inUse: Failure {
        Failure(.local, .unreachable, TransportFailure.text(of: EADDRINUSE))
    }

    /// True when somebody accepts connections there, so that the path must not be taken over.
    package static func isServed(_ path: String) -> Bool {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let probe = socket(AF_UNIX, type, 0)
        guard probe >= 0 else { return false }
        defer { close(probe) }
        // Its queue is full: then somebody has one.
        return withAddress(path) { connect(probe, $0, $1) } == 0 || errno == EAGAIN
    }

    /// The longest path that an address holds, in bytes.
    package static let maxPath = 107

    /// Gives the address of a path to a call of the system.
    package static func withAddress<R>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { space in
            space.copyBytes(from: path.utf8.prefix(space.count - 1))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }
}
