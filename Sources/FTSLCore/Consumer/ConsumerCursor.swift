/// A durable position in an inbox: what a named consumer, or a group of them, has finished.
/// [FTSL §7.6]
package struct ConsumerCursor: Hashable, Sendable {
    package var name: String
    /// Members share the messages; otherwise the newest subscriber is the only one.
    package var isGroup: Bool
    /// Fixed when the cursor was made.
    package var filter: TopicFilter
    /// Everything below is finished or was never for this cursor.
    package var floor: InboxIndex
    /// Finished above the floor, ascending, disjoint and not adjacent; bounded by `Bound`.
    package var finished: [ClosedRange<UInt64>]
    /// Deliveries that failed, of messages not finished; removed with them.
    package var attempts: [InboxIndex: UInt32]
    /// Dead letters put back and not finished since, ascending; may lie below the floor, which
    /// never goes back. Bounded by `Bound.returnedLetters`.
    package var returned: [InboxIndex]

    package init(name: String, isGroup: Bool, filter: TopicFilter, floor: InboxIndex) {
        self.name = name
        self.isGroup = isGroup
        self.filter = filter
        self.floor = floor
        finished = []
        attempts = [:]
        returned = []
    }

    /// Messages from here on must be kept for this cursor.
    package var oldestNeeded: InboxIndex { min(floor, returned.first ?? floor) }

    /// Nothing is left to do for the message at `index`.
    package func hasFinished(_ index: InboxIndex) -> Bool {
        guard !returned.contains(index) else { return false }
        return index < floor || finished.holds(index.value)
    }

    /// Marks a message as finished; the floor stays. True unless it was finished before.
    mutating func finish(_ index: InboxIndex) -> Bool {
        guard !hasFinished(index) else { return false }
        attempts[index] = nil
        if let position = returned.firstIndex(of: index) {
            returned.remove(at: position)
        }
        if index >= floor { finished.insert(index.value) }
        return true
    }

    /// Nothing below `index` is left to do.
    mutating func raiseFloor(to index: InboxIndex) {
        assert(index >= floor, "a floor never goes back")
        floor = index
        finished.remove(below: index.value)
    }
}

/// A message that a cursor gave up on; it keeps its place in the inbox. [FTSL §7.7]
package struct DeadLetter: Hashable, Sendable {
    package var cursor: String
    package var index: InboxIndex
    package var attempts: UInt32
    package var reason: String
    /// Milliseconds since 1970.
    package var died: UInt64

    package init(
        cursor: String, index: InboxIndex, attempts: UInt32, reason: String, died: UInt64
    ) {
        self.cursor = cursor
        self.index = index
        self.attempts = attempts
        self.reason = reason
        self.died = died
    }
}

/// Where a cursor begins that did not exist before. [FTSL §7.6]
package enum ConsumerStart: Hashable, Sendable {
    case beginning
    case end
    case index(InboxIndex)
    /// The last so many that match.
    case last(UInt64)
    /// Stored at or after this time, in milliseconds since 1970 by the inbox's clock.
    case since(UInt64)
    /// Stored at most so many milliseconds ago.
    case age(UInt64)
}
