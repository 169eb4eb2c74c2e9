internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// The writing thread of an inbox: as many changes as wait in one transaction.
final class InboxCommitter {
    /// Pages of the log, 16 MiB, above which it is moved into the file.
    static let checkpointPages: Int32 = 4_096
    /// How often an idle store looks whether messages have had their time.
    private static let idleMilliseconds = 1_000
    /// Commits between two steps of retention while changes wait.
    private static let commitsPerStep = 4

    private let writer: InboxWriter
    private let options: InboxOptions
    private let answers: @Sendable ([InboxStore.Answer]) -> Void
    private let count: (StoreStatistics) -> Void
    private var waiting = Deque<InboxStore.Request>()
    /// Set once the file is found damaged beyond repair.
    private var damage: StoreFailure?

    init(
        _ writer: InboxWriter, _ options: InboxOptions,
        _ answers: @escaping @Sendable ([InboxStore.Answer]) -> Void,
        count: @escaping (StoreStatistics) -> Void
    ) {
        self.writer = writer
        self.options = options
        self.answers = answers
        self.count = count
    }

    /// Until the mailbox is closed and everything is answered.
    func run(_ mailbox: Mailbox<[InboxStore.Request]>) {
        var hasMore = false
        var commits = 0
        while let batches = mailbox.take(within: hasMore ? 0 : Self.idleMilliseconds) {
            for batch in batches { waiting.append(contentsOf: batch) }
            let isIdle = waiting.isEmpty
            while !waiting.isEmpty {
                commit()
                commits += 1
                if commits % Self.commitsPerStep == 0 { hasMore = retain() }
            }
            if isIdle || hasMore { hasMore = retain() }
        }
    }

    // MARK: Changes

    private func commit() {
        let answered = damage.map { Self.allFailed(takeBatch(), $0) } ?? tryCommit(takeBatch())
        answers(answered)
        writer.database.checkpoint(above: Self.checkpointPages)
    }

    private func takeBatch() -> [InboxStore.Request] {
        var batch: [InboxStore.Request] = []
        var bytes: UInt64 = 0
        while batch.count < options.maxChanges, bytes < options.maxBytes,
            let request = waiting.popFirst()
        {
            if case .change(let change) = request.request { bytes += change.cost }
            batch.append(request)
        }
        return batch
    }

    private func tryCommit(_ batch: [InboxStore.Request]) -> [InboxStore.Answer] {
        do {
            let replies = try writer.transaction { writer in
                try batch.map { request in
                    (request.id, try reply(to: request.request, writer))
                }
            }
            count(StoreStatistics(changes: UInt64(batch.count), commits: 1))
            return replies
        } catch {
            count(StoreStatistics(failures: 1))
            return failed(batch, error)
        }
    }

    private func reply(to request: InboxRequest, _ writer: InboxWriter) throws -> InboxReply {
        guard case .change(let change) = request else {
            throw StoreFailure(.misuse, "a fetch is not written")
        }
        return .changed(try writer.apply(change, limits: options.limits))
    }

    private func failed(
        _ batch: [InboxStore.Request], _ error: any Error
    ) -> [InboxStore.Answer] {
        if (error as? StoreFailure)?.reason == .damaged { repair() }
        return Self.allFailed(batch, error)
    }

    private static func allFailed(
        _ batch: [InboxStore.Request], _ error: any Error
    ) -> [InboxStore.Answer] {
        let failure = failure(error)
        return batch.map { ($0.id, .failed(failure)) }
    }

    static func failure(_ error: any Error) -> Failure {
        let text = (error as? StoreFailure)?.text ?? "\(error)"
        return Failure(.local, .inboxUnavailable, text)
    }

    private func repair() {
        do {
            try Integrity.repair(writer.database)
        } catch {
            damage = error as? StoreFailure ?? StoreFailure(.damaged, "\(error)")
        }
    }

    // MARK: Retention

    /// True: there is more to remove.
    private func retain() -> Bool {
        guard damage == nil else { return false }
        do {
            let hasMore = try writer.retain(options.keep, idKeep: options.idKeep)
            writer.database.checkpoint(above: Self.checkpointPages)
            return hasMore
        } catch {
            // Of a full disk the next change tells; the next step tries again.
            count(StoreStatistics(failures: 1))
            if (error as? StoreFailure)?.reason == .damaged { repair() }
            return false
        }
    }
}

extension InboxWriter {
    /// The rules decide; this only carries out.
    func apply(_ change: InboxChange, limits: InboxLimits) throws -> InboxResult {
        var transaction = self
        return try InboxRules.apply(change, in: &transaction, limits: limits)
    }
}

extension InboxChange {
    /// What it adds to a transaction, about.
    fileprivate var cost: UInt64 {
        switch self {
        case .messages(_, _, let messages), .deposit(_, owner: _, let messages):
            messages.reduce(0) { $0 + $1.body.cost }
        case .piece(_, _, _, at: _, let bytes): UInt64(bytes.readableBytes)
        default: 0
        }
    }
}

extension Body {
    /// The bytes of a row, about.
    var cost: UInt64 {
        if case .inline(let bytes) = self { UInt64(bytes.readableBytes) + 256 } else { 256 }
    }
}
