import Foundation
import Testing

@Suite("Messages through a storm", .needs("/usr/bin/python3"), .onStage(weight: 4))
struct MessageStormTests {
    private func storm(_ messages: Int, _ seconds: Int, _ limit: Duration) throws {
        let result = try stage.python(
            "Storm/storm",
            [Tool.path, "--messages", "\(messages)", "--seconds", "\(seconds)"], limit)
        #expect(result.status == .status(0), "\(result.errors)")
        print("storm: \(result.output)")
    }

    @Test("Whoever is killed and whatever is cut: stored once, in order, processed, nobody hangs")
    func small() throws { try storm(8_000, 15, .seconds(240)) }

    @Test("200,000 messages and a minute of it", .longOnly)
    func large() throws { try storm(200_000, 60, .seconds(1_800)) }
}

@Suite("A script that sends one message at a time", .onStage(weight: 2))
struct MessageLoopTests {
    private static let count = Requirement.isLong ? 334 : 25

    /// Sends messages one by one, each with a process of its own; gives back their statuses.
    private func loop(
        _ name: String, to endpoint: String, between body: (Int) throws -> Void = { _ in }
    ) throws -> [ProcessEnd] {
        try (0..<Self.count).map { number in
            try body(number)
            return try stage.send(["-q", endpoint, "\(name) \(number)"]).wait()
        }
    }

    @Test("Receiver up, down and flapping: 0 or 75 at once, and a flush delivers the rest once")
    func flapping() throws {
        let endpoint = "127.0.0.1:\(try Socket.unusedPort())"
        var listener = try stage.listenForMessages(at: endpoint)
        #expect(try loop("up", to: endpoint).allSatisfy { $0 == .status(0) })
        listener.program.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, listener.program)
        let start = ContinuousClock.now
        #expect(try loop("down", to: endpoint).allSatisfy { $0 == .status(75) })
        #expect(ContinuousClock.now - start < .seconds(1) * Self.count)
        let flapping = try loop("flapping", to: endpoint) { number in
            if number % 8 == 2 { listener = try stage.listenForMessages(at: endpoint) }
            if number % 8 == 6 { listener.program.destroy() }
        }
        #expect(flapping.allSatisfy { $0 == .status(0) || $0 == .status(75) }, "\(flapping)")
        #expect(flapping.contains(.status(0)))
        listener.program.destroy()
        listener = try stage.listenForMessages(at: endpoint)
        try expectStatus(0, stage.send(["--flush"]))
        let wanted = ["up", "down", "flapping"].flatMap { name in
            (0..<Self.count).map { "\(name) \($0)" }
        }
        #expect(try stage.bodies(in: endpoint) == wanted)
    }
}
