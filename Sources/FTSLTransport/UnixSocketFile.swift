package import FTSLCore
internal import Glibc

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
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { space in
            space.copyBytes(from: path.utf8.prefix(space.count - 1))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, size) }
        }
        // Its queue is full: then somebody has one.
        return code == 0 || errno == EAGAIN
    }
}
