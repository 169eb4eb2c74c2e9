package import FTSLCore
package import NIOCore

/// Writes a large body into an outbox before its message is submitted as `.pieces`; used by one
/// thread, and each call waits for the disk.
///
/// What a process leaves behind that ends before `release` is removed by the next courier.
package final class OutboxBody {
    private let database: Database
    private let key: UInt64
    private var offset: UInt64 = 0
    private var isReleased = false

    package init(_ path: String) throws {
        let database = try StoreFile.open(path, OutboxSchema.schema)
        self.database = database
        key = try database.transaction { try LargeBodies.begin(database) }
    }

    /// Up to `Bound.inlineBody` bytes at once are a good size.
    package func append(_ bytes: ByteBuffer) throws {
        try database.transaction { try Pieces.keep(bytes, at: offset, of: key, database) }
        offset += UInt64(bytes.readableBytes)
        database.checkpoint(above: InboxCommitter.checkpointPages)
    }

    /// The body is whole: messages with `.pieces(digest)` may be submitted.
    package func finish(_ digest: BodyDigest) throws {
        guard digest.count == offset else {
            throw StoreFailure(.misuse, "\(offset) bytes were written, not \(digest.count)")
        }
        try database.transaction { try LargeBodies.finish(key, digest, database) }
    }

    /// After the message was submitted, or when it will not be: without a message the body goes.
    package func release() throws {
        guard !isReleased else { return }
        try database.transaction { try LargeBodies.release(key, byWriter: true, database) }
        isReleased = true
    }
}
