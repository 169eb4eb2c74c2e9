internal import FTSLCore

extension MessageScenario {
    /// The run that a seed stands for.
    package init(seed: UInt64) {
        var rng = SimulationRandom(seed: seed ^ 0x4D45_5353_4147_4553)
        let isLarge = rng.chance(2)
        var number: UInt64 = 0
        var producers: [ProducerScenario] = []
        for _ in 0..<rng.pick([1, 1, 2, 3]) {
            producers.append(.random(isLarge: isLarge, &number, using: &rng))
        }
        var consumers: [ConsumerScenario] = []
        for _ in 0..<rng.pick([1, 1, 2, 2, 3]) {
            consumers.append(.random(isLarge: isLarge, using: &rng))
        }
        self.init(seed: seed, producers: producers, consumers: consumers)
        limits.maxMessage = 40_000
        if isLarge { limits.maxMessage = 4 << 20 }
        let cursors = Set(consumers.filter(\.isDurable).map(\.cursor)).sorted()
        for index in producers.indices where rng.chance(30) && !cursors.isEmpty {
            self.producers[index].watches = rng.pick(cursors + [""])
        }
        if consumers.allSatisfy(\.isDurable), rng.chance(30) {
            let kept = rng.within(0...10)
            keep = kept
            if rng.chance(60) { block(at: kept + rng.within(1...10)) }
        } else if rng.chance(10) {
            limits.maxMessages = UInt64(rng.within(3...30))
            limits.whenFull = .fail
        }
        sendable = TopicFilter(["a.#", "b.#"])
        session.heartbeatMilliseconds = UInt32(rng.pick([200, 1_000, 3_000]))
        commitTime = rng.spread(10...200_000)
        changesPerCommit = rng.spread(1...256)
        acceptorResets = rng.chance(50)
        plan = FaultPlan(messages: self, using: &rng)
        patience += transmissionTime
    }

    /// How long all bodies may take on the slowest link, in milliseconds: once in, out to whoever
    /// has the cursor, and again to whoever takes it over; more often to who asks for it again.
    private var transmissionTime: Int {
        let bodies = producers.flatMap(\.submissions).flatMap(\.messages)
        let retries = consumers.map(\.retries).max() ?? 0
        let deliveries = retries >= 50 ? 4 : retries > 0 ? 2 : 1
        let bytes = (1 + 2 * deliveries) * bodies.reduce(0) { $0 + $1.size }
        let links =
            producers.map { ($0.shape, $0.shape.capacity) }
            + consumers.map { ($0.shape, min($0.shape.capacity, Int($0.maxBytes))) }
        let times = links.map { shape, onTheWay in
            // What the socket buffers hold, or a consumer gives credit for, goes out in a round
            // trip, however fast the link is.
            let roundTrips = UInt64(bytes / max(1, onTheWay))
            return max(shape.transmissionTime(bytes), roundTrips * 4 * shape.latency)
        }
        return Int((times.max() ?? 0) / 1_000_000)
    }

    /// A full inbox makes producers wait; dead letters, which stay, would make them wait for ever.
    private mutating func block(at most: Int) {
        limits.maxMessages = UInt64(most)
        for index in consumers.indices {
            consumers[index].deaths = 0
            consumers[index].maxAttempts = 1_000
        }
    }
}

extension ProducerScenario {
    fileprivate static func random(
        isLarge: Bool, _ number: inout UInt64, using rng: inout SimulationRandom
    ) -> ProducerScenario {
        var scenario = ProducerScenario()
        scenario.shape = .random(isLarge: isLarge, using: &rng)
        let hasWishes = rng.chance(60)
        var time = rng.spread(0...1_000)
        for _ in 0..<rng.spread(1...12) {
            var messages: [PlannedMessage] = []
            let most = isLarge ? 2 : 12
            for _ in 0..<rng.spread(1...most) {
                number += 1
                var message = PlannedMessage(
                    number: number, topic: rng.pick(["a.x", "a.y", "b", "b.x.y"]),
                    size: rng.spread(0...20_000))
                if isLarge, rng.chance(30) {
                    message.size = Bound.inlineBody + rng.spread(1...300_000)
                }
                if hasWishes { message.wish(using: &rng) }
                messages.append(message)
            }
            scenario.submissions.append(PlannedSubmission(time: time, messages: messages))
            time += rng.spread(0...3_000)
        }
        return scenario
    }
}

extension PlannedMessage {
    /// What may keep it from being stored.
    fileprivate mutating func wish(using rng: inout SimulationRandom) {
        switch rng.within(0...99) {
        case 0..<5: topic = "secret"
        case 5..<8: size = 41_000
        case 8..<18: ttl = UInt64(rng.spread(1...5_000))
        case 18..<28: cancelAfter = rng.spread(0...3_000)
        case 28..<40:
            // Few names: other messages, of other producers too, have the same.
            let name = rng.within(1...4)
            id = "id-\(name)"
            if rng.chance(50) { number = 1_000_000 + UInt64(name); size = name * 1_000 }
        default: break
        }
    }
}

extension ConsumerScenario {
    fileprivate static func random(
        isLarge: Bool, using rng: inout SimulationRandom
    ) -> ConsumerScenario {
        let kind = rng.pick([
            MessageFrame.Subscribe.Kind.cursor, .cursor, .group, .group, .ephemeral,
        ])
        let name =
            switch kind {
            case .cursor: rng.pick(["c1", "c2", "c3"])
            case .group: "g"
            case .ephemeral, .deadLetters: ""
            }
        // All who share a cursor say the same of it.
        let filter: TopicFilter =
            switch name {
            case "c2": TopicFilter(["a.*"])
            case "": rng.pick([.everything, TopicFilter(["b.#"])])
            default: .everything
            }
        var scenario = ConsumerScenario(kind: kind, cursor: name, filter: filter)
        scenario.shape = .random(isLarge: isLarge, using: &rng)
        scenario.start = rng.spread(0...4_000)
        scenario.maxMessages = UInt64(rng.spread(1...256))
        scenario.maxBytes = UInt64(rng.spread(4 << 10...1 << 20))
        scenario.maxAttempts = UInt32(rng.within(1...5))
        scenario.work = rng.chance(50) ? 0 : rng.spread(1...400)
        if rng.chance(40) { scenario.retries = rng.pick([5, 20, 50]) }
        if rng.chance(30) { scenario.deaths = rng.pick([2, 10]) }
        if scenario.isDurable, rng.chance(30) {
            scenario.returnsAt = [rng.within(1_000...10_000), rng.within(5_000...20_000)]
        }
        return scenario
    }
}

extension LinkShape {
    fileprivate static func random(isLarge: Bool, using rng: inout SimulationRandom) -> LinkShape {
        var shape = LinkShape()
        shape.latency = UInt64(rng.spread(50...100_000)) * 1_000
        shape.capacity = rng.spread(4 << 10...512 << 10)
        if isLarge { return shape }
        if rng.chance(40) { shape.nanosecondsPerByte = UInt64(rng.spread(1...8_000)) }
        shape.chunk = rng.spread(400...64 << 10)
        return shape
    }
}

extension FaultPlan {
    init(messages scenario: MessageScenario, using rng: inout SimulationRandom) {
        faults = []
        let clients = scenario.producers.count + scenario.consumers.count
        for _ in 0..<rng.pick([0, 1, 2, 3, 4, 6, 8, 12]) {
            let client = rng.within(0...clients - 1)
            faults.append(
                Fault(
                    Self.messageTrigger(using: &rng), client: client,
                    Self.messageEffect(using: &rng)))
        }
    }

    private static func messageTrigger(using rng: inout SimulationRandom) -> Fault.Trigger {
        switch rng.within(0...99) {
        case 0..<40: .time(rng.spread(0...20_000))
        case 40..<65: .commit(rng.chance(50) ? .initiator : .acceptor, rng.spread(1...60))
        default: .bytes(rng.pick(Direction.allCases), UInt64(rng.spread(1...60_000)))
        }
    }

    private static func messageEffect(using rng: inout SimulationRandom) -> Fault.Effect {
        let way = rng.pick(Direction.allCases)
        let role: Role = rng.chance(50) ? .initiator : .acceptor
        func notice() -> Int? {
            switch rng.within(0...9) {
            case 0..<5: 0
            case 5..<8: rng.spread(1...5_000)
            default: nil
            }
        }
        switch rng.within(0...99) {
        case 0..<25: return .cut(loses: rng.chance(70), initiator: notice(), acceptor: notice())
        case 25..<55: return .crash(role, rng.spread(1...6_000))
        case 55..<60: return .full(role, rng.spread(1...8_000))
        case 60..<66: return .slowDisk(role, by: rng.spread(1...4_000), rng.spread(1...8_000))
        case 66..<72: return .stall(way, rng.spread(1...12_000))
        case 72..<77: return .halfOpen(way)
        case 77..<81: return .refuse(rng.spread(1...40_000))
        case 81..<84: return .unreachable(rng.spread(1...40_000))
        case 84..<90: return .pause(role, rng.spread(1...40_000))
        case 90..<95: return .jump(role, rng.spread(1...40_000))
        default: return .flap(every: rng.spread(20...1_000), times: rng.spread(2...20))
        }
    }
}
