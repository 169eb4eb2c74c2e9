package import FTSLCore
package import NIOCore

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Receives the copy of an inbox beside the place where it shall be:
/// `PATH-arriving-TICKET` while it comes, `PATH-arrived-TICKET` once it is sealed. One thread at a
/// time. [FTSL §10]
///
/// The log is put into the file as it comes, so that what is left to do at the end depends only on
/// what came last.
package final class InboxArrival {
    /// Bytes between two syncs.
    private static let syncEvery: UInt64 = 64 << 20

    private let path: String
    private let ticket: TicketID
    /// Nil once it is sealed: SQLite opens it then, whose locks any other closing would drop.
    private var parts: (file: PlainFile, replay: LogReplay)?
    private let digestSoFar = ImageDigest()
    private var unsynced: UInt64 = 0
    package private(set) var databaseBytes: UInt64 = 0
    package private(set) var logBytes: UInt64 = 0

    package init(for path: String, _ ticket: TicketID) throws {
        self.path = path
        self.ticket = ticket
        let file = try PlainFile(ArrivedInbox.arrivingPath(path, ticket), .new)
        parts = (file, LogReplay(file))
    }

    /// Takes what `InboxCopy.read` gave, in its order; throws `.misuse` out of it, `.damaged` for a
    /// log that does not go on.
    package func write(_ part: InboxPart, at offset: UInt64, _ bytes: ByteBuffer) throws {
        let position = part == .database ? databaseBytes : logBytes
        guard let file = parts?.file, offset == position, part == .log || logBytes == 0 else {
            throw StoreFailure(.misuse, "a copy is written from its start to its end")
        }
        let count = UInt64(bytes.readableBytes)
        switch part {
        case .database:
            try bytes.withUnsafeReadableBytes { try file.write($0, at: offset) }
            databaseBytes += count
        case .log:
            try parts?.replay.take(bytes)
            logBytes += count
        }
        digestSoFar.update(bytes)
        unsynced += count
        if unsynced >= Self.syncEvery {
            try file.synchronize()
            unsynced = 0
        }
    }

    /// As `InboxCopy.digest`.
    package var digest: [UInt8] { digestSoFar.value }

    /// On the disk when it returns; nothing may be written any more. Throws `.damaged` when the log
    /// ends inside of a transaction.
    package func seal() throws -> ArrivedInbox {
        guard let (file, replay) = parts else {
            throw StoreFailure(.misuse, "\(path) is sealed already")
        }
        try replay.finish()
        try Self.checkLength(file)
        try file.synchronize()
        parts = nil
        try PlainFile.rename(file.path, to: ArrivedInbox.arrivedPath(path, ticket))
        return try ArrivedInbox(for: path, ticket)
    }

    /// What SQLite's header says, which is right once no log is left.
    private static func checkLength(_ file: PlainFile) throws {
        let header = try file.read(at: 0, maxBytes: 100)
        let isWhole =
            if let pageBytes = header.getInteger(at: 16, as: UInt16.self),
                let pages = header.getInteger(at: 28, as: UInt32.self)
            {
                // 1 stands for 65,536.
                try file.byteCount
                    == UInt64(pageBytes == 1 ? 65_536 : UInt64(pageBytes)) * UInt64(pages)
            } else {
                false
            }
        guard isWhole else { throw StoreFailure(.damaged, "\(file.path) is not whole") }
    }

    /// Removes what came, before it is sealed.
    package func discard() throws {
        guard let file = parts?.file else { return }
        parts = nil
        try PlainFile.remove(file.path)
    }
}

/// An inbox that came whole and waits for its ticket to be decided.
package struct ArrivedInbox: Sendable {
    package let path: String
    package let ticket: TicketID
    private var file: String { Self.arrivedPath(path, ticket) }

    fileprivate static func arrivingPath(_ path: String, _ ticket: TicketID) -> String {
        "\(path)-arriving-\(ticket)"
    }

    fileprivate static func arrivedPath(_ path: String, _ ticket: TicketID) -> String {
        "\(path)-arrived-\(ticket)"
    }

    /// Of an inbox that was sealed, by an earlier process perhaps; throws `.missing`.
    package init(for path: String, _ ticket: TicketID) throws {
        self.path = path
        self.ticket = ticket
        guard PlainFile.exists(file) else {
            throw StoreFailure(.missing, "\(file) does not exist")
        }
    }

    /// Who it is, if it is an inbox of a version that this program knows; quick, whatever its size.
    /// Throws `StoreFailure`.
    package func check() throws -> InboxIdentity {
        let database = try StoreFile.open(file, InboxSchema.schema)
        let state = try InboxState.load(database)
        return InboxIdentity(id: state.id, generation: state.generation)
    }

    /// Writes its new generation into it, which begins a new life; the same again does nothing.
    package func raise(moves: UInt64) throws {
        let database = try StoreFile.open(file, InboxSchema.schema)
        try database.transaction {
            try InboxMove.drop(database)
            var state = try InboxState.load(database)
            guard state.generation.moves < moves else {
                if state.generation.moves == moves { return }
                throw StoreFailure(.misuse, "\(file) is at a newer generation already")
            }
            state.generation.moves = moves
            state.generation.starts += 1
            try state.save(database)
        }
        // Without a log of its own it takes another's place with one name.
        guard try database.text("PRAGMA journal_mode=DELETE") == "delete" else {
            throw StoreFailure(.busy, "\(file) is open elsewhere")
        }
    }

    /// Takes the place of what is at the path, which no store of this process may have open. After
    /// a crash at any point the path has either what was there, whole, or the new inbox, and it can
    /// be called again; does nothing when it is done.
    ///
    /// Waits up to 5 s for processes that look into the old file, then throws `.busy`; `.notOurs`
    /// for an inbox that must not be replaced.
    package func install(moves: UInt64) throws {
        let lock = try FileLock(InboxStore.lockPath(of: path), of: path)
        defer { withExtendedLifetime(lock) {} }
        guard PlainFile.exists(file) else {
            guard let there = try InboxPlace(path).host, there.generation.moves >= moves
            else { throw StoreFailure(.missing, "\(file) does not exist") }
            return
        }
        let inbox = try check().id
        if let obstacle = try InboxPlace(path).obstacle(to: inbox, moves: moves) {
            throw StoreFailure(.notOurs, "\(path): \(obstacle)")
        }
        try raise(moves: moves)
        if PlainFile.exists(path) {
            let old = try OldInbox(path)
            try PlainFile.rename(file, to: path)
            old.release()
        } else {
            for suffix in ["-wal", "-shm", "-journal"] { try PlainFile.remove(path + suffix) }
            try PlainFile.rename(file, to: path)
        }
    }

    /// Removes it.
    package func discard() throws { try Self.remove(file) }

    private static func remove(_ file: String) throws {
        for suffix in ["", "-wal", "-shm", "-journal"] { try PlainFile.remove(file + suffix) }
    }

    /// Removes what arrived at a path for tickets that are not in a list.
    package static func removeOthers(at path: String, keeping: Set<TicketID>) throws {
        let folder = StoreFile.folder(of: path)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        for prefix in ["\(name)-arriving-", "\(name)-arrived-"] {
            for found in try PlainFile.names(in: folder, prefix: prefix) {
                guard let ticket = TicketID(found.dropFirst(prefix.count).prefix(32)),
                    !keeping.contains(ticket)
                else { continue }
                try remove("\(folder)/\(found)")
            }
        }
    }
}

/// The file that is replaced: whole without a log, and nobody else in it.
private final class OldInbox {
    private let database: Database

    init(_ path: String) throws {
        database = try Database(path, .writing)
        try database.execute("PRAGMA busy_timeout=0")
        for _ in 0..<500 {
            if try isAlone() { return }
            usleep(10_000)
        }
        throw StoreFailure(.busy, "\(path) is open in another process: end it")
    }

    /// Leaving write-ahead logging needs that nobody else has the file open.
    private func isAlone() throws -> Bool {
        do {
            guard try database.text("PRAGMA journal_mode=DELETE") == "delete" else { return false }
            try database.execute("BEGIN EXCLUSIVE")
            // Somebody may have been in between.
            guard try database.text("PRAGMA journal_mode") == "delete" else {
                database.rollback()
                return false
            }
            return true
        } catch let failure as StoreFailure where failure.reason == .busy {
            database.rollback()
            return false
        }
    }

    /// Whoever waits for it finds the new file.
    func release() { database.rollback() }
}
