/// Looking at a whole file: on demand and after SQLite found damage, never at a start, which must
/// be quick. A write-ahead log needs no repair after a crash: what was not committed is not read.
enum Integrity {
    private static let maxFindings = 100

    /// What is wrong, in SQLite's words; empty: nothing.
    static func findings(_ database: Database) throws -> [String] {
        let statement = try database.prepare("PRAGMA integrity_check(\(maxFindings))")
        var findings: [String] = []
        while try statement.step() { findings.append(statement.text(0)) }
        return findings == ["ok"] ? [] : findings
    }

    /// Makes damaged indexes anew; throws `.damaged` for what cannot be made from anything.
    static func repair(_ database: Database) throws {
        guard try !findings(database).isEmpty else { return }
        try database.execute("REINDEX")
        let left = try findings(database)
        guard let first = left.first else { return }
        throw StoreFailure(
            .damaged, "\(database.path) is damaged (\(first)): restore a copy of it")
    }
}
