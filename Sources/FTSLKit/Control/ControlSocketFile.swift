internal import CPlatform
internal import FTSLCore
internal import FTSLTransport
internal import Glibc

/// A name taken by this process: a socket in the folder of control sockets, bound and listening.
///
/// The lock on the folder makes looking whether a socket is served, removing it and binding anew
/// one step for all listeners of this user.
struct ControlSocketFile {
    /// How long another listener may take for its own step.
    private static let patience: Duration = .seconds(1)

    let path: String
    let descriptor: CInt
    private let inode: UInt64

    init(_ path: String) throws(ControlFailure) {
        guard path.utf8.count <= UnixSocketFile.maxPath else {
            throw .refused("\(path) is too long for a socket")
        }
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let lock = try Self.lock(folder)
        defer { close(lock) }
        if UnixSocketFile.isServed(path) { throw .inUse }
        unlink(path)
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw Self.failure("make", path) }
        let isBound = UnixSocketFile.withAddress(path) { bind(descriptor, $0, $1) == 0 }
        guard isBound, chmod(path, 0o600) == 0, listen(descriptor, 64) == 0 else {
            let failure = Self.failure("make", path)
            close(descriptor)
            throw failure
        }
        self.path = path
        self.descriptor = descriptor
        inode = Self.inode(of: path) ?? 0
    }

    /// The socket that the last program of this process listened on.
    init(_ path: String, adopting descriptor: CInt) {
        self.path = path
        self.descriptor = descriptor
        inode = Self.inode(of: path) ?? 0
    }

    private static func lock(_ folder: String) throws(ControlFailure) -> CInt {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        let deadline = MonotonicClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EINTR || errno == EWOULDBLOCK, MonotonicClock.now < deadline else {
                defer { close(descriptor) }
                throw failure("lock", folder)
            }
            // Nothing else is to be done before the name is settled.
            usleep(2_000)
        }
        return descriptor
    }

    private static func inode(of path: String) -> UInt64? {
        var status = cplatform_status()
        return cplatform_lstat(path, &status) == 0 ? status.inode : nil
    }

    /// Removes the file, unless something else has its name by now.
    func remove() {
        if Self.inode(of: path) == inode { unlink(path) }
    }

    private static func failure(_ verb: String, _ path: String) -> ControlFailure {
        .refused("cannot \(verb) \(path): \(TransportFailure.text(of: errno))")
    }
}

/// Why there is no control socket.
package enum ControlFailure: Error, Equatable {
    /// A listener that lives has the name.
    case inUse
    case refused(String)
}
