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

    let writer: InboxWriter
    private let options: InboxOptions
    private let answers: @Sendable ([InboxStore.Answer]) -> Void
    private let count: (StoreStatistics) -> Void
    private var waiting = Deque<InboxStore.Request>()
    private var commits = 0
    /// Retention has more to remove.
    private var hasMore = false
    /// Set once the file is found damaged beyond repair, or another host has it.
    var refusal: StoreFailure?
    /// Holds the file's write lock: nobody changes it, and changes wait.
    private(set) var isFrozen = false

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
    func run(_ mailbox: Mailbox<InboxStore.Work>) {
        while let works = mailbox.take(within: hasMore ? 0 : Self.idleMilliseconds) {
            for work in works {
                switch work {
                case .requests(let requests): waiting.append(contentsOf: requests)
                case .job(let job):
                    drain()
                    job(self)
                }
            }
            let isIdle = waiting.isEmpty
            drain()
            if isIdle || hasMore { hasMore = retain(isIdle ? .whileIdle : .betweenChanges) }
        }
        guard isFrozen else { return }
        // What waits came after the freeze: another host may have the inbox without it.
        let closed = StoreFailure(.busy, "\(writer.database.path) is closed")
        if !waiting.isEmpty { answers(Self.allFailed(Array(waiting), closed)) }
        thaw()
    }

    private func drain() {
        while !waiting.isEmpty, !isFrozen {
            commit()
            commits += 1
            if commits % Self.commitsPerStep == 0 { hasMore = retain(.betweenChanges) }
        }
    }

    // MARK: Moving

    /// Nobody changes the file any more, in whatever process, until `thaw`.
    func freeze() throws {
        guard !isFrozen else { return }
        if let refusal { throw refusal }
        try writer.begin()
        isFrozen = true
    }

    func thaw() {
        guard isFrozen else { return }
        isFrozen = false
        writer.rollback()
    }

    /// Puts something into the log that is not in the file yet, and changes nothing.
    func touchLog() throws {
        let nowhere = InboxMove(endpoints: "", moves: 0, at: 0)
        try writer.transaction { writer in
            // Writing a row's own bytes again would write nothing.
            try nowhere.save(writer.database)
            try InboxMove.drop(writer.database)
        }
    }

    /// Refuses changes from now on, even if it cannot be written down.
    func markMoved(_ move: InboxMove) throws {
        refusal = move.failure(writer.database.path)
        if !isFrozen { try writer.begin() }
        isFrozen = false
        do {
            try move.save(writer.database)
        } catch {
            writer.rollback()
            throw error
        }
        try writer.commit()
    }

    // MARK: Changes

    private func commit() {
        let batch = takeBatch()
        let answered = refusal.map { Self.allFailed(batch, $0) } ?? tryCommit(batch)
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
            refusal = error as? StoreFailure ?? StoreFailure(.damaged, "\(error)")
        }
    }

    // MARK: Retention

    /// True: there is more to remove.
    private func retain(_ step: InboxWriter.RetentionStep) -> Bool {
        guard refusal == nil, !isFrozen else { return false }
        do {
            let hasMore = try writer.retain(options.keep, idKeep: options.idKeep, step)
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
