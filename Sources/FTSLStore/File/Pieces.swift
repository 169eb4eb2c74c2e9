internal import NIOCore

/// Bodies too large for a row, in the table `piece(body, offset, bytes)` of either store.
enum Pieces {
    /// Keeps bytes at an offset; what was there at or after it goes.
    static func keep(
        _ bytes: ByteBuffer, at offset: UInt64, of body: UInt64, _ database: Database
    ) throws {
        let drop = try database.statement("DELETE FROM piece WHERE body = ? AND offset >= ?")
        drop.bind(1, body)
        drop.bind(2, offset)
        try drop.run()
        let cut = try database.statement(
            """
            UPDATE piece SET bytes = substr(bytes, 1, ?1 - offset) WHERE body = ?2
            AND offset = (SELECT max(offset) FROM piece WHERE body = ?2)
            AND offset + length(bytes) > ?1
            """)
        cut.bind(1, offset)
        cut.bind(2, body)
        try cut.run()
        guard bytes.readableBytes > 0 else { return }
        let insert = try database.statement("INSERT INTO piece VALUES(?, ?, ?)")
        insert.bind(1, body)
        insert.bind(2, offset)
        try bytes.withUnsafeReadableBytes { raw in
            insert.bind(3, borrowing: raw)
            try insert.run()
        }
    }

    static func drop(_ body: UInt64, _ database: Database) throws {
        let statement = try database.statement("DELETE FROM piece WHERE body = ?")
        statement.bind(1, body)
        try statement.run()
    }

    static func count(of body: UInt64, _ database: Database) throws -> UInt64 {
        let statement = try database.statement(
            """
            SELECT offset + length(bytes) FROM piece WHERE body = ? ORDER BY offset DESC LIMIT 1
            """)
        statement.bind(1, body)
        return try statement.first { $0.bits(0) } ?? 0
    }

    /// Up to so many bytes from an offset.
    static func read(
        _ body: UInt64, offset: UInt64, maxBytes: UInt64, _ database: Database
    ) throws -> ByteBuffer {
        let statement = try database.statement(
            """
            SELECT offset, bytes FROM piece WHERE body = ?1 AND offset >= ifnull(
            (SELECT max(offset) FROM piece WHERE body = ?1 AND offset <= ?2), 0) ORDER BY offset
            """)
        statement.bind(1, body)
        statement.bind(2, Int64(clamping: offset))
        defer { statement.reset() }
        var result = ByteBuffer()
        var position = offset
        while UInt64(result.readableBytes) < maxBytes, try statement.step() {
            let start = statement.bits(0)
            statement.withBytes(1) { bytes in
                let skipped = position - start
                guard skipped < UInt64(bytes.count) else { return }
                let room = maxBytes - UInt64(result.readableBytes)
                let rest = UnsafeRawBufferPointer(rebasing: bytes[Int(skipped)...])
                let taken = UnsafeRawBufferPointer(
                    rebasing: rest.prefix(Int(clamping: room)))
                result.writeBytes(taken)
                position += UInt64(taken.count)
            }
        }
        return result
    }
}
