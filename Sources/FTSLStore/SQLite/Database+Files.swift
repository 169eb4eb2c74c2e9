internal import CSQLite
internal import NIOCore

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The bytes of a connection's files, read through the connection itself: closing any other
/// descriptor of them would drop SQLite's locks of this whole process.
extension Database {
    enum File {
        case database
        /// Only while the connection has looked into the database.
        case log

        fileprivate var operation: Int32 {
            switch self {
            case .database: SQLITE_FCNTL_FILE_POINTER
            case .log: SQLITE_FCNTL_JOURNAL_POINTER
            }
        }
    }

    func byteCount(_ file: File) throws -> UInt64 {
        try withFile(file) { file, methods in
            var count: sqlite3_int64 = 0
            return (methods.xFileSize(file, &count), UInt64(count))
        }
    }

    /// Fewer bytes than wanted only at the end.
    func read(_ file: File, at offset: UInt64, maxBytes: Int) throws -> ByteBuffer {
        let end = try byteCount(file)
        let count = Int(min(UInt64(maxBytes), end - min(end, offset)))
        guard count > 0 else { return ByteBuffer() }
        return try withFile(file) { file, methods in
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            var code = SQLITE_OK
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                code = methods.xRead(
                    file, room.baseAddress, Int32(count), sqlite3_int64(offset))
                return count
            }
            return (code, buffer)
        }
    }

    private func withFile<Result>(
        _ which: File,
        _ body: (UnsafeMutablePointer<sqlite3_file>, sqlite3_io_methods) -> (Int32, Result)
    ) throws -> Result {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let found = sqlite3_file_control(handle, "main", which.operation, &file)
        guard found == SQLITE_OK, let file, let methods = file.pointee.pMethods else {
            throw StoreFailure(.misuse, "\(path) has no \(which)")
        }
        let (code, result) = body(file, methods.pointee)
        guard code == SQLITE_OK else {
            throw StoreFailure(.inputOutput, "\(path): its \(which) cannot be read (\(code))")
        }
        return result
    }

    /// True when its path names another file now, or none.
    var hasMoved: Bool {
        var moved: Int32 = 0
        let code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved)
        return code == SQLITE_OK && moved != 0
    }

    /// Committed frames in the log, whoever wrote them.
    ///
    /// SQLite tells them with a checkpoint that waits for nobody; it moves into the file what no
    /// reader needs from the log, and leaves the log as it is.
    func committedFrames() throws -> UInt64 {
        for _ in 0..<5_000 {
            var frames: Int32 = -1
            let code = sqlite3_wal_checkpoint_v2(
                handle, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, nil)
            if code == SQLITE_OK, frames >= 0 { return UInt64(frames) }
            guard code == SQLITE_BUSY || code == SQLITE_OK else { throw failure("checkpoint") }
            usleep(1_000)
        }
        throw StoreFailure(.busy, "\(path): others move its log into the file all the time")
    }
}
