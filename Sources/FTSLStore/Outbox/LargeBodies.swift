internal import FTSLCore
internal import NIOCore

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Bodies of an outbox that are kept in pieces, found by what they are: a body that is submitted
/// twice is kept once.
enum LargeBodies {
    /// A body that this process is about to write.
    static func begin(_ database: Database) throws -> UInt64 {
        let statement = try database.statement(
            "INSERT INTO large(refs, writer, time) VALUES(1, ?, ?) RETURNING key")
        statement.bind(1, Int64(getpid()))
        statement.bind(2, Clock.milliseconds())
        guard let key = try statement.first({ $0.bits(0) }) else { throw Unpacker.damage }
        return key
    }

    /// It is whole, and messages may have it.
    static func finish(_ key: UInt64, _ digest: BodyDigest, _ database: Database) throws {
        let statement = try database.statement(
            "UPDATE large SET count = ?, digest = ? WHERE key = ?")
        statement.bind(1, digest.count)
        statement.bind(2, digest.digest)
        statement.bind(3, key)
        try statement.run()
    }

    /// One message more has it.
    static func take(_ digest: BodyDigest, _ database: Database) throws -> UInt64 {
        let find = try database.statement(
            "SELECT key FROM large WHERE digest = ? AND count = ? LIMIT 1")
        find.bind(1, digest.digest)
        find.bind(2, digest.count)
        guard let key = try find.first({ $0.bits(0) }) else {
            throw StoreFailure(.misuse, "the body of a message was not written before it")
        }
        let statement = try database.statement("UPDATE large SET refs = refs + 1 WHERE key = ?")
        statement.bind(1, key)
        try statement.run()
        return key
    }

    /// One message, or its writer, less has it; the last one takes it away.
    static func release(_ key: UInt64, byWriter: Bool = false, _ database: Database) throws {
        let statement = try database.statement(
            byWriter
                ? "UPDATE large SET refs = refs - 1, writer = NULL WHERE key = ? AND writer NOTNULL"
                : "UPDATE large SET refs = refs - 1 WHERE key = ?")
        statement.bind(1, key)
        try statement.run()
        let delete = try database.statement("DELETE FROM large WHERE key = ? AND refs <= 0")
        delete.bind(1, key)
        try delete.run()
        if database.changes > 0 { try Pieces.drop(key, database) }
    }

    /// What processes left behind that ended while they wrote. Called as a courier starts.
    static func releaseAbandoned(_ database: Database) throws {
        let statement = try database.statement(
            "SELECT key, writer FROM large WHERE writer NOTNULL")
        var abandoned: [UInt64] = []
        while try statement.step() {
            let writer = Int32(clamping: statement.integer(1))
            if kill(writer, 0) != 0, errno == ESRCH { abandoned.append(statement.bits(0)) }
        }
        for key in abandoned { try release(key, byWriter: true, database) }
    }
}
