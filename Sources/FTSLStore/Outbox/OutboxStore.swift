package import FTSLCore
internal import NIOCore
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// An outbox, as one of the processes that share its file: takes requests from any thread and
/// answers when the disk has them.
///
/// One thread writes, many changes to a transaction; another reads. A commit touches the file, so
/// that other processes look at once; see `watch`.
package final class OutboxStore: Sendable {
    package typealias Answer = (id: StoreRequestID, reply: OutboxReply)
    package typealias Request = (id: StoreRequestID, request: OutboxRequest)

    private static let maxChanges = 256
    /// Of what one transaction adds: others wait for it to end.
    private static let maxCost: UInt64 = 1 << 20
    private static let maxTidied = 10_000
    /// Many processes only store a message or two and end. What they leave in the log is read by
    /// each that comes after them: it is moved into the file earlier than that of a long life.
    private static let shortLife = 16
    private static let shortLog: Int32 = 256

    private enum Work: Sendable {
        case changes([Request])
        case tidy(idKeep: UInt64)
    }

    package let path: String
    private let work = Mailbox<Work>()
    private let reads = Mailbox<[Request]>()
    private let threads: [WorkerThread]
    private let counts: Counts

    private final class Counts: Sendable {
        let statistics = Mutex(StoreStatistics())
    }

    /// Makes the file when it is not there. `answers` is called from the store's threads, once for
    /// all changes of a commit. Throws `StoreFailure`.
    package init(_ path: String, answers: @escaping @Sendable ([Answer]) -> Void) throws {
        self.path = path
        let writer = Confined(try OutboxWriter(path))
        let reader = Confined(try OutboxReader(path))
        let (work, reads, counts) = (work, reads, Counts())
        self.counts = counts
        threads = [
            try WorkerThread { Self.write(work, writer.value, counts, answers) },
            try WorkerThread { Self.read(reads, reader.value, answers) },
        ]
    }

    /// From any thread; after `close` requests are refused.
    package func submit(_ requests: [Request], refused: ([Answer]) -> Void) {
        let toWrite = requests.filter(\.request.isChange)
        let toRead = requests.filter { !$0.request.isChange }
        let isWritten = toWrite.isEmpty || work.put(.changes(toWrite))
        let isRead = toRead.isEmpty || reads.put(toRead)
        let failure = Failure(.local, .localInputOutput, "\(path) is closed")
        let lost = (isWritten ? [] : toWrite) + (isRead ? [] : toRead)
        if !lost.isEmpty { refused(lost.map { ($0.id, .failed(failure)) }) }
    }

    package var statistics: StoreStatistics { counts.statistics.withLock { $0 } }

    /// Makes durable and answers what was asked. Waits; not from `answers`.
    package func close() {
        work.close()
        reads.close()
        threads.forEach { $0.join() }
    }

    // MARK: Couriers and waiters

    /// Makes this process the courier of a destination, until the lock goes away; throws `.locked`
    /// while another is. What earlier ones left unfinished is tidied up.
    package func becomeCourier(of destination: String, idKeep: UInt64) throws -> FileLock {
        let lock = try FileLock(
            Self.courierPath(path, destination), of: "the lane to \(destination)")
        _ = work.put(.tidy(idKeep: idKeep))
        return lock
    }

    static func courierPath(_ path: String, _ destination: String) -> String {
        let digest = StreamDigest()
        digest.update(ByteBuffer(string: destination))
        return "\(path)-courier-\(Hexadecimal.of(digest.value))"
    }

    /// Calls `changed` from a thread of its own after commits of this or another process, at once;
    /// missed touches are found within 250 ms. Nothing is told any more once the watch is let go.
    package static func watch(
        _ path: String, changed: @escaping @Sendable () -> Void
    ) throws -> FileWatch {
        let versions = Confined(try FileVersion(path))
        return try FileWatch(path, every: 250) {
            if versions.value.hasChanged() { changed() }
        }
    }

    // MARK: Threads

    private static func write(
        _ mailbox: Mailbox<Work>, _ writer: OutboxWriter, _ counts: Counts,
        _ answers: ([Answer]) -> Void
    ) {
        var commits = 0
        while let work = mailbox.take(within: nil) {
            var waiting: ArraySlice<Request> = []
            for item in work {
                switch item {
                case .changes(let requests): waiting.append(contentsOf: requests)
                case .tidy(let idKeep): tidy(writer, idKeep, counts)
                }
            }
            while !waiting.isEmpty {
                let batch = nextBatch(waiting)
                waiting = waiting.dropFirst(batch.count)
                answers(commit(batch, writer, counts))
                commits += 1
                writer.database.checkpoint(
                    above: commits > shortLife ? InboxCommitter.checkpointPages : shortLog)
            }
        }
    }

    private static func nextBatch(_ waiting: ArraySlice<Request>) -> ArraySlice<Request> {
        var cost: UInt64 = 0
        return waiting.prefix(maxChanges).prefix { request in
            defer { cost += request.request.cost }
            return cost < maxCost
        }
    }

    private static func commit(
        _ batch: ArraySlice<Request>, _ writer: OutboxWriter, _ counts: Counts
    ) -> [Answer] {
        do {
            let replies: [Answer] = try writer.transaction { writer in
                try batch.map { ($0.id, try reply(to: $0.request, writer)) }
            }
            let done = StoreStatistics(changes: UInt64(batch.count), commits: 1)
            counts.statistics.withLock { $0.add(done) }
            // A touch that fails costs a watcher 250 ms.
            _ = utimensat(AT_FDCWD, writer.database.path, nil, 0)
            return replies
        } catch {
            counts.statistics.withLock { $0.add(StoreStatistics(failures: 1)) }
            let failure = failure(error)
            return batch.map { ($0.id, .failed(failure)) }
        }
    }

    private static func reply(
        to request: OutboxRequest, _ writer: OutboxWriter
    ) throws -> OutboxReply {
        guard case .change(let change) = request else {
            throw StoreFailure(.misuse, "a read is not written")
        }
        var transaction = writer
        return .changed(try OutboxRules.apply(change, in: &transaction))
    }

    private static func tidy(_ writer: OutboxWriter, _ idKeep: UInt64, _ counts: Counts) {
        do {
            try writer.transaction { writer in
                try LargeBodies.releaseAbandoned(writer.database)
                for table in ["id", "exception"] {
                    let statement = try writer.database.statement(
                        """
                        DELETE FROM \(table) WHERE time < ?
                        AND n IN (SELECT n FROM \(table) ORDER BY n LIMIT \(maxTidied))
                        """)
                    statement.bind(1, writer.now > idKeep ? writer.now - idKeep : 0)
                    try statement.run()
                }
            }
        } catch {
            // The next courier tries again; what is wrong with the file, a change will tell.
            counts.statistics.withLock { $0.add(StoreStatistics(failures: 1)) }
        }
    }

    private static func read(
        _ mailbox: Mailbox<[Request]>, _ reader: OutboxReader, _ answers: ([Answer]) -> Void
    ) {
        while let batches = mailbox.take(within: nil) {
            for request in batches.joined() {
                do {
                    answers([(request.id, try reader.answer(request.request))])
                } catch {
                    answers([(request.id, .failed(failure(error)))])
                }
            }
        }
    }

    private static func failure(_ error: any Error) -> Failure {
        Failure(.local, .localInputOutput, (error as? StoreFailure)?.text ?? "\(error)")
    }
}

extension OutboxRequest {
    fileprivate var isChange: Bool { if case .change = self { true } else { false } }

    fileprivate var cost: UInt64 {
        guard case .change(.submit(let messages, to: _, isOffered: _)) = self else { return 256 }
        return messages.reduce(0) { $0 + $1.body.cost }
    }
}

/// Tells commits of others by SQLite's own count of them.
private final class FileVersion {
    private let database: Database
    private var version: Int64

    init(_ path: String) throws {
        database = try StoreFile.inspect(path, OutboxSchema.schema, cacheKiB: 64)
        version = try database.integer("PRAGMA data_version")
    }

    /// Also true when the file cannot be read: whoever looks next learns why.
    func hasChanged() -> Bool {
        guard let now = try? database.integer("PRAGMA data_version") else { return true }
        defer { version = now }
        return now != version
    }
}
