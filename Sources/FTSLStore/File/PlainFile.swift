internal import NIOCore

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A file of the store's own that no database connection has open; closed when it goes away.
final class PlainFile {
    enum Opening {
        /// Mode 0600; throws when there is one.
        case new
        case existing
    }

    let path: String
    private let descriptor: Int32

    init(_ path: String, _ opening: Opening) throws {
        self.path = path
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (opening == .new ? O_CREAT | O_EXCL : 0)
        #if canImport(Darwin)
            descriptor = Darwin.open(path, flags, 0o600)
        #else
            descriptor = Glibc.open(path, flags, 0o600)
        #endif
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be opened") }
    }

    deinit { close(descriptor) }

    var byteCount: UInt64 {
        get throws {
            let end = lseek(descriptor, 0, SEEK_END)
            guard end >= 0 else { throw Self.failure(path, "cannot be measured") }
            return UInt64(end)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(
                descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, "cannot be written") }
            done += count
        }
    }

    /// Fewer bytes than wanted only at the end.
    func read(at offset: UInt64, maxBytes: Int) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: maxBytes)
        while buffer.readableBytes < maxBytes {
            let start = off_t(offset) + off_t(buffer.readableBytes)
            let wanted = maxBytes - buffer.readableBytes
            var count = 0
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { room in
                count = pread(descriptor, room.baseAddress, wanted, start)
                return max(0, count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure(path, "cannot be read") }
            if count == 0 { break }
        }
        return buffer
    }

    func truncate(to count: UInt64) throws {
        guard ftruncate(descriptor, off_t(count)) == 0 else {
            throw Self.failure(path, "cannot be cut")
        }
    }

    /// On the disk when it returns; its name only with its folder.
    func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw Self.failure(path, "cannot be synced") }
    }

    /// Zeros over everything, on the disk, and then the name goes. On a file system that never
    /// writes in place the old bytes stay until it uses their room again.
    func erase() throws {
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        let end = try byteCount
        for offset in stride(from: 0, to: end, by: zeros.count) {
            try zeros.withUnsafeBytes { zeros in
                let count = Int(min(UInt64(zeros.count), end - offset))
                try write(UnsafeRawBufferPointer(rebasing: zeros[..<count]), at: offset)
            }
        }
        try synchronize()
        try Self.remove(path)
    }

    // MARK: Names

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Nothing when it is not there.
    static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw failure(path, "cannot be removed")
        }
    }

    /// Takes the place of what is there; on the disk when it returns.
    static func rename(_ path: String, to new: String) throws {
        #if canImport(Darwin)
            let code = Darwin.rename(path, new)
        #else
            let code = Glibc.rename(path, new)
        #endif
        guard code == 0 else { throw failure(path, "cannot become \(new)") }
        try StoreFile.synchronize(StoreFile.folder(of: new))
    }

    /// Names of a folder that begin with a prefix, in their order.
    static func names(in folder: String, prefix: String) throws -> [String] {
        guard let entries = opendir(folder) else { throw failure(folder, "cannot be listed") }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(prefix) { names.append(name) }
        }
        return names.sorted()
    }

    static func failure(_ path: String, _ what: String) -> StoreFailure {
        let error = errno
        let reason: StoreFailure.Reason =
            switch error {
            case ENOENT: .missing
            case EACCES, EPERM, EROFS: .folderNotWritable
            case ELOOP: .isSymbolicLink
            case ENOSPC, EDQUOT: .diskFull
            default: .inputOutput
            }
        return StoreFailure(reason, "\(path) \(what): \(String(cString: strerror(error)))")
    }
}
