internal import CPlatform
internal import FTSLTransport
internal import Glibc

/// Files that decide who is trusted: private to this user, never reached through a link, replaced
/// whole.
package enum SecretFile {
    package struct Refused: Error, Equatable {
        package var text: String

        package init(text: String) { self.text = text }
    }

    /// The file's text; nil when there is none. Refuses what others could have written or read.
    ///
    /// A link is followed only to a file that somebody named, and then that file is looked at.
    package static func read(
        _ path: String, privately: Bool, followingLinks: Bool = false
    ) throws(Refused) -> String? {
        if !followingLinks { try checkFolder(of: path) }
        let link = followingLinks ? 0 : O_NOFOLLOW
        let descriptor = open(path, O_RDONLY | link | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0, errno == ENOENT { return nil }
        if descriptor < 0, errno == ELOOP {
            throw Refused(text: "\(path) is a symbolic link; it must be a file of its own")
        }
        guard descriptor >= 0 else {
            throw Refused(text: "cannot read \(path): \(TransportFailure.text(of: errno))")
        }
        defer { close(descriptor) }
        try check(descriptor, path, privately: privately)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Refused(text: "cannot read \(path): \(TransportFailure.text(of: errno))")
            }
            if count == 0 { break }
            bytes += chunk.prefix(count)
            guard bytes.count <= 16 << 20 else { throw Refused(text: "\(path) is too large") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func check(
        _ descriptor: CInt, _ path: String, privately: Bool
    ) throws(Refused) {
        var status = cplatform_status()
        guard cplatform_fstat(descriptor, &status) == 0, status.mode & S_IFMT == S_IFREG else {
            throw Refused(text: "\(path) is not a regular file")
        }
        guard status.owner == geteuid() else {
            throw Refused(text: "\(path) belongs to another user")
        }
        let forbidden: UInt32 = privately ? 0o077 : 0o022
        guard status.mode & forbidden == 0 else {
            let mode = String(status.mode & 0o777, radix: 8)
            let wanted = privately ? "0600" : "0644 or less"
            throw Refused(
                text: "\(path) has mode 0\(mode), which lets others in; it must be \(wanted): "
                    + "chmod \(privately ? "600" : "644") \(path)")
        }
    }

    /// Replaces the file whole: a reader sees the old text or the new one.
    package static func write(_ text: String, to path: String) throws(Refused) {
        try makeFolder(of: path)
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = open(temporary, flags, 0o600)
        guard descriptor >= 0 else { throw failure("write", path) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest.removeFirst(count)
        }
        let isSafe = rest.isEmpty && fsync(descriptor) == 0
        close(descriptor)
        guard isSafe, rename(temporary, path) == 0 else {
            let refused = failure("write", path)
            unlink(temporary)
            throw refused
        }
    }

    /// Reads, changes and replaces a file while no other `ftsl` does.
    package static func update<R>(
        _ path: String, privately: Bool,
        _ change: (String) throws(Refused) -> (text: String, result: R)
    ) throws(Refused) -> R {
        try makeFolder(of: path)
        let lock = open("\(path).lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw failure("lock", path) }
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("lock", path) }
        }
        let old = try read(path, privately: privately) ?? ""
        let (text, result) = try change(old)
        if text != old { try write(text, to: path) }
        return result
    }

    private static func makeFolder(of path: String) throws(Refused) {
        let parts = path.split(separator: "/").dropLast()
        var folder = path.hasPrefix("/") ? "" : "."
        for part in parts {
            folder += "/\(part)"
            if mkdir(folder, 0o700) != 0, errno != EEXIST { throw failure("create", folder) }
        }
        try checkFolder(of: path)
    }

    /// Whoever can rename files in the folder decides what they say.
    private static func checkFolder(of path: String) throws(Refused) {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let folder = end == path.startIndex ? "." : String(path[..<end])
        var status = cplatform_status()
        if cplatform_lstat(folder, &status) != 0 {
            if errno == ENOENT { return }
            throw failure("read", folder)
        }
        guard status.mode & S_IFMT == S_IFDIR else {
            throw Refused(text: "\(folder) is not a folder of its own")
        }
        guard status.owner == geteuid(), status.mode & 0o022 == 0 else {
            throw Refused(text: "\(folder) can be changed by others: chmod 700 \(folder)")
        }
    }

    private static func failure(_ verb: String, _ path: String) -> Refused {
        Refused(text: "cannot \(verb) \(path): \(TransportFailure.text(of: errno))")
    }
}
