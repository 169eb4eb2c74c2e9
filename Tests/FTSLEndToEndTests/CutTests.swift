import Foundation
import Testing

@Suite("Connections that die")
struct CutTests {
    @Test(
        "1 GiB each way at once, byte for byte, while connections are killed 50 times",
        .needsRoot, .needs("ss"), .onStage(weight: 4))
    func killed() throws {
        let transfer = try Transfer(1 << 30)
        var random = SystemRandomNumberGenerator()
        let cuts = 50
        let step = transfer.size / (cuts + 1)
        for cut in 1...cuts {
            // Somewhere in its own part of the stream, in whichever direction is ahead.
            let position = cut * step - Int.random(in: 0..<step, using: &random)
            try transfer.up.reach(position, .seconds(60))
            let side = Bool.random(using: &random) ? "dport" : "sport"
            try stage.run("ss", ["-K", "-t", "\(side) = :\(transfer.listener.port)"])
            try transfer.resumed(cut)
        }
        try transfer.finish(.seconds(120))
        #expect(try #require(summary(of: transfer.client).integer("reconnects")) >= cuts)
    }

    @Test("A link that dies every 300 ms makes progress and finishes", .onStage)
    func shortLived() throws {
        let transfer = try Transfer(
            24 << 20, connect: ["--limit-rate", "8M", "-q"],
            through: { try stage.relay(to: $0, lifetime: .milliseconds(300)).endpoint })
        try transfer.finish(.seconds(60))
        #expect(transfer.resumptions >= 5)
    }

    @Test("A link that dies every 30 ms makes progress and finishes", .onStage)
    func veryShortLived() throws {
        let transfer = try Transfer(
            8 << 20, connect: ["--limit-rate", "8M", "-q"],
            through: { try stage.relay(to: $0, lifetime: .milliseconds(30)).endpoint })
        try transfer.finish(.seconds(60))
        #expect(transfer.resumptions >= 5)
    }

    @Test("Cuts at random moments, with what was under way lost", .onStage(weight: 2))
    func randomCuts() throws {
        let relay = Watched<Relay?>(nil)
        let transfer = try Transfer(
            64 << 20, connect: ["-q"],
            through: {
                let made = try stage.relay(to: $0)
                relay.change { $0 = made }
                return made.endpoint
            })
        let link = try #require(relay.current)
        for cut in 1...30 {
            try link.carried(cut * 4 << 20)
            link.cut()
        }
        try transfer.finish(.seconds(60))
        #expect(transfer.resumptions >= 10)
    }

    @Test("A silent peer is noticed within 2.5 heartbeats, by both ends", .onStage(weight: 2))
    func silence() throws {
        let listener = try stage.listen(["--heartbeat", "400ms"], input: .pipe)
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["--heartbeat", "400ms"], input: .pipe)
        client.input?.write("x")
        try listener.output.atLeast(1)
        relay.become(.blackHole)
        let start = ContinuousClock.now
        try client.errors?.line(containing: "lost the connection")
        let mine = ContinuousClock.now - start
        try listener.errors.line(containing: "lost the connection")
        let theirs = ContinuousClock.now - start
        for time in [mine, theirs] {
            #expect(time > .milliseconds(500) && time < .milliseconds(1000 + 500), "\(time)")
        }
        relay.become(.clear)
        client.input?.write("y")
        try listener.output.atLeast(2, .seconds(15))
        client.input?.close()
        listener.program.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
    }

    @Test("When only one direction is dead, the session moves to a new connection", .onStage)
    func halfOpen() throws {
        let listener = try stage.listen(["--heartbeat", "200ms"], input: .pipe)
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["--heartbeat", "200ms"], input: .pipe)
        client.input?.write("x")
        try listener.output.atLeast(1)
        relay.become(.deafClient)
        // The listener still hears the client, and writes into the void.
        listener.program.input?.write("lost once")
        try client.errors?.line(containing: "lost the connection")
        relay.become(.clear)
        try client.output?.atLeast(9, .seconds(15))
        client.input?.close()
        listener.program.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try client.output?.allText() == "lost once")
    }

    @Test("A network that stalls and goes on loses nothing", .onStage)
    func stalls() throws {
        let relay = Watched<Relay?>(nil)
        let transfer = try Transfer(
            32 << 20, listen: ["--heartbeat", "200ms"], connect: ["-q", "--heartbeat", "200ms"],
            through: {
                let made = try stage.relay(to: $0)
                relay.change { $0 = made }
                return made.endpoint
            })
        let link = try #require(relay.current)
        for round in 1...3 {
            try link.carried(round * 8 << 20)
            link.become(.stalled)
            try transfer.lost(round)
            link.become(.clear)
            try transfer.resumed(round)
        }
        try transfer.finish(.seconds(60))
    }

    @Test(
        "The median from a cut to the first resumed byte is under 10 ms on loopback",
        .onStage(weight: 6))
    func resumeTime() throws {
        let (read, write) = try Descriptor.pipe()
        let status = Collector(read)
        let listener = try stage.listen()
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(
            relay.endpoint, ["--status-fd", "7", "-q", "--interval", "10ms"], input: .pipe,
            extra: [7: write])
        write.close()
        client.input?.write("x")
        var times: [Duration] = []
        for round in 1...31 {
            // A link that never carried an acknowledgement is dialled less and less often.
            _ = try status.object("acknowledgement") { $0.integer("acknowledged") == round }
            let start = ContinuousClock.now
            relay.cut()
            client.input?.write("x")
            try listener.output.atLeast(1 + round)
            times.append(ContinuousClock.now - start)
        }
        client.input?.close()
        try expectStatus(0, client)
        _ = try status.all()
        let offline = status.objects.filter { $0.string("event") == "resumed" }
            .compactMap { $0.number("offline") }.sorted()
        let median = times.sorted()[times.count / 2]
        print(
            "cut to first resumed byte: median \(median), slowest \(times.max() ?? .zero); "
                + "offline: median \(offline[offline.count / 2]) s")
        #expect(offline.count == times.count)
        #expect(median < .milliseconds(10))
    }

    @Test("A client is blocked while it is disconnected, and nothing is dropped", .onStage)
    func blocked() throws {
        let listener = try stage.listen()
        let relay = try stage.relay(to: listener)
        let client = try stage.connect(relay.endpoint, ["--buffer", "1M"], input: .pipe)
        client.input?.write("x")
        try listener.output.atLeast(1)
        relay.refuse()
        relay.cut()
        try client.errors?.line(containing: "lost the connection")
        let size = 16 << 20
        let input = try #require(client.input)
        let written = Watched(0)
        Thread.detachNewThread {
            let piece = [UInt8](repeating: 0x79, count: 1 << 16)
            for _ in 0..<(size >> 16) where input.write(piece) { written.change { $0 += 1 << 16 } }
            input.close()
        }
        // The buffer, the pipe, and what is read ahead.
        #expect(written.wait(.seconds(2)) { $0 > 4 << 20 ? true : nil } == nil)
        relay.open()
        client.signal(SIGHUP)
        try expectStatus(0, client)
        #expect(try listener.output.all().count == size + 1)
    }
}

@Suite("Memory is bounded")
struct MemoryTests {
    @Test(
        "A stalled, then slow reader: both ends stay under the buffer and 32 MiB",
        .onStage(weight: 4))
    func slowReader() throws {
        let size = Requirement.isLong ? 10 << 30 : 2 << 30
        let (read, write) = try Descriptor.pipe()
        let listener = try stage.listen(output: .descriptor(write))
        write.close()
        let (source, input) = try Descriptor.pipe()
        let client = try stage.connect(listener, ["-q"], input: .descriptor(source))
        source.close()
        let stream = RandomStream(seed: 5)
        // Not closed at the end: both ends must live to be looked at.
        let keeper = try Descriptor(dup(input.raw), "dup")
        stream.write(size, to: input)
        let limit = Watched(0)
        let slow = (512 << 20)..<(544 << 20)
        let verifier = Verifier(read, stream) { position in
            _ = limit.wait(.seconds(600)) { position < $0 ? true : nil }
            if slow.contains(position) { Thread.sleep(forTimeInterval: 0.005) }
        }
        // Nobody reads until the writer is stopped by the full buffers: at the start, and again
        // when fast reading has made the windows large.
        try eventually("the writer stands") { try isStill(client) }
        limit.change { $0 = slow.lowerBound }
        try verifier.reach(slow.lowerBound, .seconds(60))
        try eventually("the writer stands again") { try isStill(client) }
        limit.change { $0 = .max }
        try verifier.reach(size, .seconds(Requirement.isLong ? 600 : 150))
        let bound = (64 + 32) << 20
        let mine = try #require(client.peakMemory)
        let theirs = try #require(listener.program.peakMemory)
        print("peak memory: connect \(mine >> 20) MiB, listen \(theirs >> 20) MiB")
        #expect(mine <= bound)
        #expect(theirs <= bound)
        keeper.close()
        try expectStatus(0, client)
        let end = try verifier.end(.seconds(30))
        #expect(end.position == size && end.difference == nil)
    }

    /// True when a program used no processor time for a while.
    private func isStill(_ program: Program) throws -> Bool {
        let before = program.processorTicks
        Thread.sleep(forTimeInterval: 0.3)
        return program.processorTicks == before
    }
}
