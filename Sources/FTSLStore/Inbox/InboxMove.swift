internal import FTSLCore

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Which host has an inbox now that this file was the inbox of.
package struct InboxMove: Hashable, Sendable {
    package var endpoints: String
    /// Of its generation there.
    package var moves: UInt64
    /// Milliseconds since 1970.
    package var at: UInt64

    static func load(_ database: Database) throws -> InboxMove? {
        try database.statement("SELECT endpoints, moves, at FROM moved").first { row in
            InboxMove(endpoints: row.text(0), moves: row.bits(1), at: row.bits(2))
        }
    }

    func save(_ database: Database) throws {
        try Self.drop(database)
        let statement = try database.statement("INSERT INTO moved VALUES(?, ?, ?)")
        statement.bind(1, endpoints)
        statement.bind(2, moves)
        statement.bind(3, at)
        try statement.run()
    }

    static func drop(_ database: Database) throws { try database.execute("DELETE FROM moved") }

    func failure(_ path: String) -> StoreFailure {
        StoreFailure(.moved, "\(path) moved to \(endpoints) on \(Clock.text(at))")
    }
}

extension Clock {
    /// RFC 3339 in UTC, whole seconds.
    static func text(_ milliseconds: UInt64) -> String {
        var seconds = time_t(clamping: milliseconds / 1_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = [parts.tm_year + 1_900, parts.tm_mon + 1, parts.tm_mday].map(padded)
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(padded)
        return day.joined(separator: "-") + "T" + time.joined(separator: ":") + "Z"
    }
}

extension InboxStore {
    /// Writes down that another host has the inbox, after that is decided: this file is never
    /// hosted again, and changes are refused from now on, even if it throws `StoreFailure`.
    package func markMoved(to endpoints: String, moves: UInt64) throws {
        let move = InboxMove(endpoints: endpoints, moves: moves, at: Clock.milliseconds())
        try onWriter { try $0.markMoved(move) }
    }
}
