internal import FTSLCore

extension Scenario {
    /// The run that a seed stands for.
    package init(seed: UInt64) {
        var rng = SimulationRandom(seed: seed)
        let flags = Self.flags(using: &rng)
        let count = rng.chance(80) ? 1 : rng.within(2...4)
        var clients: [ClientScenario] = []
        for _ in 0..<count { clients.append(ClientScenario(flags: flags, using: &rng)) }
        self.init(seed: seed, clients: clients)
        self.flags = flags
        acceptorLimits = Self.limits(using: &rng)
        acceptorMaxWindow = UInt64(rng.spread(4 << 10...4 << 20))
        if rng.chance(10) { maxMemory = UInt64(rng.spread(1 << 20...8 << 20)) }
        // As among many: each has the reserve only, whatever its window has grown to.
        if seed % 3 == 0 { sharedWindow = 128 << 10 }
        narrowsRedials = seed % 4 == 2
        acceptorResets = rng.chance(50)
        plan = FaultPlan(clients: clients, using: &rng)
    }

    private static func flags(using rng: inout SimulationRandom) -> ServiceFlags {
        var flags: ServiceFlags = []
        if rng.chance(40) { flags.insert(.exitStatus) }
        if rng.chance(30) { flags.insert(.standardError) }
        return flags
    }

    static func limits(using rng: inout SimulationRandom) -> SessionLimits {
        SessionLimits(
            maxPayload: UInt32(rng.spread(1_024...65_536)),
            initialWindow: UInt32(rng.spread(1_024...1 << 20)),
            heartbeat: .milliseconds(rng.pick([200, 1_000, 3_000])),
            sessionTimeout: .seconds(rng.pick([300, 600])))
    }
}

extension ClientScenario {
    init(flags: ServiceFlags, using rng: inout SimulationRandom) {
        var shape = LinkShape()
        shape.latency = UInt64(rng.spread(50...150_000)) * 1_000
        if rng.chance(50) { shape.nanosecondsPerByte = UInt64(rng.spread(1...20_000)) }
        shape.capacity = rng.spread(2_048...512 << 10)
        // What a slow line carries in about ten seconds is enough to see everything.
        var most = 400_000
        if shape.nanosecondsPerByte > 0 {
            most = min(most, 10_000_000_000 / Int(shape.nanosecondsPerByte))
        }
        if rng.chance(3) { most *= 8 }
        let up = rng.chance(10) ? 0 : rng.spread(1...most)
        let down = rng.chance(10) ? 0 : rng.spread(1...most)
        // Not more than some hundred pieces a run, or one seed would eat the time of ten.
        shape.chunk = max(rng.spread(1...64 << 10), max(up, down) / 300)
        self.init(
            initiator: Script.random(total: up, using: &rng),
            acceptor: Script.random(total: down, using: &rng))
        self.shape = shape
        if flags.contains(.standardError) {
            acceptor.writeError = Script.random(total: down / 4, using: &rng).write
            initiator.readError = Script.random(total: 0, using: &rng).read
        }
        // Two ends that each wait for the other's end would wait for ever, and rightly.
        if initiator.write.waitsForPeer {
            acceptor.write.afterPeerEnd = false
            acceptor.write.endsLast = false
        }
        acceptor.writeError.afterPeerEnd = false
        acceptor.writeError.endsLast = false
        start = rng.spread(0...2_000)
        limits = Scenario.limits(using: &rng)
        maxWindow = UInt64(rng.spread(4 << 10...4 << 20))
    }
}

extension WriteScript {
    var waitsForPeer: Bool { afterPeerEnd || endsLast }
}

extension Script {
    static func random(total: Int, using rng: inout SimulationRandom) -> Script {
        var write = WriteScript(total: UInt64(total))
        write.chunk = max(rng.spread(1...256 << 10), total / 200)
        if rng.chance(30) { write.pause = min(rng.spread(1...2_000), 20_000 / writes(write)) }
        write.afterPeerEnd = rng.chance(15)
        write.endsLast = rng.chance(15)
        var script = Script(write: write)
        script.read = read(using: &rng)
        if rng.chance(8) { script.abortAfter = UInt64(rng.within(0...max(total, 1))) }
        if rng.chance(6) { script.abortLate = rng.spread(0...600) }
        script.exitDelay = rng.chance(50) ? 0 : rng.spread(1...5_000)
        return script
    }

    private static func writes(_ write: WriteScript) -> Int {
        Int(write.total) / max(1, write.chunk) + 1
    }

    private static func read(using rng: inout SimulationRandom) -> ReadScript {
        var read = ReadScript()
        if rng.chance(25) {
            read.chunk = rng.spread(512...64 << 10)
            read.pause = min(rng.spread(1...500), read.chunk / 50)
        }
        if rng.chance(10) { read.firstPause = rng.spread(100...30_000) }
        if rng.chance(10) { read.stopAfter = UInt64(rng.spread(0...200_000)) }
        return read
    }
}
