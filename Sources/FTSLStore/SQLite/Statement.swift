internal import CSQLite
internal import NIOCore

/// A prepared statement of one connection, which must outlive it.
///
/// Parameters count from 1 and columns from 0, as in SQLite. `run` and a `step` that finds no row
/// reset the statement; one that is left before its last row is reset by its user.
final class Statement {
    private let handle: OpaquePointer
    private unowned let database: Database

    init(_ handle: OpaquePointer, of database: Database) {
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    // MARK: Binding

    func bind(_ parameter: Int32, _ value: Int64) {
        sqlite3_bind_int64(handle, parameter, value)
    }

    /// All 64 bits; compares as a signed number.
    func bind(_ parameter: Int32, _ value: UInt64) {
        sqlite3_bind_int64(handle, parameter, Int64(bitPattern: value))
    }

    func bindNull(_ parameter: Int32) { sqlite3_bind_null(handle, parameter) }

    func bind(_ parameter: Int32, _ value: String) {
        var value = value
        value.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                _ = sqlite3_bind_text(
                    handle, parameter, bytes.baseAddress, Int32(bytes.count), Self.copied)
            }
        }
    }

    func bind(_ parameter: Int32, _ value: [UInt8]) {
        value.withUnsafeBytes { bind(parameter, $0, Self.copied) }
    }

    /// Binds bytes that stay where they are until the statement has run.
    func bind(_ parameter: Int32, borrowing value: UnsafeRawBufferPointer) {
        bind(parameter, value, nil)
    }

    private func bind(
        _ parameter: Int32, _ value: UnsafeRawBufferPointer, _ keep: sqlite3_destructor_type?
    ) {
        if let base = value.baseAddress, !value.isEmpty {
            sqlite3_bind_blob64(handle, parameter, base, UInt64(value.count), keep)
        } else {
            sqlite3_bind_zeroblob(handle, parameter, 0)
        }
    }

    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    // MARK: Running

    /// True: there is a row.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        default:
            let failure = database.failure(String(cString: sqlite3_sql(handle)))
            sqlite3_reset(handle)
            throw failure
        }
    }

    /// Runs it to its end.
    func run() throws {
        while try step() {}
    }

    func reset() { sqlite3_reset(handle) }

    /// The first row by a reader, and a reset.
    func first<Row>(_ read: (Statement) throws -> Row) throws -> Row? {
        guard try step() else { return nil }
        defer { reset() }
        return try read(self)
    }

    // MARK: Columns

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func bits(_ column: Int32) -> UInt64 { UInt64(bitPattern: integer(column)) }
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func isInteger(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_INTEGER
    }

    func text(_ column: Int32) -> String {
        guard let text = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    /// Valid until the statement goes on.
    func withBytes<Result>(
        _ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let base = sqlite3_column_blob(handle, column)
        let count = base == nil ? 0 : Int(sqlite3_column_bytes(handle, column))
        return try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    func buffer(_ column: Int32) -> ByteBuffer {
        withBytes(column) { bytes in
            guard !bytes.isEmpty else { return ByteBuffer() }
            var buffer = ByteBufferAllocator().buffer(capacity: bytes.count)
            buffer.writeBytes(bytes)
            return buffer
        }
    }
}
