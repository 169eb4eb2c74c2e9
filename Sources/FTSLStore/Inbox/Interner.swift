internal import FTSLCore

/// A value that rows name by a number.
protocol Interned: Hashable {
    static var table: String { get }
    func bind(to statement: Statement, _ parameter: Int32)
    init(_ statement: Statement, _ column: Int32) throws
}

extension String: Interned {
    static var table: String { "topic" }
    func bind(to statement: Statement, _ parameter: Int32) { statement.bind(parameter, self) }
    init(_ statement: Statement, _ column: Int32) { self = statement.text(column) }
}

extension ProducerID: Interned {
    static var table: String { "sender" }
    func bind(to statement: Statement, _ parameter: Int32) { statement.bind(parameter, bytes) }
    init(_ statement: Statement, _ column: Int32) throws {
        self = try statement.withBytes(column) { try ProducerID(bytes: $0) }
    }
}

/// Gives names their numbers, and remembers which were used in a transaction.
struct Interner<Name: Interned> {
    /// What a transaction stored under a name.
    struct Use {
        var first: UInt64
        var last: UInt64
        /// The lane's number of the first.
        var sequence: UInt64
    }

    private static var capacity: Int { 16_384 }
    private let database: Database
    private var keys: [Name: UInt64] = [:]
    private(set) var uses: [UInt64: Use] = [:]
    /// The name used last: most messages have the one of the message before.
    private var newest: (name: Name, key: UInt64, use: Use)?

    init(_ database: Database) { self.database = database }

    /// The number of a name that the message at `index` has.
    mutating func key(
        _ name: Name, at index: UInt64, sequence: UInt64 = 0, fresh: inout UInt64
    ) throws -> UInt64 {
        if let key = newest?.key, newest?.name == name {
            newest?.use.last = index
            return key
        }
        settle()
        let key = try keys[name] ?? find(name) ?? make(name, at: index, fresh: &fresh)
        if keys.count >= Self.capacity { keys.removeAll(keepingCapacity: true) }
        keys[name] = key
        var use = uses[key] ?? Use(first: index, last: index, sequence: sequence)
        use.last = index
        newest = (name, key, use)
        return key
    }

    /// The number of a name, if it has one.
    func find(_ name: Name) throws -> UInt64? {
        let statement = try database.statement("SELECT key FROM \(Name.table) WHERE name = ?")
        name.bind(to: statement, 1)
        return try statement.first { $0.bits(0) }
    }

    private func make(_ name: Name, at index: UInt64, fresh: inout UInt64) throws -> UInt64 {
        let statement = try database.statement("INSERT INTO \(Name.table) VALUES(?, ?, ?)")
        statement.bind(1, fresh)
        name.bind(to: statement, 2)
        statement.bind(3, index)
        try statement.run()
        defer { fresh += 1 }
        return fresh
    }

    private mutating func settle() {
        guard let (_, key, use) = newest else { return }
        uses[key] = use
        newest = nil
    }

    /// Writes down what was used, once a transaction.
    mutating func flush() throws {
        settle()
        guard !uses.isEmpty else { return }
        let statement = try database.statement(
            "UPDATE \(Name.table) SET last = ? WHERE key = ?")
        for (key, use) in uses {
            statement.bind(1, use.last)
            statement.bind(2, key)
            try statement.run()
        }
    }

    /// The transaction's uses are written.
    mutating func clearUses() { uses.removeAll(keepingCapacity: true) }

    /// Forgets everything: a transaction was rolled back, or names were removed.
    mutating func drop() {
        keys.removeAll()
        uses.removeAll()
        newest = nil
    }

    /// Removes names that no message has from `index` on. True: there were some.
    mutating func expire(below index: UInt64) throws -> Bool {
        let statement = try database.statement("DELETE FROM \(Name.table) WHERE last < ?")
        statement.bind(1, index)
        try statement.run()
        guard database.changes > 0 else { return false }
        drop()
        return true
    }
}

/// What the numbers stand for, as one connection sees it.
struct Names<Name: Interned> {
    private static var capacity: Int { 16_384 }
    private let database: Database
    private var names: [UInt64: Name] = [:]
    private var newest: (key: UInt64, name: Name)?

    init(_ database: Database) { self.database = database }

    mutating func name(_ key: UInt64) throws -> Name {
        if let newest, newest.key == key { return newest.name }
        if names.count >= Self.capacity { names.removeAll(keepingCapacity: true) }
        let name = try names[key] ?? load(key)
        names[key] = name
        newest = (key, name)
        return name
    }

    private func load(_ key: UInt64) throws -> Name {
        let statement = try database.statement("SELECT name FROM \(Name.table) WHERE key = ?")
        statement.bind(1, key)
        guard let name = try statement.first({ try Name($0, 0) }) else { throw Unpacker.damage }
        return name
    }

    mutating func drop() {
        names.removeAll()
        newest = nil
    }
}
