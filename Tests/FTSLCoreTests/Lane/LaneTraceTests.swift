import FTSLCore
import NIOCore
import Testing

/// The counterexamples that the model of lanes found, each with the rule that prevents it and with
/// the mistake it warns of.
struct LaneTraceTests {
    private struct Ends {
        var outbox = MemoryOutbox(producer: producer)
        var inbox = MemoryInbox()

        mutating func submit(_ texts: String...) throws {
            _ = try OutboxRules.apply(.submit(texts.map { new($0) }, to: "there"), in: &outbox)
        }

        var lane: OutboxLane {
            outbox.lane("there") ?? OutboxLane(destination: "", producer: producer)
        }

        mutating func open() throws -> ProducerCursor {
            let result = try change(
                .openLane(
                    producer, owner: "alice", .exactlyOnce, oldest: lane.settledBelow,
                    settledBelow: lane.settledBelow))
            guard case .lane(let cursor, _) = result else { throw Failure.noLane }
            return cursor
        }

        mutating func change(_ change: InboxChange) throws -> InboxResult {
            try InboxRules.apply(change, in: &inbox, limits: InboxLimits())
        }

        /// What is below `end` arrives on the lane with the fence.
        mutating func send(_ fence: LaneFence, _ sequences: ClosedRange<UInt64>) throws
            -> InboxResult
        {
            let messages = try sequences.map { sequence in
                let message = try #require(outbox.message(LaneSequence(sequence), of: lane))
                return IncomingMessage(
                    sequence: message.sequence, envelope: message.envelope,
                    digest: message.digest, body: message.body)
            }
            return try change(.messages(producer, fence, messages))
        }

        mutating func ready(_ cursor: ProducerCursor) throws -> OutboxResult {
            let standing = InboxStanding(
                inbox: inbox.identity, next: cursor.next, chain: cursor.chain,
                exceptions: cursor.exceptions)
            return try OutboxRules.apply(
                .ready(standing, .exactlyOnce, destination: "there"), in: &outbox)
        }

        func outcome(_ sequence: UInt64) -> Resolution? {
            outbox.exception(LaneSequence(sequence), of: lane)
        }
    }

    private func code(_ result: OutboxResult) -> FailureCode? {
        if case .refused(let failure) = result { failure.code } else { nil }
    }

    private func code(_ result: InboxResult) -> FailureCode? {
        if case .refused(let failure) = result { failure.code } else { nil }
    }

    /// [FTSL §7.4]
    @Test("c1, c2: a rejection whose ACCEPTED was lost is in READY", arguments: [false, true])
    func lostRejection(mistake: Bool) throws {
        var ends = Ends()
        try ends.submit("a", "b")
        let fence = try ends.open().fence
        _ = try ends.send(fence, 1...1)
        _ = try ends.change(
            .reject(
                producer, fence, LaneSequence(2), .topicForbidden,
                envelope: Envelope(topic: "t", created: 5), new("b").digest))
        // Both processes are killed; ACCEPTED never came.
        var cursor = try ends.open()
        if mistake { cursor.exceptions = [] }
        #expect(code(try ends.ready(cursor)) == nil)
        #expect(ends.lane.settledBelow == LaneSequence(3))
        #expect(ends.outcome(2) == (mistake ? nil : .rejected(.topicForbidden)))
    }

    /// [FTSL §7.3]
    @Test("c3, c4: bytes of an older lane store nothing behind a SKIP", arguments: [false, true])
    func oldLaneDrains(mistake: Bool) throws {
        var ends = Ends()
        try ends.submit("a")
        let old = try ends.open().fence
        // Its MESSAGE is on the way when the sender is killed; the new lane sees it unstored.
        let new = try ends.open()
        #expect(new.next == .first)
        let late = try ends.send(mistake ? new.fence : old, 1...1)
        #expect(code(late) == (mistake ? nil : .superseded))
        #expect(ends.inbox.texts == (mistake ? ["a"] : []))
        _ = try OutboxRules.apply(
            .skipping([.first: .expired], destination: "there"), in: &ends.outbox)
        let chain = try #require(ends.outbox.chain(of: .first, of: ends.lane))
        _ = try ends.change(.skip(producer, new.fence, .first, .expired, chain))
        let listed = ends.inbox.producers[producer]?.exceptions
        #expect(listed == (mistake ? [] : .init([1: .skipped(.expired)])))
    }

    /// [FTSL §7.3]
    @Test(
        "c5, c6: an outbox restored from a backup is told, however much it sent since",
        arguments: [false, true])
    func outboxRolledBack(mistake: Bool) throws {
        var ends = Ends()
        try ends.submit("a")
        let backup = ends.outbox
        try ends.submit("b")
        let fence = try ends.open().fence
        _ = try ends.send(fence, 1...2)
        ends.outbox = backup
        try ends.submit("other", "more")
        var cursor = try ends.open()
        if mistake {
            cursor.chain = try #require(
                ends.outbox.chain(of: LaneSequence(cursor.next.value - 1), of: ends.lane))
        }
        #expect(code(try ends.ready(cursor)) == (mistake ? nil : .outboxRolledBack))
        #expect(ends.lane.halted == (mistake ? nil : .outboxRolledBack))
        // The mistake loses "other" silently.
        #expect(ends.lane.settledBelow == (mistake ? LaneSequence(3) : .first))
        #expect(ends.inbox.texts == ["a", "b"])
    }

    @Test("An outbox restored from a backup is told when its messages say the same, too")
    func sameTexts() throws {
        var ends = Ends()
        let backup = ends.outbox
        try ends.submit("tick")
        let fence = try ends.open().fence
        _ = try ends.send(fence, 1...1)
        ends.outbox = backup
        var later = new("tick")
        later.envelope.created += 1
        _ = try OutboxRules.apply(.submit([later], to: "there"), in: &ends.outbox)
        let cursor = try ends.open()
        #expect(code(try ends.ready(cursor)) == .outboxRolledBack)
    }

    /// [FTSL §7.3]
    @Test("c7: an inbox created anew, or restored from a backup, is told by name")
    func otherInbox() throws {
        var ends = Ends()
        try ends.submit("a", "b")
        let backup = ends.inbox
        let fence = try ends.open().fence
        #expect(code(try ends.ready(try ends.open())) == nil)
        _ = try ends.send(LaneFence(fence.value + 1), 1...1)
        let stored = try ends.open()
        #expect(code(try ends.ready(stored)) == nil)
        #expect(ends.lane.settledBelow == LaneSequence(2))
        let before = ends.outbox

        ends.inbox = backup
        #expect(code(try ends.ready(try ends.open())) == .historyLost)
        #expect(ends.lane.halted == .historyLost)

        ends.outbox = before
        ends.inbox = MemoryInbox()
        ends.inbox.identity.id = InboxID(high: 7, low: 7)
        #expect(code(try ends.ready(try ends.open())) == .inboxChanged)
        #expect(ends.lane.halted == .inboxChanged)
        #expect(code(try ends.ready(stored)) == .inboxChanged, "until the user decides")
    }

    @Test("An inbox older than one that was met is waited for, not halted on")
    func staleGeneration() throws {
        var ends = Ends()
        try ends.submit("a")
        ends.inbox.identity.generation = Generation(moves: 1, starts: 0)
        #expect(code(try ends.ready(try ends.open())) == nil)
        ends.inbox.identity.generation = .first
        #expect(code(try ends.ready(try ends.open())) == .staleGeneration)
        #expect(ends.lane.halted == nil)
    }

    @Test("A copy of the inbox that lost nothing of a sender goes on; one that did is found out")
    func restoredInbox() throws {
        var ends = Ends()
        try ends.submit("a")
        ends.inbox.identity.generation = Generation(moves: 0, starts: 5)
        #expect(code(try ends.ready(try ends.open())) == nil)
        ends.inbox.identity.generation = Generation(moves: 0, starts: 3)
        #expect(code(try ends.ready(try ends.open())) == nil)
        #expect(ends.lane.generation.starts == 5, "what was met is not forgotten")
        _ = try OutboxRules.apply(
            .resolved(below: LaneSequence(2), [], destination: "there"), in: &ends.outbox)
        #expect(code(try ends.ready(try ends.open())) == .historyLost)
    }

    @Test("A lane begun anew sends what was not resolved, in order, under a fresh producer")
    func renewal() throws {
        var ends = Ends()
        try ends.submit("a", "b", "c")
        _ = try OutboxRules.apply(
            .resolved(below: LaneSequence(2), [], destination: "there"), in: &ends.outbox)
        _ = try OutboxRules.apply(
            .halted(.inboxChanged, destination: "there"), in: &ends.outbox)
        let fresh = ProducerID(high: 5, low: 5)
        _ = try OutboxRules.apply(
            .renew(destination: "there", producer: fresh), in: &ends.outbox)
        #expect(ends.lane.producer == fresh)
        #expect(ends.lane.halted == nil)
        let kept = ends.outbox.messages(
            from: .first, of: ends.lane, maxMessages: 9, maxBytes: 99)
        #expect(kept.map(\.body) == [.inline(bytes("b")), .inline(bytes("c"))])
        #expect(kept.last?.chain == ends.lane.chain)
    }
}

extension Failure {
    fileprivate static let noLane = Failure(.local, .internalError, "no lane")
}
