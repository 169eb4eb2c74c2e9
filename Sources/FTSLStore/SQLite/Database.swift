internal import CSQLite

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// One connection to a SQLite file; used by one thread at a time.
package final class Database {
    package enum Access {
        /// Every commit is on the disk when it returns.
        case writing
        /// Reads what others write, and never changes a row.
        case reading
    }

    package let path: String
    let handle: OpaquePointer
    /// Pages in the write-ahead log after the last commit of this connection.
    private(set) var logPages: Int32 = 0
    /// The log only grows: somebody copies it.
    var keepsLog = false
    private var cached: [String: Statement] = [:]

    /// Opens an existing or new file.
    ///
    /// Page size 4,096: a commit of one small message rewrites three or four pages, so larger ones
    /// would write more. No memory map: a read error must be an error, not SIGBUS.
    package init(_ path: String, _ access: Access, cacheKiB: Int = 16_384) throws {
        var handle: OpaquePointer?
        let flags =
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
            | (access == .writing ? SQLITE_OPEN_CREATE : 0)
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard let handle else { throw StoreFailure(.outOfMemory, "no memory to open \(path)") }
        self.path = path
        self.handle = handle
        guard code == SQLITE_OK else { throw failure("opening it") }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_handler(handle, { _, tries in Database.waitForOthers(tries) }, nil)
        for pragma in [
            "cache_size=-\(cacheKiB)", "mmap_size=0", "foreign_keys=OFF", "trusted_schema=OFF",
            "secure_delete=OFF", "temp_store=MEMORY", "journal_size_limit=67108864",
        ] {
            try execute("PRAGMA \(pragma)")
        }
        if access == .reading {
            try execute("PRAGMA query_only=ON")
        }
    }

    deinit {
        cached = [:]
        sqlite3_close_v2(handle)
    }

    /// Write-ahead logging and a commit that waits for the disk; both are read back, for a
    /// connection that says it cannot must not be written to.
    package func makeDurable() throws {
        guard try text("PRAGMA journal_mode=WAL") == "wal" else {
            throw StoreFailure(.notDurable, "\(path): the file system has no write-ahead logging")
        }
        try execute("PRAGMA synchronous=FULL")
        // The writer checkpoints itself, after the answers are out: no commit waits for it.
        try execute("PRAGMA wal_autocheckpoint=0")
        guard try isDurable() else {
            throw StoreFailure(.notDurable, "\(path): the database refuses synchronous=FULL")
        }
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<Database>.fromOpaque(context).takeUnretainedValue().logPages = pages
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// What the connection says now.
    package func isDurable() throws -> Bool { try integer("PRAGMA synchronous") >= 2 }

    /// Sleeps 1 to 10 ms a time, up to about 50 s: a commit takes far less, and of many writers
    /// none starves while the others make progress.
    private static func waitForOthers(_ tries: Int32) -> Int32 {
        guard tries < 5_000 else { return 0 }
        usleep(UInt32.random(in: 1_000...min(10_000, 2_000 + UInt32(tries) * 500)))
        return 1
    }

    // MARK: Statements

    func prepare(_ sql: String) throws -> Statement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(sql) }
        return Statement(statement, of: self)
    }

    /// A statement that is prepared once; for the texts of the source, which are few.
    func statement(_ sql: String) throws -> Statement {
        if let known = cached[sql] { return known }
        let statement = try prepare(sql)
        // The statement does not keep the connection alive: it would never be closed.
        cached[sql] = statement
        return statement
    }

    package func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
    }

    /// The first column of the first row.
    package func integer(_ sql: String) throws -> Int64 {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : 0
    }

    package func text(_ sql: String) throws -> String {
        let statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : ""
    }

    // MARK: Transactions

    func begin() throws { try statement("BEGIN IMMEDIATE").run() }

    func commit() throws {
        do {
            try statement("COMMIT").run()
        } catch {
            rollback()
            throw error
        }
    }

    /// Does nothing when SQLite rolled back itself, as it does when a disk is full.
    func rollback() {
        guard sqlite3_get_autocommit(handle) == 0 else { return }
        sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
    }

    package func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try begin()
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            rollback()
            throw error
        }
    }

    /// Moves the log into the file when it has grown; what a reader or a full disk hinders is
    /// done the next time.
    func checkpoint(above pages: Int32) {
        guard logPages > pages, !keepsLog else { return }
        checkpoint()
    }

    /// Moves as much of the log into the file as others allow; what cannot be is done later.
    func checkpoint() {
        sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    }

    var changes: Int { Int(sqlite3_changes(handle)) }

    // MARK: Failures

    func failure(_ doing: String) -> StoreFailure {
        let code = sqlite3_extended_errcode(handle)
        let errno = sqlite3_system_errno(handle)
        let what = String(cString: sqlite3_errmsg(handle))
        return StoreFailure(Self.reason(code, errno), "\(path): \(what) (\(code), \(doing))")
    }

    private static func reason(_ code: Int32, _ errno: Int32) -> StoreFailure.Reason {
        switch code & 0xFF {
        case SQLITE_FULL: .diskFull
        case SQLITE_IOERR where errno == ENOSPC || errno == EDQUOT: .diskFull
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        case SQLITE_CORRUPT: .damaged
        case SQLITE_NOTADB: .notADatabase
        case SQLITE_READONLY, SQLITE_PERM: .readOnly
        case SQLITE_CANTOPEN where errno == ENOSPC || errno == EDQUOT: .diskFull
        case SQLITE_IOERR, SQLITE_CANTOPEN: .inputOutput
        case SQLITE_NOMEM: .outOfMemory
        default: .misuse
        }
    }
}
