package import FTSLCore

/// What an inbox knows of one message.
package enum InboxFate: Hashable, Sendable {
    /// On its disk, and some cursor has it to do, or there is none.
    case accepted(InboxIndex)
    /// Every cursor that wants it has finished it.
    case processed(InboxIndex)
    case dead(DeadLetter)
    case resolved(Resolution)
    /// Resolved and not here any more: finished by all, or never stored.
    case gone
}

extension InboxInspection {
    /// Nil: nothing was heard of it.
    package func fate(of producer: ProducerID, _ sequence: LaneSequence) throws -> InboxFate? {
        if let message = try message(of: producer, sequence) {
            return try fate(at: message.index)
        }
        let rows = try database.statement("SELECT next, exceptions FROM producer WHERE id = ?")
        rows.bind(1, producer.bytes)
        let found = try rows.first { row in
            (row.bits(0), try row.withBytes(1) { try [LaneException](packed: $0) })
        }
        guard let (next, exceptions) = found, sequence.value < next else { return nil }
        let exception = exceptions.first { $0.sequence == sequence }
        return exception.map { .resolved($0.resolution) } ?? .gone
    }

    package func fate(at index: InboxIndex) throws -> InboxFate {
        guard let message = try message(at: index) else { return .gone }
        let letters = try database.statement(
            "SELECT idx, attempts, reason, died, cursor FROM dead WHERE idx = ? LIMIT 1")
        letters.bind(1, Int64(clamping: index.value))
        if let letter = try letters.first({ InboxWriter.deadLetter($0.text(4), $0) }) {
            return .dead(letter)
        }
        let names = try database.statement("SELECT name FROM cursor")
        defer { names.reset() }
        var isWatched = false
        while try names.step() {
            isWatched = true
            guard let cursor = try InboxWriter.cursor(names.text(0), database)?.cursor,
                cursor.filter.matches(message.envelope.topic), !cursor.hasFinished(index)
            else { continue }
            return .accepted(index)
        }
        return isWatched ? .processed(index) : .accepted(index)
    }
}
