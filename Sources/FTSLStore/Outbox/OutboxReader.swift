internal import FTSLCore
internal import NIOCore

/// Answers what only reads, on a connection of its own.
final class OutboxReader {
    let database: Database

    init(_ path: String) throws {
        database = try StoreFile.inspect(path, OutboxSchema.schema)
    }

    func answer(_ request: OutboxRequest) throws -> OutboxReply {
        try database.statement("BEGIN").run()
        defer { database.rollback() }
        switch request {
        case .change: throw StoreFailure(.misuse, "a change is not read")
        case .page(let destination, let from, let maxMessages, let maxBytes):
            return try page(destination, from, maxMessages, maxBytes)
        case .piece(let producer, let sequence, let offset, let maxBytes):
            return try piece(producer, sequence, offset, maxBytes)
        case .outcome(let producer, let sequence):
            return .outcome(try outcome(of: producer, sequence))
        }
    }

    private func page(
        _ destination: String, _ from: LaneSequence, _ maxMessages: Int, _ maxBytes: UInt64
    ) throws -> OutboxReply {
        guard let row = try LaneRow.current(destination, database) else { return .page(nil, []) }
        let rows = try database.statement(
            "SELECT \(OutboxRow.columns) FROM message WHERE at >= ? AND at <= ? ORDER BY at")
        rows.bind(1, row.at(max(from, row.lane.settledBelow)))
        rows.bind(2, row.at(LaneSequence(.max)))
        defer { rows.reset() }
        var messages: [OutboxMessage] = []
        var bytes: UInt64 = 0
        while messages.count < maxMessages, bytes < maxBytes, try rows.step() {
            let message = try OutboxRow.message(rows, database)
            if case .inline(let body) = message.body { bytes += UInt64(body.readableBytes) }
            messages.append(message)
        }
        return .page(row.lane, messages)
    }

    private func piece(
        _ producer: ProducerID, _ sequence: LaneSequence, _ offset: UInt64, _ maxBytes: UInt64
    ) throws -> OutboxReply {
        let statement = try database.statement(
            "SELECT body FROM message WHERE at = ? AND typeof(body) = 'integer'")
        guard let row = try LaneRow.of(producer, database) else { return .piece(ByteBuffer()) }
        statement.bind(1, row.at(sequence))
        guard let body = try statement.first({ $0.bits(0) }) else {
            throw StoreFailure(.misuse, "message \(sequence.value) has no large body here")
        }
        return .piece(try Pieces.read(body, offset: offset, maxBytes: maxBytes, database))
    }

    /// Accepted if the lane is past it and nothing else is recorded. What never left and has
    /// expired is so for whoever would send it.
    func outcome(of producer: ProducerID, _ sequence: LaneSequence) throws -> MessageOutcome? {
        guard let row = try LaneRow.of(producer, database), sequence >= .first,
            sequence < row.lane.end
        else { return nil }
        if let resolution = try OutboxRow.exception(sequence, lane: row.key, database) {
            return .resolved(resolution)
        }
        if sequence < row.lane.settledBelow { return .accepted }
        guard row.isCurrent else { return nil }
        let wasOffered = sequence < row.lane.offeredBelow
        let statement = try database.statement("SELECT flags, expires FROM message WHERE at = ?")
        statement.bind(1, row.at(sequence))
        let found = try statement.first {
            (OutboxRow.skipped($0.bits(0)), $0.isNull(1) ? nil : $0.bits(1))
        }
        if let reason = found?.0 { return .resolved(.skipped(reason)) }
        if !wasOffered, let expires = found?.1, expires <= Clock.milliseconds() {
            return .resolved(.skipped(.expired))
        }
        return wasOffered ? .sent : .queued
    }
}
