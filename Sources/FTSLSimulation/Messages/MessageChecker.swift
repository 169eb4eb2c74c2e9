internal import FTSLCore
internal import NIOCore

/// What must be true of messages, judged from what is on disks, what leaves on wires, and what
/// programs are told. [design §2]
struct MessageChecker {
    struct Fact: Hashable {
        var place: LanePlace
        var number: UInt64
        var topic: String
    }

    let scenario: MessageScenario
    private(set) var failure: Checker.Violation?

    // Of the inbox's disk, ever.
    var stored: [LanePlace: InboxIndex] = [:]
    var facts: [InboxIndex: Fact] = [:]
    var resolvedOtherwise: [LanePlace: Resolution] = [:]
    var resolvedBelow: [ProducerID: LaneSequence] = [:]
    var scannedTo = InboxIndex.first

    // Of the outboxes' disks, ever.
    var submitted: [LanePlace: OutboxMessage] = [:]
    private var numbers: [Int: Set<UInt64>] = [:]
    var outcomes: [LanePlace: MessageOutcome] = [:]
    var wishes: Set<LanePlace> = []
    /// Whose lane is whose.
    var clientLane: [Int: ProducerID] = [:]

    // Of consumers.
    var begins: [String: InboxIndex] = [:]
    var whole: [String: Set<InboxIndex>] = [:]
    var answers: [String: Set<InboxIndex>] = [:]
    var doneAnswers: [String: Set<InboxIndex>] = [:]
    /// Dead letters that somebody asked back, with how often they had been delivered by then.
    var returned: [String: [InboxIndex: Int]] = [:]
    var lastFirst: [String: [ProducerID: LaneSequence]] = [:]
    var followers: [Int: InboxIndex] = [:]
    var leases: [LeaseKey: Lease] = [:]
    var tokens: [LeaseKey: [MessageFrame.LeaseToken: Int]] = [:]
    var verdicts: [LeaseKey: [MessageFrame.LeaseToken: MessageFrame.Settlement.Verdict]] = [:]
    var detachedAt: [SessionID: Instant] = [:]
    var liveSessions: Set<SessionID> = []

    struct LeaseKey: Hashable {
        var cursor: String
        var index: InboxIndex
    }

    struct Lease {
        var token: MessageFrame.LeaseToken
        var client: Int
        var session: SessionID
        var isOver = false
    }

    init(_ scenario: MessageScenario) { self.scenario = scenario }

    var storedCount: Int { stored.count }

    mutating func fail(_ invariant: Checker.Invariant, _ text: String) {
        if failure == nil { failure = Checker.Violation(invariant: invariant, text: text) }
    }

    func isSubmitted(_ number: UInt64, by client: Int) -> Bool {
        numbers[client]?.contains(number) ?? false
    }

    /// Something of a lane is stored at or above a sequence.
    func hasStored(from first: LaneSequence, of lane: OutboxLane) -> Bool {
        (first.value..<max(first.value, lane.end.value)).contains {
            stored[LanePlace(producer: lane.producer, sequence: LaneSequence($0))] != nil
        }
    }

    mutating func cancelled(_ place: LanePlace) { wishes.insert(place) }

    // MARK: Outboxes

    mutating func outboxCommitted(
        _ client: Int, from before: OutboxTables, to after: OutboxTables
    ) {
        guard let lane = after.lane else { return }
        clientLane[client] = lane.producer
        let old = before.lane.flatMap { $0.producer == lane.producer ? $0 : nil }
        var sequence = old?.end ?? .first
        while sequence < lane.end {
            let place = LanePlace(producer: lane.producer, sequence: sequence)
            if let message = after.messages[place] {
                submitted[place] = message
                numbers[client, default: []].insert(message.envelope.created)
            }
            sequence = sequence.next
        }
        if lane.settledBelow > old?.settledBelow ?? .first {
            settle(lane, from: old?.settledBelow ?? .first, after)
        }
    }

    private mutating func settle(
        _ lane: OutboxLane, from first: LaneSequence, _ tables: OutboxTables
    ) {
        var sequence = first
        while sequence < lane.settledBelow {
            let place = LanePlace(producer: lane.producer, sequence: sequence)
            let resolution = tables.exception(sequence, of: lane)
            outcomes[place] = resolution.map(MessageOutcome.resolved) ?? .accepted
            check(resolution, of: place, at: tables.now)
            sequence = sequence.next
        }
    }

    /// What a producer records is what the inbox has on disk at this moment.
    private mutating func check(
        _ resolution: Resolution?, of place: LanePlace, at wallClock: UInt64
    ) {
        guard let message = submitted[place] else {
            return fail(.outcome, "\(place) has an outcome and was never submitted")
        }
        let text = "message \(message.envelope.created) is recorded as \(resolution as Any)"
        guard let resolution else {
            if stored[place] == nil { fail(.durable, text + " and not stored") }
            return
        }
        if stored[place] != nil { return fail(.outcome, text + " and stored") }
        if resolvedOtherwise[place] != resolution {
            return fail(.outcome, text + ", but resolved as \(resolvedOtherwise[place] as Any)")
        }
        switch resolution {
        case .skipped(.expired):
            if message.expires.map({ $0 > wallClock }) ?? true { fail(.outcome, text) }
        case .skipped(.cancelled): if !wishes.contains(place) { fail(.outcome, text) }
        case .rejected(.messageTooLarge):
            if message.digest.count <= scenario.limits.maxMessage { fail(.outcome, text) }
        case .rejected(.topicForbidden):
            if scenario.sendable.matches(message.envelope.topic) { fail(.outcome, text) }
        case .rejected(.inboxFull): if scenario.limits.whenFull != .fail { fail(.outcome, text) }
        case .rejected(.idReused): if message.envelope.id.isEmpty { fail(.outcome, text) }
        case .rejected: fail(.outcome, text)
        case .duplicate(let index):
            guard let other = facts[index].flatMap({ submitted[$0.place] }) else {
                return fail(.outcome, text + ", which is not stored")
            }
            if other.envelope.id != message.envelope.id || other.digest != message.digest {
                fail(.outcome, text + ", which is another message")
            }
        }
    }

    /// What a courier is told is on its disk.
    mutating func told(_ client: Int, below: LaneSequence, _ tables: OutboxTables?) {
        if tables?.lane.map({ $0.settledBelow < below }) ?? true {
            fail(.durable, "producer \(client) was told of \(below.value) before it was on disk")
        }
    }

    // MARK: The inbox

    mutating func inboxCommitted(from before: InboxTables, to after: InboxTables) {
        for message in after.messages where message.index >= scannedTo { add(message, after) }
        scannedTo = max(scannedTo, after.nextIndex)
        for (id, cursor) in after.producers where cursor != before.producers[id] {
            check(cursor)
        }
        for (name, cursor) in after.consumers {
            if begins[name] == nil { begins[name] = cursor.floor }
            if let old = before.consumers[name], old != cursor { check(old, cursor, before) }
        }
        checkRemovals(before, after)
    }

    /// Nothing goes that a cursor has still to do; one that begins in this very commit may find
    /// less than there was before.
    private mutating func checkRemovals(_ before: InboxTables, _ after: InboxTables) {
        guard before.messages.first?.index != after.messages.first?.index else { return }
        let kept = Set(after.messages.map(\.index))
        for message in before.messages where !kept.contains(message.index) {
            for cursor in after.consumers.values
            where before.consumers[cursor.name] != nil
                && cursor.filter.matches(message.envelope.topic)
                && !cursor.hasFinished(message.index)
            {
                fail(.durable, "\(message.index.value) is gone before \(cursor.name) had it")
            }
        }
    }

    private mutating func add(_ message: StoredMessage, _ tables: InboxTables) {
        let place = LanePlace(producer: message.producer, sequence: message.sequence)
        let number = message.envelope.created
        if let first = stored[place] {
            fail(
                .exactlyOnce,
                "message \(number) is stored at \(first.value) and \(message.index.value)")
        }
        if case .resolved(let resolution)? = outcomes[place] {
            fail(.outcome, "message \(number) is stored, and was \(resolution)")
        }
        let expected = resolvedBelow[message.producer] ?? .first
        if message.sequence < expected {
            fail(.exactlyOnce, "message \(number) is stored after it was resolved")
        }
        if submitted[place]?.envelope.created != number {
            fail(.delivered, "message \(number) is stored as what it is not")
        }
        let stream = PseudoStream(seed: number)
        let body =
            if case .inline(let bytes) = message.body { Optional(bytes) } else {
                tables.bodies[message.index]
            }
        if let body, UInt64(body.readableBytes) == message.digest.count {
            if stream.firstDifference(body, at: 0) != nil {
                fail(.delivered, "message \(number) is stored with other bytes")
            }
        } else {
            fail(.delivered, "message \(number) is stored without its body")
        }
        stored[place] = message.index
        facts[message.index] = Fact(
            place: place, number: number, topic: message.envelope.topic)
    }

    /// Resolved sequences are a prefix, each stored or resolved otherwise, and never both.
    private mutating func check(_ cursor: ProducerCursor) {
        for exception in cursor.exceptions {
            let place = LanePlace(producer: cursor.producer, sequence: exception.sequence)
            if let before = resolvedOtherwise[place], before != exception.resolution {
                fail(.outcome, "\(exception.sequence.value) was \(before), and is \(exception)")
            }
            resolvedOtherwise[place] = exception.resolution
        }
        var sequence = resolvedBelow[cursor.producer] ?? .first
        if cursor.next < sequence { fail(.durable, "a producer's cursor went back") }
        var last: InboxIndex?
        while sequence < cursor.next {
            let place = LanePlace(producer: cursor.producer, sequence: sequence)
            let index = stored[place]
            if (index == nil) == (resolvedOtherwise[place] == nil) {
                fail(.exactlyOnce, "message \(sequence.value) of a producer is neither or both")
            }
            if let index, let last, index < last {
                fail(.order, "message \(sequence.value) is stored before the one before it")
            }
            last = index ?? last
            sequence = sequence.next
        }
        resolvedBelow[cursor.producer] = cursor.next
    }

    /// Nothing is finished that nobody answered, and what was finished stays so.
    private mutating func check(
        _ before: ConsumerCursor, _ after: ConsumerCursor, _ tables: InboxTables
    ) {
        let name = after.name
        // What was removed before the cursor was made leaves holes, which it passes.
        for message in tables.messages where after.filter.matches(message.envelope.topic) {
            let index = message.index
            guard index >= begins[name] ?? .first else { continue }
            switch (before.hasFinished(index), after.hasFinished(index)) {
            case (false, true):
                if !(answers[name]?.contains(index) ?? false) {
                    fail(.delivered, "\(index.value) is finished by \(name), and nobody had it")
                }
            case (true, false):
                if !after.returned.contains(index) || returned[name]?[index] == nil {
                    fail(.durable, "\(index.value) is not finished by \(name) any more")
                }
                doneAnswers[name]?.remove(index)
            case (true, true), (false, false): break
            }
        }
    }
}
