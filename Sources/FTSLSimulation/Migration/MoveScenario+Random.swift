internal import FTSLCore

extension MoveScenario {
    /// The run that a seed stands for.
    package init(seed: UInt64) {
        var rng = SimulationRandom(seed: seed)
        self.init(seed: seed, hosts: rng.chance(70) ? 2 : 3)
        if rng.chance(30) { flags.insert(.exitStatus) }
        if rng.chance(20) { flags.insert(.standardError) }
        shape = Self.shape(using: &rng)
        diskTime = rng.spread(200...60_000)
        maxPause = rng.pick([1_000, 3_000, 10_000])
        checkpointTime = rng.spread(1...300)
        unused = rng.chance(50) ? rng.spread(1...2_000) : 0
        session = SessionLimits(
            initialWindow: UInt32(rng.spread(1_024...1 << 18)),
            heartbeat: .milliseconds(rng.pick([500, 1_000, 3_000])), sessionTimeout: .seconds(300))
        for _ in 0..<rng.within(1...3) { clients.append(client(using: &rng)) }
        for index in 0..<rng.pick([0, 1, 1, 2]) { senders.append(sender(index, using: &rng)) }
        planMoves(using: &rng)
        planFaults(using: &rng)
    }

    private static func shape(using rng: inout SimulationRandom) -> LinkShape {
        var shape = LinkShape()
        shape.latency = UInt64(rng.spread(1_000...60_000)) * 1_000
        if rng.chance(30) { shape.nanosecondsPerByte = UInt64(rng.spread(1...5_000)) }
        shape.capacity = rng.spread(8_192...256 << 10)
        shape.chunk = rng.spread(64...64 << 10)
        return shape
    }

    private func client(using rng: inout SimulationRandom) -> MovingClient {
        var client = ClientScenario(
            initiator: Self.script(using: &rng), acceptor: Self.script(using: &rng))
        client.shape = Self.shape(using: &rng)
        client.limits = session
        client.limits.maxPayload = UInt32(rng.spread(1_024...65_536))
        client.maxWindow = UInt64(rng.spread(4 << 10...1 << 20))
        client.start = rng.spread(0...1_000)
        if flags.contains(.standardError) {
            client.acceptor.writeError = Self.script(using: &rng).write
            client.acceptor.writeError.afterPeerEnd = false
            client.acceptor.writeError.endsLast = false
        }
        if client.initiator.write.waitsForPeer {
            client.acceptor.write.afterPeerEnd = false
            client.acceptor.write.endsLast = false
        }
        // Most know the first host only, and are told of the others.
        let endpoints = rng.chance(75) ? [0] : Array(0..<hosts)
        return MovingClient(client, endpoints: endpoints)
    }

    /// A stream that goes on for seconds, so that much can happen meanwhile.
    private static func script(using rng: inout SimulationRandom) -> Script {
        let writes = rng.within(0...50)
        let chunk = rng.spread(1...6_000)
        var write = WriteScript(total: UInt64(writes * chunk / 2), chunk: chunk)
        write.pause = rng.within(20...300)
        write.afterPeerEnd = rng.chance(10)
        write.endsLast = rng.chance(15)
        var script = Script(write: write)
        if rng.chance(30) {
            script.read.chunk = rng.spread(64...8_000)
            script.read.pause = rng.spread(1...100)
        }
        if rng.chance(10) { script.read.firstPause = rng.spread(100...6_000) }
        if rng.chance(8) { script.read.stopAfter = UInt64(rng.spread(0...40_000)) }
        if rng.chance(6) { script.abortAfter = write.total / 2 }
        script.exitDelay = rng.chance(50) ? 0 : rng.spread(1...3_000)
        return script
    }

    private func sender(_ index: Int, using rng: inout SimulationRandom) -> ProducerScenario {
        var sender = ProducerScenario()
        sender.shape = Self.shape(using: &rng)
        var number = UInt64(index + 1) * 1_000
        for _ in 0..<rng.within(1...8) {
            var messages: [PlannedMessage] = []
            for _ in 0..<rng.within(1...4) {
                number += 1
                let size = rng.chance(5) ? rng.spread(1...100_000) : rng.spread(1...2_000)
                messages.append(PlannedMessage(number: number, topic: "a", size: size))
            }
            sender.submissions.append(
                PlannedSubmission(time: rng.spread(1...9_000), messages: messages))
        }
        return sender
    }

    // MARK: What the operators do

    private mutating func planMoves(using rng: inout SimulationRandom) {
        var home = 0
        var time = rng.within(200...2_500)
        for _ in 0..<rng.pick([1, 1, 1, 2, 2, 3]) {
            var target = rng.within(0...hosts - 2)
            if target >= home { target += 1 }
            moves.append(PlannedMove(time: time, from: home, to: target))
            // Most go on from where everything should be by then.
            if rng.chance(80) { home = target }
            time += rng.spread(200...6_000)
        }
    }

    private mutating func planFaults(using rng: inout SimulationRandom) {
        guard let first = moves.first else { return }
        switch rng.within(0...99) {
        case 0..<12: return planForce(of: first, using: &rng)
        case 12..<22: return planQuestion(of: first, using: &rng)
        case 22..<34: return planRollBack(of: first, using: &rng)
        case 34..<42: return planAbsence(of: first, using: &rng)
        default: break
        }
        for _ in 0..<rng.pick([0, 1, 1, 1, 2, 2, 3, 4]) {
            let move = rng.chance(60) ? first : rng.pick(moves)
            let host = rng.chance(50) ? move.source : move.target
            let trigger =
                rng.chance(80)
                ? Self.step(host, 1...22, using: &rng)
                : .time(move.time + rng.spread(0...4_000))
            faults.append(MoveFault(trigger, effect(of: move, using: &rng)))
            // What strikes both at once.
            if rng.chance(20) {
                faults.append(MoveFault(trigger, effect(of: move, using: &rng)))
            }
        }
    }

    private static func step(
        _ host: Int, _ steps: ClosedRange<Int>, using rng: inout SimulationRandom
    ) -> MoveFault.Trigger {
        let later = rng.chance(60) ? 0 : rng.spread(1...3_000)
        return .step(host: host, rng.within(steps), later: later)
    }

    /// A source that seems dead, and lives.
    private mutating func planForce(
        of move: PlannedMove, using rng: inout SimulationRandom
    ) {
        let trigger = Self.step(move.target, 5...12, using: &rng)
        faults.append(
            MoveFault(trigger, .partition(move.source, move.target, rng.within(12_000...40_000))))
        if rng.chance(40) { faults.append(MoveFault(trigger, .crash(move.source, 2_000))) }
        faults.append(MoveFault(trigger, .resolve(move.target, evenIfAlive: rng.chance(30))))
    }

    /// A target that is lost and asks while its source is busy with the answer.
    private mutating func planQuestion(
        of move: PlannedMove, using rng: inout SimulationRandom
    ) {
        let trigger = MoveFault.Trigger.step(
            host: move.target, rng.within(7...10), later: rng.spread(1...100))
        faults.append(MoveFault(.time(move.time), .slowDisk(move.source, by: 2_000, 8_000)))
        let crash = MoveFault.Effect.crash(move.target, rng.spread(1...1_500))
        faults.append(MoveFault(trigger, crash))
    }

    /// A source that goes on by itself, while its target holds everything and cannot be told.
    private mutating func planRollBack(
        of move: PlannedMove, using rng: inout SimulationRandom
    ) {
        let cut = rng.within(maxPause + 500...maxPause + 9_000)
        faults.append(
            MoveFault(
                .step(host: move.target, rng.within(6...8), later: 0),
                .partition(move.source, move.target, cut)))
        let steps = rng.within(8...12)
        if rng.chance(50) {
            faults.append(
                MoveFault(
                    .step(host: move.source, 7, later: 0),
                    .slowDisk(move.source, by: rng.spread(500...5_000), 20_000)))
        }
        faults.append(
            MoveFault(
                .step(host: move.source, steps, later: rng.spread(1...3_000)),
                .crash(move.source, rng.spread(1...3_000))))
    }

    /// Clients that are away while their host leaves, which is lost before they are back.
    private mutating func planAbsence(
        of move: PlannedMove, using rng: inout SimulationRandom
    ) {
        let away = rng.within(6_000...14_000)
        for client in clients.indices {
            faults.append(
                MoveFault(
                    .time(move.time - rng.within(1...100)),
                    .partition(move.source, hosts + client, away)))
        }
        faults.append(
            MoveFault(
                Self.step(move.source, 10...14, using: &rng),
                .crash(move.source, rng.spread(1...8_000))))
    }

    private func effect(
        of move: PlannedMove, using rng: inout SimulationRandom
    ) -> MoveFault.Effect {
        let host = rng.chance(50) ? move.source : move.target
        let other = host == move.source ? move.target : move.source
        switch rng.within(0...99) {
        case 0..<40: return .crash(host, rng.pick([0, 50, 500, 3_000, 15_000]))
        case 40..<55: return .cut(move.source, move.target)
        case 55..<72:
            return .partition(move.source, move.target, rng.spread(50...20_000))
        case 72..<78: return .cut(host, rng.within(hosts...places - 1))
        case 78..<83:
            return .partition(host, rng.within(hosts...places - 1), rng.spread(50...15_000))
        case 83..<87: return .partition(other, nil, rng.spread(50...15_000))
        case 87..<92: return .slowDisk(host, by: rng.spread(5...3_000), rng.spread(50...8_000))
        case 92..<95: return .full(host, rng.spread(50...6_000))
        default: return .abort(move.source)
        }
    }
}
