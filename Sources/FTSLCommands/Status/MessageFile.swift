internal import FTSLCore
internal import FTSLStore

/// An inbox or an outbox, told apart by what the file says of itself.
enum MessageFile {
    case inbox(String)
    case outbox(String)

    /// Throws `StoreFailure` for what is neither.
    init(_ path: String) throws {
        do {
            _ = try InboxInspection(path)
            self = .inbox(path)
        } catch let failure as StoreFailure where failure.reason == .notOurs {
            _ = try OutboxInspection(path)
            self = .outbox(path)
        }
    }

    func page() throws -> StatusPage {
        switch self {
        case .inbox(let path):
            let report = try InboxReport(path, InboxInspection(path))
            return StatusPage(lines: report.lines, table: report.table)
        case .outbox(let path):
            let report = try OutboxReport(path, OutboxInspection(path))
            return StatusPage(lines: report.lines, table: report.table)
        }
    }

    /// False: there is none.
    func dropCursor(_ name: String) throws -> Bool {
        guard case .inbox(let path) = self else {
            throw Ending(.usage, "--drop-cursor is for inboxes")
        }
        return try InboxAdministration.dropCursor(name, at: path)
    }

    /// False: there is none.
    func retire(_ name: String) throws -> Bool {
        switch self {
        case .inbox(let path):
            guard let producer = MessageName(name + "-1")?.producer else {
                throw Ending(.usage, "'\(name)' is no producer: 32 hexadecimal digits")
            }
            return try InboxAdministration.retire(producer, at: path)
        case .outbox(let path):
            guard
                try OutboxInspection(path).lanes().contains(where: { $0.lane.destination == name })
            else { return false }
            try OutboxAdministration.renew(name, at: path)
            return true
        }
    }
}

extension InboxReport {
    /// At most so many rows are read at once.
    private static let page = 1_000

    init(_ path: String, _ inspection: InboxInspection) throws {
        let summary = try inspection.summary()
        self.init(
            path: path, id: summary.identity.id, generation: summary.identity.generation,
            messages: summary.messages, bytes: summary.bytes, oldest: summary.oldestStored,
            next: summary.next.value, producers: [], cursors: [], dead: summary.deadLetters,
            move: summary.move)
        while true {
            let rows = try inspection.producers(after: producers.last?.id, limit: Self.page)
            producers += rows.map { Producer($0.cursor) }
            if rows.count < Self.page { break }
        }
        while true {
            let rows = try inspection.cursors(after: cursors.last?.name ?? "", limit: Self.page)
            cursors += rows.map { Cursor($0) }
            if rows.count < Self.page { break }
        }
    }
}

extension InboxReport.Producer {
    init(_ cursor: ProducerCursor) {
        self.init(
            id: cursor.producer, owner: cursor.owner, next: cursor.next.value,
            exceptions: cursor.exceptions.count)
    }
}

extension InboxReport.Cursor {
    init(_ row: InboxInspection.Cursor) {
        let cursor = row.cursor
        self.init(
            name: cursor.name, isGroup: cursor.isGroup, topics: cursor.filter.patterns,
            floor: cursor.floor.value, lag: row.lag, failing: cursor.attempts.count,
            dead: Int(clamping: row.deadLetters))
    }
}

extension OutboxReport {
    init(_ path: String, _ inspection: OutboxInspection) throws {
        let rows = try inspection.lanes()
        self.init(
            path: path, messages: rows.reduce(0) { $0 + $1.queued },
            bytes: rows.reduce(0) { $0 + $1.bytes }, oldest: rows.compactMap(\.oldest).min(),
            lanes: rows.map { row in
                Lane(
                    destination: row.lane.destination, producer: row.lane.producer,
                    inbox: row.lane.inbox, queued: row.queued, next: row.lane.end.value,
                    settled: row.lane.settledBelow.value, halted: row.lane.halted)
            })
    }
}

/// Finds a message by the name that every message has, or by its own id.
struct MessageLookup {
    private let inspection: OutboxInspection?

    /// An outbox that is not there has no messages.
    init(_ path: String) throws {
        do {
            inspection = try OutboxInspection(path)
        } catch let failure as StoreFailure where failure.reason == .missing {
            inspection = nil
        }
    }

    func place(of id: String) throws -> OutboxInspection.Place? {
        guard let inspection else { return nil }
        if let place = try inspection.places(ofID: id).first { return place }
        guard let name = MessageName(id) else { return nil }
        return try inspection.place(of: name.producer, LaneSequence(name.sequence))
    }
}
