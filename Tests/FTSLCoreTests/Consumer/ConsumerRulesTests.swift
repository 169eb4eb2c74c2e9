import FTSLCore
import Testing

@Suite("What becomes of a cursor [FTSL §7.6]")
struct ConsumerRulesTests {
    private var inbox = MemoryInbox()
    private var limits = InboxLimits()

    private mutating func apply(_ change: InboxChange) throws -> InboxResult {
        try ConsumerRules.apply(change, in: &inbox, limits: limits)
    }

    private mutating func subscribe(
        _ name: String = "c", isGroup: Bool = false, _ patterns: [String] = [],
        _ start: ConsumerStart = .beginning
    ) throws -> InboxResult {
        try apply(.subscribe(name: name, isGroup: isGroup, TopicFilter(patterns), start))
    }

    private mutating func floor(
        _ name: String = "c", isGroup: Bool = false, _ patterns: [String] = [],
        _ start: ConsumerStart = .beginning
    ) throws -> UInt64? {
        let result = try subscribe(name, isGroup: isGroup, patterns, start)
        guard case .consumer(let cursor, _) = result else { return nil }
        return cursor.floor.value
    }

    private mutating func finish(_ indexes: UInt64...) throws {
        for index in indexes {
            #expect(try apply(.finish(cursor: "c", InboxIndex(index))) == .done)
        }
    }

    private mutating func fill(_ topics: String...) {
        for topic in topics {
            inbox.put("x", topic: topic)
            inbox.now += 10
        }
    }

    private func code(_ result: InboxResult) -> FailureCode? {
        if case .refused(let failure) = result { failure.code } else { nil }
    }

    @Test("A cursor begins where it is told to, and only the first time")
    mutating func starts() throws {
        fill("a", "b", "a", "b")
        let starts: [(ConsumerStart, UInt64)] = [
            (.beginning, 1), (.end, 5), (.index(InboxIndex(3)), 3), (.index(InboxIndex(99)), 5),
            (.index(InboxIndex(0)), 1), (.last(2), 3), (.last(0), 5), (.last(99), 1),
            (.since(1_000_015), 3), (.age(10), 5), (.age(20), 3), (.age(.max), 1),
        ]
        for (number, (start, expected)) in starts.enumerated() {
            #expect(try floor("c\(number)", [], start) == expected, "\(start)")
        }
        #expect(try floor("b", ["b"], .last(2)) == 2)
        #expect(try floor("b", ["b"], .end) == 2)
        #expect(
            try apply(.locate(.everything, .last(1)))
                == .located(InboxIndex(4), end: InboxIndex(5)))
    }

    @Test("The filter and the kind of a cursor are fixed when it is made")
    mutating func mismatch() throws {
        _ = try subscribe("c", ["a"])
        #expect(code(try subscribe("c", ["b"])) == .cursorMismatch)
        #expect(code(try subscribe("c", isGroup: true, ["a"])) == .cursorMismatch)
        #expect(try floor("c", ["a"]) == 1)
    }

    @Test("An inbox has only so many cursors")
    mutating func cursors() throws {
        limits.maxCursors = 1
        _ = try subscribe("c")
        #expect(code(try subscribe("d")) == .limits)
        #expect(try floor("c") == 1)
    }

    @Test("The floor passes what is finished, does not match or is gone")
    mutating func floors() throws {
        fill("a", "a", "x", "a", "x", "a")
        #expect(try floor("c", ["a"]) == 1)
        try finish(2, 4)
        #expect(inbox.consumers["c"]?.floor.value == 1)
        #expect(inbox.consumers["c"]?.finished == [2...2, 4...4])
        try finish(1)
        #expect(inbox.consumers["c"]?.floor.value == 6)
        #expect(inbox.consumers["c"]?.finished == [])
        try finish(6)
        #expect(inbox.consumers["c"]?.floor.value == 7)
        fill("a", "a")
        inbox.removeAll()
        #expect(try floor("c", ["a"]) == 9)
    }

    @Test("A filter that lets nothing through holds no message back")
    mutating func nothingMatches() throws {
        #expect(try floor("c", ["a"]) == 1)
        fill("x", "x")
        var cursor = try #require(inbox.consumers["c"])
        #expect(try ConsumerRules.advanceFloor(of: &cursor, in: &inbox))
        #expect(cursor.floor.value == 3)
        #expect(try !ConsumerRules.advanceFloor(of: &cursor, in: &inbox))
    }

    @Test("Finishing again changes nothing, and an unknown cursor is refused")
    mutating func idempotent() throws {
        fill("a", "a")
        _ = try subscribe()
        try finish(1, 1)
        #expect(inbox.consumers["c"]?.floor.value == 2)
        #expect(code(try apply(.finish(cursor: "d", .first))) == .noSuchCursor)
    }

    @Test("No more than a bound is finished above the floor")
    mutating func tooFarAhead() throws {
        fill("a")
        _ = try subscribe()
        let last = Bound.finishedAhead
        try finish(last)
        #expect(code(try apply(.finish(cursor: "c", InboxIndex(last + 1)))) == .finishedTooFarAhead)
        #expect(inbox.consumers["c"]?.finished == [last...last])
    }

    @Test("Failures of a message are kept until it is finished")
    mutating func failures() throws {
        fill("a")
        _ = try subscribe()
        _ = try apply(.failed(cursor: "c", .first, attempts: 2))
        _ = try apply(.failed(cursor: "c", .first, attempts: 1))
        #expect(inbox.consumers["c"]?.attempts == [.first: 2])
        try finish(1)
        #expect(inbox.consumers["c"]?.attempts == [:])
        _ = try apply(.failed(cursor: "c", .first, attempts: 3))
        #expect(inbox.consumers["c"]?.attempts == [:])
    }

    // MARK: Dead letters

    private mutating func bury(_ index: UInt64) throws -> InboxResult {
        try apply(
            .bury(
                DeadLetter(
                    cursor: "c", index: InboxIndex(index), attempts: 5, reason: "no", died: 0)))
    }

    @Test("A dead letter is finished, and dated by the inbox's clock [FTSL §7.7]")
    mutating func burial() throws {
        fill("a", "a")
        _ = try subscribe()
        #expect(try bury(1) == .done)
        #expect(inbox.deadLetter("c", .first)?.died == inbox.now)
        #expect(inbox.consumers["c"]?.floor.value == 2)
        #expect(try bury(1) == .done)
        #expect(inbox.deadLetterCount == 1)
    }

    @Test("When dead letters are full, the message stays as it was [FTSL §7.7]")
    mutating func full() throws {
        limits.maxDeadLetters = 1
        fill("a", "a")
        _ = try subscribe()
        _ = try bury(1)
        #expect(code(try bury(2)) == .deadLettersFull)
        #expect(inbox.consumers["c"]?.floor.value == 2)
    }

    @Test("A letter that is put back is to be done again, and the floor stays [FTSL §7.7]")
    mutating func putBack() throws {
        fill("a", "a", "a")
        _ = try subscribe()
        try finish(1)
        _ = try bury(2)
        let change = InboxChange.return(cursor: "c", InboxIndex(2))
        #expect(try apply(change) == .done)
        #expect(try apply(change) == .done)
        let cursor = try #require(inbox.consumers["c"])
        #expect(cursor.floor.value == 3)
        #expect(cursor.returned == [InboxIndex(2)])
        #expect(cursor.oldestNeeded.value == 2)
        #expect(!cursor.hasFinished(InboxIndex(2)))
        #expect(inbox.deadLetterCount == 0)
        try finish(2)
        #expect(inbox.consumers["c"]?.oldestNeeded.value == 3)
        #expect(code(try apply(change)) == .noSuchCursor)
    }
}
