package import FTSLCore
internal import NIOCore
internal import Synchronization

/// What a host asks of its inbox's file besides the rules' own limits.
package struct InboxOptions: Sendable {
    package var limits = InboxLimits()
    package var keep = InboxKeep.forever
    /// Milliseconds that an idempotency key is known.
    package var idKeep: UInt64 = 30 * 24 * 3_600_000
    /// Where one transaction ends, whichever comes first.
    package var maxChanges = 1_024
    /// Of bodies, with 256 for every message: with small ones about 20 ms of work.
    package var maxBytes: UInt64 = 2 << 20

    package init() {}
}

/// What a store has done since it was opened.
package struct StoreStatistics: Hashable, Sendable {
    package var changes: UInt64 = 0
    /// Transactions on the disk, each with one sync of the log.
    package var commits: UInt64 = 0
    /// Transactions that came to nothing.
    package var failures: UInt64 = 0

    package init(changes: UInt64 = 0, commits: UInt64 = 0, failures: UInt64 = 0) {
        self.changes = changes
        self.commits = commits
        self.failures = failures
    }

    mutating func add(_ other: StoreStatistics) {
        changes += other.changes
        commits += other.commits
        failures += other.failures
    }
}

/// What an inbox holds.
package struct InboxContents: Hashable, Sendable {
    package var messages: UInt64 = 0
    /// Of bodies, ids and headers.
    package var bytes: UInt64 = 0
    package var cursors: UInt64 = 0
    package var deadLetters: UInt64 = 0

    package init() {}

    init(_ state: InboxState) {
        messages = state.messages
        bytes = state.bytes
        cursors = state.cursors
        deadLetters = state.dead
    }
}

/// The inbox of one host: takes requests from any thread and answers when the disk has them.
///
/// One thread writes: it runs the changes that wait, many to a transaction, and answers them
/// together after the commit. Another reads. Answers of changes come in the order of asking.
package final class InboxStore: Sendable {
    package typealias Answer = (id: StoreRequestID, reply: InboxReply)
    package typealias Request = (id: StoreRequestID, request: InboxRequest)

    /// Fixed while the store is open.
    package let identity: InboxIdentity
    package let path: String
    private let lock: Mutex<FileLock?>

    /// The file whose lock makes a process the host; who wants it knocks there.
    package static func lockPath(of path: String) -> String { path + "-lock" }

    /// For the thread that writes.
    enum Work: Sendable {
        case requests([Request])
        case job(@Sendable (InboxCommitter) -> Void)
    }

    private let changes = Mailbox<Work>()
    private let fetches = Mailbox<[Request]>()
    private let threads: [WorkerThread]
    private let counts: Counts

    private final class Counts: Sendable {
        let statistics = Mutex(StoreStatistics())
        let contents: Mutex<InboxContents>

        init(_ contents: InboxContents) { self.contents = Mutex(contents) }
    }

    /// Locks the file, makes it when it is not there, and begins a new life of it.
    ///
    /// `answers` is called from the store's threads, once for all changes of a commit. Throws
    /// `StoreFailure`.
    package init(
        _ path: String, _ options: InboxOptions,
        answers: @escaping @Sendable ([Answer]) -> Void
    ) throws {
        lock = Mutex(try FileLock(Self.lockPath(of: path), of: path))
        let writer = try InboxWriter(path)
        try writer.transaction { writer in
            writer.state.generation.starts += 1
            try writer.dropPartials()
        }
        identity = writer.identity
        self.path = path
        let reader = try InboxReader(path)
        let counts = Counts(InboxContents(writer.state))
        self.counts = counts
        let committer = InboxCommitter(writer, options, answers) { more in
            counts.statistics.withLock { $0.add(more) }
            counts.contents.withLock { $0 = InboxContents(writer.state) }
        }
        let parts = Confined((committer, reader))
        let (changes, fetches) = (changes, fetches)
        threads = [
            try WorkerThread { parts.value.0.run(changes) },
            try WorkerThread { Self.read(fetches, parts.value.1, answers) },
        ]
    }

    /// From any thread; after `close` requests are answered as failed.
    package func submit(_ requests: [Request], refused: ([Answer]) -> Void) {
        let toWrite = requests.filter(\.request.isChange)
        let toRead = requests.filter { !$0.request.isChange }
        let isWritten = toWrite.isEmpty || changes.put(.requests(toWrite))
        let isRead = toRead.isEmpty || fetches.put(toRead)
        let failure = Failure(.local, .inboxUnavailable, "\(path) is closed")
        let lost = (isWritten ? [] : toWrite) + (isRead ? [] : toRead)
        if !lost.isEmpty { refused(lost.map { ($0.id, .failed(failure)) }) }
    }

    /// Runs a job on the thread that writes, after what was asked before, and waits for it; not
    /// from `answers`.
    func onWriter<Value: Sendable>(
        _ job: @escaping @Sendable (InboxCommitter) throws -> Value
    ) throws -> Value {
        let reply = Mailbox<Result<Value, any Error>>()
        let isTaken = changes.put(
            .job { committer in _ = reply.put(Result { try job(committer) }) })
        guard isTaken, let result = reply.take(within: nil)?.first else {
            throw StoreFailure(.busy, "\(path) is closed")
        }
        return try result.get()
    }

    /// Waits until what was asked before is on the disk, or was refused; not from `answers`.
    package func settle() throws { try onWriter { _ in } }

    /// As `onWriter`, without waiting; nothing once the store is closed.
    func post(_ job: @escaping @Sendable (InboxCommitter) -> Void) {
        _ = changes.put(.job(job))
    }

    package var statistics: StoreStatistics { counts.statistics.withLock { $0 } }

    /// As of the last change.
    package var contents: InboxContents { counts.contents.withLock { $0 } }

    /// Makes durable and answers what was asked, then lets the file go. Waits; not from `answers`.
    package func close() {
        changes.close()
        fetches.close()
        threads.forEach { $0.join() }
        lock.withLock { $0 = nil }
    }

    private static func read(
        _ mailbox: Mailbox<[Request]>, _ reader: InboxReader, _ answers: ([Answer]) -> Void
    ) {
        while let batches = mailbox.take(within: nil) {
            for request in batches.joined() {
                do {
                    answers([(request.id, try reader.answer(request.request))])
                } catch {
                    answers([(request.id, .failed(InboxCommitter.failure(error)))])
                }
            }
        }
    }
}

extension InboxRequest {
    fileprivate var isChange: Bool { if case .change = self { true } else { false } }
}

/// Lets a value go to the one thread that uses it from then on.
struct Confined<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
