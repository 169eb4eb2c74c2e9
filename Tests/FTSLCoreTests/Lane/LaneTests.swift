import FTSLCore
import NIOCore
import Testing

/// Sender and inbox through two real sessions.
struct LaneTests {
    private static func lines(_ count: Int) -> [String] { (1...count).map { "line \($0)" } }

    /// [FTSL §7.2]
    @Test("What is submitted is stored once, in order, and said to be accepted")
    func delivery() throws {
        let lane = try LanePair()
        for line in Self.lines(100) { try lane.submit(new(line)) }
        try lane.run()
        #expect(lane.inbox.texts == Self.lines(100))
        #expect(lane.lane.settledBelow == LaneSequence(101))
        #expect(lane.events.last == .resolved(below: LaneSequence(101), []))
        #expect(lane.sender.isDrained)
        #expect(lane.violations == [])
    }

    @Test("A cut at any byte, of messages whole and in parts, loses and repeats nothing")
    func cuts() throws {
        func build() throws -> LanePair {
            let lane = try LanePair()
            try lane.submit(new("first"), new("second", id: "x"), new("", topic: "empty"))
            try lane.submit(new(String(repeating: "long ", count: 4_000)))
            try lane.submit(new("last"))
            return lane
        }
        let whole = try build()
        try whole.run()
        let expected = whole.inbox.stored
        try #require(expected.count == 5)
        var count = 0
        while true {
            let lane = try build()
            if try lane.run(bytes: count) { break }
            try lane.cut()
            try lane.run()
            try #require(lane.inbox.stored == expected, "cut after \(count) bytes")
            #expect(lane.lane.settledBelow == LaneSequence(6))
            #expect(lane.violations == [])
            // Every byte of what is small, and a sample of the long body.
            count += count < 1_000 ? 1 : 97
        }
        #expect(count > 20_000)
    }

    @Test(
        "A cut after every few bytes does not keep a large body from arriving", arguments: [1, 2])
    func progressOnBadLinks(megabytes: Int) throws {
        let lane = try LanePair()
        let body = pattern(megabytes * (1 << 20) + 5)
        try lane.submitLarge(body)
        var attachments = 0
        while try !lane.run(bytes: 12_000) {
            try lane.cut()
            attachments += 1
            try #require(attachments < 1_000, "no progress")
        }
        #expect(attachments > 100)
        #expect(lane.inbox.texts == ["(pieces)"])
        #expect(lane.inbox.pieces.values.map { $0 } == [body])
        #expect(lane.violations == [])
    }

    @Test("What the inbox claims to have of a body is compared before it is gone on with")
    func claimedPartial() throws {
        let lane = try LanePair()
        let body = pattern(1 << 20)
        try lane.submit(
            NewMessage(
                envelope: Envelope(topic: "t", created: 5), expires: nil,
                digest: BodyDigest(of: body), body: .inline(body)))
        _ = try lane.run(bytes: 100_000)
        lane.pair.cut()
        // An inbox with the same name and another beginning of the message.
        let other = try LanePair()
        let changed = pattern(1 << 20, from: 7)
        try other.submit(
            NewMessage(
                envelope: Envelope(topic: "t", created: 5), expires: nil,
                digest: BodyDigest(of: changed), body: .inline(changed)))
        _ = try other.run(bytes: 100_000)
        other.pair.cut()
        let sender = ProducerPort(
            lane: lane.lane, mode: .exactlyOnce, rng: CountingGenerator(seed: 3))
        other.sender = sender
        other.outbox = lane.outbox
        other.pair.left.port = sender
        other.pair.resume()
        try other.run()
        #expect(other.inbox.stored.first?.body == .inline(body))
        #expect(other.violations == [])
    }

    /// [FTSL §7.4]
    @Test("Nothing is accepted before the store's answer, and all that came at once is one change")
    func acceptedAfterCommit() throws {
        let lane = try LanePair()
        try lane.run()
        try lane.submit(new("a"), new("b"), new("c"))
        lane.storeIsHeld = true
        try lane.run()
        #expect(lane.lane.settledBelow == .first)
        lane.storeIsHeld = false
        try lane.run()
        #expect(lane.lane.settledBelow == LaneSequence(4))
        let batches = lane.changes.compactMap {
            if case .messages(_, _, let messages) = $0 { messages.count } else { nil }
        }
        #expect(batches == [3])
    }

    /// [FTSL §7.4]
    @Test("Forbidden topics and large bodies are rejected by name; what follows is stored")
    func rejections() throws {
        var limits = InboxLimits()
        limits.maxMessage = 20_000
        let lane = try LanePair(
            limits: limits,
            permissions: InboxPermissions(send: TopicFilter(["t"]), consume: nil))
        let large = pattern(100_000)
        try lane.submit(
            new("a"), new("b", topic: "secret"),
            NewMessage(
                envelope: Envelope(topic: "t", created: 5), expires: nil,
                digest: BodyDigest(of: large), body: .inline(large)), new("c"))
        try lane.run()
        #expect(lane.inbox.texts == ["a", "c"])
        #expect(lane.outcome(1) == .accepted)
        #expect(lane.outcome(2) == .resolved(.rejected(.topicForbidden)))
        #expect(lane.outcome(3) == .resolved(.rejected(.messageTooLarge)))
        #expect(lane.outcome(4) == .accepted)
        #expect(lane.inbox.producers[producer]?.exceptions == [], "RECORDED lets them go")
    }

    @Test("Any number of rejections gets through, though few may be unrecorded")
    func manyRejections() throws {
        let lane = try LanePair(
            permissions: InboxPermissions(send: TopicFilter(["t"]), consume: nil))
        let count = 3 * Bound.laneExceptions
        for line in Self.lines(count) { try lane.submit(new(line, topic: "secret")) }
        try lane.submit(new("end"))
        for _ in 0..<20 where !lane.sender.isDrained {
            try lane.run()
            lane.pass(.seconds(2))
        }
        #expect(lane.inbox.texts == ["end"])
        #expect(lane.outcome(UInt64(count)) == .resolved(.rejected(.topicForbidden)))
        #expect(lane.violations == [])
    }

    /// [FTSL §7.4]
    @Test("What expired or was cancelled before it left is skipped, and so on disk before SKIP")
    func skipping() throws {
        let lane = try LanePair()
        try lane.submit(new("a", expires: lane.wallClock - 1), new("b"), new("c"))
        _ = try OutboxRules.apply(
            .cancel(LaneSequence(3), destination: lane.destination), in: &lane.outbox)
        try lane.run()
        #expect(lane.inbox.texts == ["b"])
        #expect(lane.outcome(1) == .resolved(.skipped(.expired)))
        #expect(lane.outcome(3) == .resolved(.skipped(.cancelled)))
        let chain = lane.inbox.producers[producer]?.chain
        #expect(chain == lane.lane.chain, "the chain goes through what was skipped")
        try lane.cut()
        try lane.submit(new("d"))
        try lane.run()
        #expect(lane.inbox.texts == ["b", "d"])
        #expect(lane.ending == nil)
    }

    @Test("What was begun on this attachment is not cancelled any more")
    func tooLate() throws {
        let lane = try LanePair()
        try lane.run()
        try lane.submit(new("a"))
        lane.storeIsHeld = true
        try lane.run()
        lane.sender.cancelRequested(.first)
        lane.storeIsHeld = false
        try lane.run()
        #expect(lane.inbox.texts == ["a"])
        #expect(lane.outcome(1) == .accepted)
    }

    @Test("Cancelled before anybody offered it, a message is skipped whenever its inbox is there")
    func cancelledAtOnce() throws {
        let lane = try LanePair()
        let submitted = OutboxChange.submit([new("a"), new("b")], to: lane.destination)
        _ = try OutboxRules.apply(submitted, in: &lane.outbox)
        let cancel = OutboxChange.cancel(.first, destination: lane.destination)
        let cancelled = MessageOutcome.resolved(.skipped(.cancelled))
        #expect(try OutboxRules.apply(cancel, in: &lane.outbox) == .known(cancelled))
        lane.sender.submitted(upTo: lane.lane.end)
        try lane.run()
        #expect(lane.inbox.texts == ["b"])
        #expect(lane.outcome(1) == cancelled)
    }

    @Test("Nothing is sent that is not marked as sent on the disk")
    func offeredFirst() throws {
        let lane = try LanePair()
        try lane.run()
        #expect(lane.lane.offeredBelow == .first)
        let count = Bound.offeredAhead + 10
        for number in 1...count { try lane.submit(new("\(number)")) }
        var highest = LaneSequence.first
        while try lane.serveOutbox() {
            #expect(lane.lane.offeredBelow >= highest)
            highest = lane.sender.lane.offeredBelow
        }
        #expect(highest < lane.lane.end)
        let last = OutboxChange.cancel(
            LaneSequence(count), destination: lane.destination)
        let cancelled = MessageOutcome.resolved(.skipped(.cancelled))
        #expect(try OutboxRules.apply(last, in: &lane.outbox) == .known(cancelled))
        try lane.run()
        #expect(UInt64(lane.inbox.texts.count) == count - 1)
        #expect(lane.outcome(count) == cancelled)
    }

    /// [FTSL §7.4]
    @Test("A store that fails refuses the lane, which tries again, and nothing is lost")
    func storeFailure() throws {
        let lane = try LanePair()
        try lane.run()
        lane.storeFails = true
        try lane.submit(new("a"), new("b"))
        try lane.run()
        #expect(lane.refusals.contains(.inboxUnavailable))
        for _ in 0..<5 {
            lane.pass(.seconds(11))
            try lane.run()
        }
        #expect(lane.lane.settledBelow == .first)
        lane.storeFails = false
        lane.pass(.seconds(11))
        try lane.run()
        #expect(lane.inbox.texts == ["a", "b"])
        #expect(lane.ending == nil)
        #expect(lane.violations == [])
    }

    /// [FTSL §7.4]
    /// Found by simulation: without credit nothing came that could be rejected.
    @Test("A full inbox that rejects has to see what it rejects")
    func fullAndRejecting() throws {
        var limits = InboxLimits()
        limits.maxMessages = 1
        limits.whenFull = .fail
        var inbox = MemoryInbox()
        _ = inbox.append(incoming(1, "x"), from: ProducerID(high: 2, low: 2), chain: .empty)
        let lane = try LanePair(limits: limits, inbox: inbox)
        try lane.submit(new("a"))
        try lane.run()
        #expect(lane.lane.settledBelow == LaneSequence(2))
        #expect(lane.outbox.exception(.first, of: lane.lane) == .rejected(.inboxFull))
    }

    @Test("A full inbox holds the lane back until there is room")
    func fullInbox() throws {
        var limits = InboxLimits()
        limits.maxMessages = 2
        let lane = try LanePair(limits: limits)
        try lane.submit(new("a"), new("b"), new("c"), new("d"), new("e"))
        try lane.run()
        #expect(lane.inbox.texts == ["a", "b"])
        for _ in 0..<3 {
            lane.pass(.seconds(2))
            try lane.run()
        }
        #expect(lane.inbox.texts == ["a", "b"])
        #expect(lane.lane.settledBelow == LaneSequence(3))
        lane.inbox.removeAll()
        lane.host.roomFreed(now: lane.pair.now)
        for _ in 0..<3 {
            try lane.run()
            lane.pass(.seconds(11))
        }
        #expect(lane.inbox.texts == ["c", "d"])
        lane.inbox.removeAll()
        for _ in 0..<3 {
            lane.pass(.seconds(11))
            try lane.run()
        }
        #expect(lane.inbox.texts == ["e"])
        #expect(lane.violations == [])
    }

    /// [FTSL §7.3]
    @Test(
        "The newest lane of a producer takes over; the older one is told, and stores nothing more")
    func takeover() throws {
        let lane = try LanePair()
        try lane.submit(new("a"))
        try lane.run()
        // The same outbox, from a second process.
        let second = SessionPair()
        let sender = ProducerPort(
            lane: lane.lane, mode: .exactlyOnce, rng: CountingGenerator(seed: 4))
        let port = lane.host.makePort(
            session: SessionID(high: 5, low: 5), owner: "alice", permissions: .everything)
        second.left.port = sender
        second.right.port = port
        sender.attached(now: second.now)
        port.attached(now: second.now)
        second.right.receive(second.said(by: second.left), now: second.now)
        try lane.submit(new("b"))
        try lane.run()
        #expect(lane.refusals == [.superseded])
        #expect(lane.violations == [])
    }

    @Test("A sender's restart goes on from its outbox")
    func senderRestart() throws {
        let lane = try LanePair()
        try lane.submit(new("a"), new("b"))
        lane.storeIsHeld = true
        try lane.run()
        lane.restartSender()
        lane.storeIsHeld = false
        try lane.run()
        try lane.submit(new("c"))
        try lane.run()
        #expect(lane.inbox.texts == ["a", "b", "c"])
        #expect(lane.lane.settledBelow == LaneSequence(4))
    }

    /// [FTSL §7.1]
    @Test(
        "At least once: a cut repeats nothing while the inbox lives, and nothing is lost when not")
    func atLeastOnce() throws {
        let lane = try LanePair(mode: .atLeastOnce)
        try lane.submit(new("a"), new("b", topic: "x"))
        try lane.run()
        try lane.submit(new("c"))
        lane.storeIsHeld = true
        try lane.run()
        try lane.cut()
        lane.storeIsHeld = false
        try lane.run()
        #expect(lane.inbox.texts == ["a", "b", "c"])
        #expect(lane.inbox.producers.isEmpty)
        #expect(lane.sender.isDrained)
        #expect(lane.violations == [])
    }

    /// [FTSL §7.2]
    @Test("Frames that may not come are violations")
    func unexpected() throws {
        func code(_ frames: [MessageFrame]) throws -> FailureCode? {
            let lane = try LanePair()
            try lane.run()
            lane.pair.left.port = SpeakingPort(frames)
            try lane.run()
            return lane.pair.rightEvents.detachCodes.first
        }
        func part(_ sequence: UInt64, _ head: Bool, _ offset: UInt64 = 0) -> MessageFrame {
            .message(
                MessageFrame.Fragment(
                    sequence: LaneSequence(sequence),
                    head: head
                        ? MessageFrame.Head(
                            envelope: Envelope(topic: "t", created: 0),
                            digest: BodyDigest(count: 10, digest: 1)) : nil,
                    offset: offset, bytes: pattern(5)))
        }
        #expect(try code([part(2, true)]) == .positionGap)
        #expect(try code([part(1, false, 5)]) == .positionGap)
        #expect(try code([part(1, true, 5)]) == .positionGap)
        #expect(try code([part(1, true), part(1, false, 4)]) == .positionGap)
        #expect(try code([part(1, true), part(1, false, 5)]) == .digestMismatch)
        #expect(try code([part(1, true), part(1, true)]) == .positionGap)
        #expect(try code([part(9_000, true)]) == .creditOverrun)
        #expect(try code([.skip(LaneSequence(2), .expired, .empty)]) == .positionGap)
        #expect(try code([.caughtUp(.first)]) == .unexpectedFrame)
        #expect(
            try code([
                .lane(
                    MessageFrame.Lane(
                        producer: producer, mode: .exactlyOnce, inbox: nil, generation: .first,
                        oldestRetained: .first, settledBelow: .first))
            ]) == .unexpectedFrame)
        #expect(try code([.recorded(.first)]) == nil)
    }

    /// [FTSL §7.3]
    @Test("An inbox refuses who may not send, who expects another, and who met a newer one")
    func refusals() throws {
        let silent = try LanePair(permissions: InboxPermissions(send: nil, consume: .everything))
        try silent.run()
        #expect(silent.ending == .authorityRefused)

        let lane = try LanePair()
        try lane.submit(new("a"))
        try lane.run()
        lane.pair.cut()
        var other = lane.inbox
        other.identity.id = InboxID(high: 4, low: 4)
        let changed = try LanePair(inbox: other, outbox: lane.outbox)
        try changed.run()
        #expect(changed.ending == .inboxChanged)
        #expect(changed.lane.halted == .inboxChanged)
    }
}
