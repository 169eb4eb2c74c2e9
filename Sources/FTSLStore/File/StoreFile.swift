#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What a store's file is, and how files of older versions become it.
struct Schema {
    /// Marks the file as ours, in SQLite's header.
    let applicationID: Int64
    /// For people: "an inbox".
    let name: String
    /// Entry n brings a file of version n to n + 1; entries are never changed, only added.
    let migrations: [String]
}

/// Opening a store's file: what may be wrong with it has a name.
enum StoreFile {
    /// Opens the file for writing; makes it when it is not there.
    static func open(_ path: String, _ schema: Schema) throws -> Database {
        try check(path, mayBeMissing: true)
        let database = try Database(path, .writing)
        try checkOwner(database, schema)
        try checkPlace(database)
        try retrying { try database.makeDurable() }
        try migrate(database, schema)
        return database
    }

    /// Opens a file that is there for reading, whoever writes it.
    static func inspect(_ path: String, _ schema: Schema, cacheKiB: Int = 4_096) throws -> Database
    {
        try check(path, mayBeMissing: false)
        let database = try Database(path, .reading, cacheKiB: cacheKiB)
        try checkOwner(database, schema)
        try checkPlace(database)
        let version = try database.integer("PRAGMA user_version")
        // Made, and then its maker was killed or the power went.
        if version == 0 { throw StoreFailure(.missing, "\(path) holds nothing yet") }
        guard version == schema.migrations.count else {
            throw StoreFailure(
                .busy, "\(path) has an older version: start what uses it once, to bring it up")
        }
        return database
    }

    // MARK: The file

    /// Never opens an existing file: closing any descriptor of it would drop SQLite's locks of
    /// this whole process.
    private static func check(_ path: String, mayBeMissing: Bool) throws {
        let folder = Self.folder(of: path)
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw StoreFailure(.folderMissing, "\(folder) is no folder: make it first")
        }
        if lstat(path, &status) != 0 {
            guard mayBeMissing else { throw StoreFailure(.missing, "\(path) does not exist") }
            try create(path, in: folder)
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw StoreFailure(.isFolder, "\(path) is a folder: name a file in it")
        case S_IFLNK:
            throw StoreFailure(.isSymbolicLink, "\(path) is a symbolic link: name its target")
        default: throw StoreFailure(.notADatabase, "\(path) is no file")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw StoreFailure(
                .tooWide, "\(path) has mode \(mode), others may use it: chmod 600 it")
        }
        guard access(path, R_OK | W_OK) == 0 else {
            throw StoreFailure(.readOnly, "\(path) cannot be written: \(describe(errno))")
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            throw StoreFailure(
                .folderNotWritable, "\(folder) cannot be written: \(describe(errno))")
        }
    }

    private static func create(_ path: String, in folder: String) throws {
        #if canImport(Darwin)
            let made = Darwin.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #else
            let made = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #endif
        // Another process may make it at the same moment.
        if made < 0, errno == EEXIST { return }
        guard made >= 0 else {
            let reason: StoreFailure.Reason =
                switch errno {
                case ENOSPC, EDQUOT: .diskFull
                case EACCES, EPERM, EROFS: .folderNotWritable
                default: .inputOutput
                }
            throw StoreFailure(reason, "\(path) cannot be made: \(describe(errno))")
        }
        close(made)
        try synchronize(folder)
    }

    /// The name of a new file is on the disk only when its folder is.
    static func synchronize(_ folder: String) throws {
        #if canImport(Darwin)
            let descriptor = Darwin.open(folder, O_RDONLY | O_CLOEXEC)
        #else
            let descriptor = Glibc.open(folder, O_RDONLY | O_CLOEXEC)
        #endif
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 || errno == EINVAL else {
            throw StoreFailure(.inputOutput, "\(folder) cannot be synced: \(describe(errno))")
        }
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func describe(_ error: Int32) -> String { String(cString: strerror(error)) }

    // MARK: Its contents

    private static func checkOwner(_ database: Database, _ schema: Schema) throws {
        let path = database.path
        let found: Int64
        do {
            found = try database.integer("PRAGMA application_id")
        } catch let failure as StoreFailure where failure.reason == .notADatabase {
            throw StoreFailure(.notADatabase, "\(path) is not \(schema.name), but other data")
        }
        let version = try database.integer("PRAGMA user_version")
        let isEmpty = try database.integer("SELECT count(*) FROM sqlite_schema") == 0
        guard found == schema.applicationID || (found == 0 && version == 0 && isEmpty) else {
            throw StoreFailure(.notOurs, "\(path) is a database, but not \(schema.name)")
        }
        guard version <= schema.migrations.count else {
            throw StoreFailure(
                .tooNew,
                "\(path) has version \(version), this program knows \(schema.migrations.count): "
                    + "use the newer program")
        }
    }

    /// A file that another took the place of while it was opened shares its log's name with that.
    private static func checkPlace(_ database: Database) throws {
        guard database.hasMoved else { return }
        throw StoreFailure(.busy, "\(database.path) was replaced just now: try again")
    }

    private static func migrate(_ database: Database, _ schema: Schema) throws {
        let current = Int64(schema.migrations.count)
        guard try database.integer("PRAGMA user_version") < current else { return }
        try database.transaction {
            // Another process may have been faster.
            let version = try database.integer("PRAGMA user_version")
            for migration in schema.migrations[Int(version)...] {
                try database.execute(migration)
            }
            try database.execute("PRAGMA application_id=\(schema.applicationID)")
            try database.execute("PRAGMA user_version=\(current)")
        }
    }

    /// Changing the journal mode is the one statement for which SQLite does not wait its turn.
    private static func retrying(_ body: () throws -> Void) throws {
        for _ in 0..<400 {
            do {
                return try body()
            } catch let failure as StoreFailure where failure.reason == .busy {
                usleep(5_000)
            }
        }
        try body()
    }
}
