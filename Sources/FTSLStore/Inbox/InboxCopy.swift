package import FTSLCore
package import NIOCore
internal import Synchronization

/// The two files that an inbox is, as they travel.
package enum InboxPart: UInt8, Hashable, Sendable {
    case database = 0
    /// SQLite's write-ahead log.
    case log = 1
}

/// Copies an inbox byte by byte while its host serves; any thread, one at a time. [FTSL §10]
///
/// A read transaction pins the log: as long as it lasts no process can begin the log anew, so that
/// committed bytes of it stay and only more come. A checkpoint, of whoever, then writes into the
/// database only pages that the log has, too; a database read meanwhile, torn or not, is made whole
/// by the log. Nothing of an inbox lies outside these two files.
package final class InboxCopy: Sendable {
    package let identity: InboxIdentity
    /// Of the database: fixed, what is added is in the log.
    package let databaseBytes: UInt64
    private let store: InboxStore
    private let source: Mutex<Confined<Source?>>

    private final class Source {
        let pin: Database
        /// Counts the log's frames, which no connection does inside of a transaction.
        let counter: Database
        let header: ByteBuffer
        let frameBytes: UInt64
        let digest = ImageDigest()
        var databasePosition: UInt64 = 0
        var logPosition: UInt64 = 0
        var logBytes: UInt64 = 0

        init(_ path: String) throws {
            pin = try StoreFile.inspect(path, InboxSchema.schema, cacheKiB: 64)
            try pin.execute("BEGIN")
            _ = try InboxState.load(pin)
            counter = try StoreFile.inspect(path, InboxSchema.schema, cacheKiB: 64)
            _ = try InboxState.load(counter)
            header = try pin.read(.log, at: 0, maxBytes: LogFormat.headerBytes)
            frameBytes =
                UInt64(try pin.integer("PRAGMA page_size")) + UInt64(LogFormat.frameHeaderBytes)
        }

        func measureLog() throws -> UInt64 {
            let frames = try counter.committedFrames()
            let bytes = UInt64(LogFormat.headerBytes) + frames * frameBytes
            let now = try pin.read(.log, at: 0, maxBytes: LogFormat.headerBytes)
            guard now == header, bytes >= logBytes else {
                throw StoreFailure(.busy, "\(pin.path): its log began anew: copy it again")
            }
            logBytes = bytes
            return bytes
        }
    }

    fileprivate init(_ store: InboxStore) throws {
        self.store = store
        identity = store.identity
        let (source, bytes) = try store.onWriter { committer in
            guard !committer.writer.database.keepsLog else {
                throw StoreFailure(.busy, "\(store.path) is being copied already")
            }
            if let refusal = committer.refusal { throw refusal }
            // A reader pins a log only by what is not in the file yet.
            try committer.touchLog()
            let source = try Source(store.path)
            committer.writer.database.keepsLog = true
            return (Confined<Source?>(source), try source.pin.byteCount(.database))
        }
        self.source = Mutex(source)
        databaseBytes = bytes
    }

    deinit { end() }

    private func use<Result: Sendable>(_ body: (Source) throws -> Result) throws -> Result {
        try source.withLock { source in
            guard let source = source.value else {
                throw StoreFailure(.misuse, "the copy of \(store.path) is over")
            }
            return try body(source)
        }
    }

    /// Bytes of the log that are committed now: they stay as they are.
    package func logBytes() throws -> UInt64 { try use { try $0.measureLog() } }

    /// The next bytes of a part: first the whole database, then the log as far as `logBytes` said.
    /// Empty at the end; throws `.misuse` out of this order.
    package func read(
        _ part: InboxPart, at offset: UInt64, maxBytes: Int
    ) throws -> ByteBuffer {
        try use { source in
            let isDatabase = part == .database
            let position = isDatabase ? source.databasePosition : source.logPosition
            let end = isDatabase ? databaseBytes : source.logBytes
            guard offset == position, isDatabase || source.databasePosition == databaseBytes
            else { throw StoreFailure(.misuse, "a copy is read from its start to its end") }
            let count = Int(min(UInt64(maxBytes), end - position))
            let bytes = try source.pin.read(
                isDatabase ? .database : .log, at: offset, maxBytes: count)
            guard bytes.readableBytes == count else {
                throw StoreFailure(.damaged, "\(store.path): its \(part) ends early")
            }
            source.digest.update(bytes)
            if isDatabase {
                source.databasePosition += UInt64(count)
            } else {
                source.logPosition += UInt64(count)
            }
            return bytes
        }
    }

    /// Of all bytes read so far; see `ImageDigest`.
    package var digest: [UInt8] {
        get throws { try use { $0.digest.value } }
    }

    /// Holds the file: nothing is committed any more, by whichever process, and changes wait until
    /// `thaw` or `end`. What `logBytes` says afterwards is the inbox.
    package func freeze() throws { try store.onWriter { try $0.freeze() } }

    /// The host goes on.
    package func thaw() throws { try store.onWriter { $0.thaw() } }

    /// Lets the log go again. Waits until what has gathered in it is in the file, for which no
    /// commit waits; the host goes on before that.
    package func end() {
        source.withLock { source in
            guard let ended = source.value else { return }
            source = Confined(nil)
            store.post { $0.thaw() }
            ended.pin.rollback()
            ended.counter.checkpoint()
            store.post { $0.writer.database.keepsLog = false }
        }
    }
}

extension InboxStore {
    /// Begins a copy; one at a time. Not from `answers`.
    package func beginCopy() throws -> InboxCopy { try InboxCopy(self) }
}
