#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// An advisory lock on a file of its own, held until it goes away or the process ends.
///
/// The file is never removed: somebody may be waiting for it. It holds the holder's process id,
/// for people; only the lock itself counts.
package final class FileLock: @unchecked Sendable {
    package let path: String
    private let descriptor: Int32

    /// Takes the lock at once or throws `.locked`. What is thrown here runs `deinit` too, which
    /// closes the descriptor: twice would close somebody else's.
    package init(_ path: String, of subject: String) throws {
        self.path = path
        descriptor = try Self.open(path)
        var isHeld = flock(descriptor, LOCK_EX | LOCK_NB) != 0
        while isHeld, errno == EINTR { isHeld = flock(descriptor, LOCK_EX | LOCK_NB) != 0 }
        guard !isHeld else {
            let holder = Self.holder(descriptor)
            let who = holder.map { "process \($0)" } ?? "another process"
            throw StoreFailure(
                .locked(by: holder), "\(subject) is in use by \(who): stop it, or ask it")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count
        else { throw Self.failure(path, "cannot be written") }
    }

    deinit {
        // A child of this process that has not become its program yet holds the descriptor, too.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Asks the holder to let go, if it watches; see `FileWatch`.
    package static func knock(_ path: String) throws {
        close(try open(path))
        guard utimensat(AT_FDCWD, path, nil, 0) == 0 else {
            throw failure(path, "cannot be touched")
        }
    }

    private static func open(_ path: String) throws -> Int32 {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        #if canImport(Darwin)
            let descriptor = Darwin.open(path, flags, 0o600)
        #else
            let descriptor = Glibc.open(path, flags, 0o600)
        #endif
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        return descriptor
    }

    private static func failure(_ path: String, _ what: String) -> StoreFailure {
        let error = errno
        let reason: StoreFailure.Reason =
            switch error {
            case ENOENT: .folderMissing
            case EACCES, EPERM, EROFS: .folderNotWritable
            case ELOOP: .isSymbolicLink
            case ENOSPC, EDQUOT: .diskFull
            default: .inputOutput
            }
        return StoreFailure(reason, "\(path) \(what): \(String(cString: strerror(error)))")
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: text[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
