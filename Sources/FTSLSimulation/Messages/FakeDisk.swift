internal import DequeModule
internal import FTSLCore

/// Tables that requests read and change.
protocol DiskTables {
    associatedtype Request
    associatedtype Reply

    /// The wall clock of whoever asks, in milliseconds since 1970.
    var now: UInt64 { get set }
    func isChange(_ request: Request) -> Bool
    mutating func apply(_ request: Request) throws -> Reply
    /// What is done before a transaction's changes.
    mutating func tidy() throws
    func read(_ request: Request) -> Reply
    static func failed(_ text: String) -> Reply
}

/// A store with a writing thread and a reading thread: many changes a commit, commits that take
/// their time, and nothing of what was not committed after a crash.
final class FakeDisk<Tables: DiskTables> {
    typealias Answer = (id: StoreRequestID, reply: Tables.Reply)

    /// What is durable.
    var tables: Tables
    private var changes = Deque<(id: StoreRequestID, request: Tables.Request)>()
    private var reads = Deque<(id: StoreRequestID, request: Tables.Request)>()
    private var writing: (tables: Tables, answers: [Answer])?
    private var answers: [Answer] = []
    /// The last durable state, for a disk that lies about it.
    private(set) var before: Tables
    /// Counts crashes: what an earlier process asked is for nobody.
    private(set) var epoch = 0
    private(set) var commits: UInt64 = 0
    var fullUntil: UInt64 = 0
    var slowUntil: UInt64 = 0
    var slowBy: UInt64 = 0

    init(_ tables: Tables) {
        self.tables = tables
        before = tables
    }

    var isWriting: Bool { writing != nil }
    var isIdle: Bool { writing == nil && changes.isEmpty && reads.isEmpty && answers.isEmpty }
    var waitingChanges: Int { changes.count }

    /// True when it is a change, and false when it only reads.
    func submit(_ id: StoreRequestID, _ request: Tables.Request) -> Bool {
        let isChange = tables.isChange(request)
        if isChange { changes.append((id, request)) } else { reads.append((id, request)) }
        return isChange
    }

    /// Begins a commit of up to so many changes; false when there is nothing to write.
    func beginCommit(_ most: Int, wallClock: UInt64, isFull: Bool) -> Bool {
        guard writing == nil, !changes.isEmpty else { return false }
        commits += 1
        var next = tables
        next.now = wallClock
        var batch: [Answer] = []
        let count = min(most, changes.count)
        let requests = changes.prefix(count)
        changes.removeFirst(count)
        do {
            if isFull { throw Failure(.local, .localInputOutput, "no space left on device") }
            try next.tidy()
            for (id, request) in requests { batch.append((id, try next.apply(request))) }
            writing = (next, batch)
        } catch {
            // All of a transaction, or nothing.
            writing = (tables, requests.map { ($0.id, Tables.failed("\(error)")) })
        }
        return true
    }

    /// The commit is on disk.
    func finishCommit() {
        guard let (next, batch) = writing else { return }
        writing = nil
        before = tables
        tables = next
        answers += batch
    }

    /// Reads from what is durable now; false when nothing waits to be read.
    func readNext(wallClock: UInt64) -> Bool {
        guard let (id, request) = reads.popFirst() else { return false }
        var snapshot = tables
        snapshot.now = wallClock
        answers.append((id, snapshot.read(request)))
        return true
    }

    func takeAnswers() -> [Answer] {
        defer { answers = [] }
        return answers
    }

    /// The process is gone, by a kill or a power cut: a commit in progress is on disk or not, and
    /// nobody was told.
    func crash(keepsCommit: Bool) {
        epoch += 1
        if keepsCommit { finishCommit() }
        writing = nil
        changes = []
        reads = []
        answers = []
    }

    /// A disk that called durable what was not.
    func loseLastCommit() { tables = before }
}
