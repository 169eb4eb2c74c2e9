/// What becomes of a cursor, decided inside the transaction that makes it durable. [FTSL §7.6]
package enum ConsumerRules {
    /// Applies a change of a consumer; changes of lanes belong to `InboxRules`.
    package static func apply(
        _ change: InboxChange, in tx: inout some InboxTransaction, limits: InboxLimits
    ) throws -> InboxResult {
        switch change {
        case .subscribe(let name, let isGroup, let filter, let start):
            return try subscribe(
                name, isGroup: isGroup, filter, start, in: &tx, limits: limits)
        case .locate(let filter, let start):
            return .located(try locate(start, filter, in: &tx), end: tx.nextIndex)
        case .finish(let name, let index):
            return try changing(name, in: &tx) { cursor, tx in
                try finish(index, of: &cursor, in: &tx)
            }
        case .failed(let name, let index, let attempts):
            return try changing(name, in: &tx) { cursor, _ in
                if !cursor.hasFinished(index) {
                    cursor.attempts[index] = max(attempts, cursor.attempts[index] ?? 0)
                }
                return nil
            }
        case .bury(let letter):
            return try changing(letter.cursor, in: &tx) { cursor, tx in
                try bury(letter, of: &cursor, in: &tx, limits: limits)
            }
        case .return(let name, let index):
            return try changing(name, in: &tx) { cursor, tx in
                try putBack(index, of: &cursor, in: &tx)
            }
        case .openLane, .messages, .deposit, .skip, .recorded, .reject, .piece, .dropPieces:
            preconditionFailure("a change of a lane")
        }
    }

    /// Passes what is finished, does not match or is not there any more: the first message that is
    /// left to do, or the end, becomes the floor. True when that moved it.
    ///
    /// Each index is looked at once in the life of a cursor. A store calls this before it asks
    /// which messages may go: a cursor whose filter lets nothing through finishes nothing.
    package static func advanceFloor(
        of cursor: inout ConsumerCursor, in tx: inout some InboxTransaction
    ) throws -> Bool {
        var floor = cursor.floor
        while true {
            if let range = cursor.finished.first, range.lowerBound <= floor.value {
                floor = InboxIndex(range.upperBound + 1)
                cursor.finished.removeFirst()
                continue
            }
            let next = try tx.index(from: floor, matching: cursor.filter) ?? tx.nextIndex
            if next <= floor { break }
            floor = next
            // Messages may have gone that were finished above.
            cursor.finished.remove(below: floor.value)
        }
        defer { cursor.raiseFloor(to: floor) }
        return floor != cursor.floor
    }

    // MARK: Beginnings

    private static func subscribe(
        _ name: String, isGroup: Bool, _ filter: TopicFilter, _ start: ConsumerStart,
        in tx: inout some InboxTransaction, limits: InboxLimits
    ) throws -> InboxResult {
        if var cursor = try tx.consumer(name) {
            guard cursor.isGroup == isGroup else {
                return refused(
                    .cursorMismatch,
                    "\(name) was made as a \(cursor.isGroup ? "group" : "cursor"), and stays one")
            }
            guard cursor.filter == filter else {
                return refused(.cursorMismatch, "\(name) was made with another topic filter")
            }
            if try advanceFloor(of: &cursor, in: &tx) { try tx.save(cursor) }
            return .consumer(cursor, end: tx.nextIndex)
        }
        guard tx.consumerCount < limits.maxCursors else {
            return refused(.limits, "the inbox has \(limits.maxCursors) cursors already")
        }
        let floor = try locate(start, filter, in: &tx)
        var cursor = ConsumerCursor(name: name, isGroup: isGroup, filter: filter, floor: floor)
        _ = try advanceFloor(of: &cursor, in: &tx)
        try tx.save(cursor)
        return .consumer(cursor, end: tx.nextIndex)
    }

    private static func locate(
        _ start: ConsumerStart, _ filter: TopicFilter, in tx: inout some InboxTransaction
    ) throws -> InboxIndex {
        let end = tx.nextIndex
        switch start {
        case .beginning: return .first
        case .end, .last(0): return end
        case .index(let index): return max(.first, min(index, end))
        case .last(let count): return try tx.index(last: count, matching: filter) ?? .first
        case .since(let time): return try tx.index(storedSince: time) ?? end
        case .age(let age): return try tx.index(storedSince: tx.now - min(age, tx.now)) ?? end
        }
    }

    // MARK: Messages of a cursor

    /// Saves the cursor when it changed; a refusal leaves it as it was.
    private static func changing<Transaction: InboxTransaction>(
        _ name: String, in tx: inout Transaction,
        _ body: (inout ConsumerCursor, inout Transaction) throws -> InboxResult?
    ) throws -> InboxResult {
        guard let before = try tx.consumer(name) else {
            return refused(.noSuchCursor, "there is no cursor \(name)")
        }
        var cursor = before
        if let refusal = try body(&cursor, &tx) { return refusal }
        if cursor != before { try tx.save(cursor) }
        return .done
    }

    /// Idempotent: an index that was finished before stays so.
    private static func finish(
        _ index: InboxIndex, of cursor: inout ConsumerCursor, in tx: inout some InboxTransaction
    ) throws -> InboxResult? {
        if index.value >= Bound.finishedAhead + cursor.floor.value {
            _ = try advanceFloor(of: &cursor, in: &tx)
            guard index.value < Bound.finishedAhead + cursor.floor.value else {
                return refused(
                    .finishedTooFarAhead,
                    "\(index.value) is \(Bound.finishedAhead) or more beyond what is left to do")
            }
        }
        if cursor.finish(index), index == cursor.floor {
            _ = try advanceFloor(of: &cursor, in: &tx)
        }
        return nil
    }

    /// A dead letter is finished, as far as its cursor is concerned. [FTSL §7.7]
    private static func bury(
        _ letter: DeadLetter, of cursor: inout ConsumerCursor, in tx: inout some InboxTransaction,
        limits: InboxLimits
    ) throws -> InboxResult? {
        guard !cursor.hasFinished(letter.index) else { return nil }
        guard tx.deadLetterCount < limits.maxDeadLetters else {
            return refused(
                .deadLettersFull, "the inbox keeps \(limits.maxDeadLetters) dead letters already")
        }
        if let refusal = try finish(letter.index, of: &cursor, in: &tx) { return refusal }
        var letter = letter
        letter.died = tx.now
        try tx.bury(letter)
        return nil
    }

    /// Makes a dead letter an ordinary message again, its attempts forgotten. [FTSL §7.7]
    private static func putBack(
        _ index: InboxIndex, of cursor: inout ConsumerCursor, in tx: inout some InboxTransaction
    ) throws -> InboxResult? {
        // The answer to an earlier RETURN was lost.
        if cursor.returned.contains(index) { return nil }
        guard try tx.deadLetter(cursor.name, index) != nil, try tx.message(at: index) != nil else {
            return refused(
                .noSuchCursor, "\(index.value) is no dead letter of \(cursor.name)")
        }
        guard cursor.returned.count < Bound.returnedLetters else {
            return refused(
                .limits, "\(Bound.returnedLetters) dead letters wait for \(cursor.name) already")
        }
        try tx.exhume(cursor.name, index)
        let position = cursor.returned.firstIndex { index < $0 } ?? cursor.returned.endIndex
        cursor.returned.insert(index, at: position)
        cursor.attempts[index] = nil
        return nil
    }

    private static func refused(_ code: FailureCode, _ text: String) -> InboxResult {
        .refused(Failure(.peer, code, text))
    }
}
