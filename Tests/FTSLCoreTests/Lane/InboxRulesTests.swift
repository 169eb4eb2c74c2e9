import FTSLCore
import NIOCore
import Testing

struct InboxRulesTests {
    private var limits = InboxLimits()

    private func apply(_ change: InboxChange, _ inbox: inout MemoryInbox) throws -> InboxResult {
        try InboxRules.apply(change, in: &inbox, limits: limits)
    }

    private func open(
        _ inbox: inout MemoryInbox, owner: String = "alice", _ mode: DeliveryMode = .exactlyOnce,
        oldest: UInt64 = 1, settledBelow: UInt64 = 1
    ) throws -> ProducerCursor {
        let result = try apply(
            .openLane(
                producer, owner: owner, mode, oldest: LaneSequence(oldest),
                settledBelow: LaneSequence(settledBelow)), &inbox)
        guard case .lane(let cursor, _) = result else { throw refusal(result) }
        return cursor
    }

    private func refusal(_ result: InboxResult) -> Failure {
        guard case .refused(let failure) = result else {
            return Failure(.local, .internalError, "not refused")
        }
        return failure
    }

    /// Where a producer stands, as the rules answer.
    private struct Progress: Equatable {
        var next: LaneSequence
        var exceptions: [LaneException]
        var hasRoom: Bool
    }

    private func progress(
        _ next: UInt64, _ exceptions: [LaneException] = [], hasRoom: Bool = true
    ) -> Progress {
        Progress(next: LaneSequence(next), exceptions: exceptions, hasRoom: hasRoom)
    }

    private func standing(_ result: InboxResult) -> Progress? {
        guard case .progress(let next, let exceptions, let hasRoom, _) = result else { return nil }
        return Progress(next: next, exceptions: exceptions, hasRoom: hasRoom)
    }

    private func standing(_ change: InboxChange, _ inbox: inout MemoryInbox) throws -> Progress? {
        standing(try apply(change, &inbox))
    }

    /// [FTSL §7.4]
    @Test("Message, cursor and chain move together; a repetition moves nothing")
    func storing() throws {
        var inbox = MemoryInbox()
        let fence = try open(&inbox).fence
        #expect(
            try standing(
                .messages(producer, fence, [incoming(1, "a"), incoming(2, "b")]), &inbox)
                == progress(3))
        let after = inbox.producers[producer]
        #expect(
            try standing(
                .messages(producer, fence, [incoming(1, "a"), incoming(2, "b")]), &inbox)
                == progress(3))
        #expect(inbox.texts == ["a", "b"])
        #expect(inbox.producers[producer] == after)
        #expect(after?.chain != .empty)
    }

    @Test("A message after a gap is refused, and nothing of it stays")
    func gap() throws {
        var inbox = MemoryInbox()
        let fence = try open(&inbox).fence
        let result = try apply(.messages(producer, fence, [incoming(2, "b")]), &inbox)
        #expect(refusal(result).code == .positionGap)
        #expect(inbox.texts == [])
    }

    /// [FTSL §7.3]
    @Test("A producer belongs to the identity that used it first")
    func owner() throws {
        var inbox = MemoryInbox()
        _ = try open(&inbox)
        #expect(throws: Failure.self) { try open(&inbox, owner: "mallory") }
        #expect(inbox.producers[producer]?.owner == "alice")
    }

    @Test("A producer too many is refused")
    func producers() throws {
        var inbox = MemoryInbox()
        var limits = InboxLimits()
        limits.maxProducers = 0
        let result = try InboxRules.apply(
            .openLane(
                producer, owner: "alice", .exactlyOnce, oldest: .first, settledBelow: .first),
            in: &inbox, limits: limits)
        #expect(refusal(result).code == .tooManyProducers)
    }

    /// [FTSL §7.5]
    @Test(
        "An id of the same sender stores once; with another body it is rejected; others' ids differ"
    )
    func idempotency() throws {
        var inbox = MemoryInbox()
        let fence = try open(&inbox).fence
        let result = try apply(
            .messages(
                producer, fence,
                [incoming(1, "a", id: "x"), incoming(2, "a", id: "x"), incoming(3, "b", id: "x")]),
            &inbox)
        #expect(
            standing(result)
                == progress(
                    4, .init([2: .duplicate(of: InboxIndex(1)), 3: .rejected(.idReused)])))
        #expect(
            try standing(
                .deposit(
                    ProducerID(high: 2, low: 2), owner: "bob", [incoming(1, "b", id: "x")]),
                &inbox) == progress(2))
        #expect(inbox.texts == ["a", "b"])
    }

    /// [FTSL §7.4]
    @Test("Outcomes other than accepted are kept until the sender recorded them")
    func exceptions() throws {
        var inbox = MemoryInbox()
        let fence = try open(&inbox).fence
        _ = try apply(.skip(producer, fence, .first, .expired, ChainValue(5)), &inbox)
        let rejected = try apply(
            .reject(
                producer, fence, LaneSequence(2), .messageTooLarge,
                envelope: Envelope(topic: "t", created: 0), BodyDigest(count: 9, digest: 9)),
            &inbox)
        let both = [LaneException]([
            1: .skipped(.expired), 2: .rejected(.messageTooLarge),
        ])
        #expect(standing(rejected) == progress(3, both))
        #expect(try open(&inbox).exceptions == both)
        let newest = LaneFence(inbox.fence)
        #expect(
            try standing(.recorded(producer, newest, below: LaneSequence(2)), &inbox)
                == progress(3, .init([2: .rejected(.messageTooLarge)])))
        #expect(try open(&inbox, settledBelow: 3).exceptions == [])
    }

    @Test("A full list of outcomes stops the lane where it is, before the message")
    func fullExceptions() throws {
        var inbox = MemoryInbox()
        let fence = try open(&inbox).fence
        let count = UInt64(Bound.laneExceptions)
        for sequence in 1...count + 1 {
            _ = try apply(
                .skip(producer, fence, LaneSequence(sequence), .expired, .empty), &inbox)
        }
        #expect(inbox.producers[producer]?.next == LaneSequence(count + 1))
        _ = try apply(.recorded(producer, fence, below: LaneSequence(2)), &inbox)
        _ = try apply(
            .skip(producer, fence, LaneSequence(count + 1), .expired, .empty), &inbox)
        #expect(inbox.producers[producer]?.next == LaneSequence(count + 2))
    }

    /// [FTSL §7.4]
    @Test("A full inbox stops before the message, or rejects it, as it was told")
    func full() throws {
        for policy in [InboxLimits.WhenFull.block, .fail] {
            var inbox = MemoryInbox()
            let fence = try open(&inbox).fence
            var limits = InboxLimits()
            limits.maxMessages = 1
            limits.whenFull = policy
            let result = try InboxRules.apply(
                .messages(producer, fence, [incoming(1, "a"), incoming(2, "b")]), in: &inbox,
                limits: limits)
            #expect(inbox.texts == ["a"])
            #expect(
                standing(result)
                    == (policy == .block
                        ? progress(2, hasRoom: false)
                        : progress(3, .init([2: .rejected(.inboxFull)]))))
        }
    }

    /// [FTSL §7.1]
    @Test("Of lanes that are not durable the store remembers the messages, and no producer")
    func volatile() throws {
        var inbox = MemoryInbox()
        #expect(try open(&inbox, .atLeastOnce, oldest: 7).next == LaneSequence(7))
        #expect(
            try standing(.deposit(producer, owner: "alice", [incoming(7, "a")]), &inbox)
                == progress(8))
        #expect(inbox.producers.isEmpty)
        #expect(inbox.texts == ["a"])
    }
}
