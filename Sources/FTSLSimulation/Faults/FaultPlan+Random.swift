internal import FTSLCore

extension FaultPlan {
    /// None to many faults, of any kind, at any byte or time.
    init(clients: [ClientScenario], using rng: inout SimulationRandom) {
        faults = []
        for _ in 0..<rng.pick([0, 1, 1, 2, 2, 3, 4, 6, 10]) {
            let client = rng.within(0...clients.count - 1)
            faults.append(
                Fault(
                    Self.trigger(clients[client], using: &rng), client: client,
                    Self.effect(using: &rng)))
        }
    }

    private static func trigger(
        _ client: ClientScenario, using rng: inout SimulationRandom
    ) -> Fault.Trigger {
        if rng.chance(40) { return .time(client.start + rng.spread(0...15_000)) }
        let direction = rng.pick(Direction.allCases)
        let total =
            direction == .up
            ? client.initiator.write.total
            : client.acceptor.write.total + client.acceptor.writeError.total
        // Half of the cuts fall on the handshake and its neighbourhood.
        let most = rng.chance(50) ? 600 : Int(total) + 600
        return .bytes(direction, UInt64(rng.within(1...most)))
    }

    private static func effect(using rng: inout SimulationRandom) -> Fault.Effect {
        let way = rng.pick(Direction.allCases)
        let role: Role = rng.chance(50) ? .initiator : .acceptor
        switch rng.within(0...99) {
        case 0..<45:
            return .cut(
                loses: rng.chance(70), initiator: notice(using: &rng), acceptor: notice(using: &rng)
            )
        case 45..<52: return .stall(way, rng.spread(1...12_000))
        case 52..<58: return .halfOpen(way)
        case 58..<63: return .refuse(rng.spread(1...12_000))
        case 63..<67: return .unreachable(rng.spread(1...12_000))
        case 67..<70: return .slowDials(by: rng.spread(1...9_000), rng.spread(1...12_000))
        case 70..<76: return .pause(role, rng.spread(1...15_000))
        case 76..<80: return .jump(role, rng.spread(1...20_000))
        case 80..<82: return .restart
        case 82..<86: return .flap(every: rng.spread(20...1_000), times: rng.spread(2...20))
        case 86..<98:
            return .attack(
                rng.pick(Fault.Attack.allCases), capture: rng.within(0...7), at: rng.within(0...600)
            )
        default: return .flood(rng.spread(1...50))
        }
    }

    private static func notice(using rng: inout SimulationRandom) -> Int? {
        switch rng.within(0...9) {
        case 0..<5: 0
        case 5..<8: rng.spread(1...5_000)
        default: nil
        }
    }
}
