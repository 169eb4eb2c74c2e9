import Foundation
import Testing

@Suite(
    "Between two network namespaces", .needsRoot, .needs("ip", "nft"), .onStage(weight: 3))
struct NamespaceTests {
    /// A black hole of the length that people meet; shorter in CI.
    private static let blackHole: Double = Requirement.isLong ? 30 : 10

    @Test(
        "Rejects, a black hole, a pulled cable and a new address: 256 MiB each way, byte for byte")
    func faults() throws {
        let networks = try Namespaces(stage)
        let steps = 6
        let size = 256 << 20
        let transfer = try Transfer(
            size, gate: size / steps,
            listen: ["--public", "--insecure", "--heartbeat", "1s"],
            connect: ["-q", "--heartbeat", "1s"], at: "\(networks.serverAddress):0",
            listenerUnder: networks.inside(networks.server),
            clientUnder: networks.inside(networks.client))
        var step = 1
        var losses = 0
        /// Lets the next part through while the fault lasts, and sees it arrive after it.
        func during(_ fault: () throws -> Void, until over: () throws -> Void) throws {
            try transfer.reach(step * size / steps, .seconds(60))
            step += 1
            try fault()
            transfer.limit.change { $0 = step * size / steps }
            losses += 1
            try transfer.lost(losses)
            try over()
            let healed = ContinuousClock.now
            try transfer.resumed(losses)
            print("back \(ContinuousClock.now - healed) after fault \(step - 1) was over")
        }
        let port = transfer.listener.port
        try during({ try networks.fault(port, "reject with tcp reset") }, until: networks.heal)
        try during({ try networks.fault(port, "reject with icmpx host-unreachable") }) {
            try networks.heal()
        }
        try during({ try networks.fault(port, "drop") }) {
            // The length of the hole is the point of the test.
            Thread.sleep(forTimeInterval: Self.blackHole)
            try networks.heal()
        }
        try during({ try networks.cable(plugged: false) }) { try networks.cable(plugged: true) }
        try during(networks.moveClient, until: {})
        try transfer.reach(size, .seconds(60))
        try transfer.finish(.seconds(60))
        #expect(transfer.resumptions == losses)
    }

    @Test("Connections killed while the client's address changes again and again")
    func nomad() throws {
        let networks = try Namespaces(stage)
        let steps = 8
        let size = 64 << 20
        let transfer = try Transfer(
            size, gate: size / steps,
            listen: ["--public", "--insecure", "--heartbeat", "300ms"],
            connect: ["-q", "--heartbeat", "300ms"], at: "\(networks.serverAddress):0",
            listenerUnder: networks.inside(networks.server),
            clientUnder: networks.inside(networks.client))
        for step in 2...steps {
            try transfer.reach((step - 1) * size / steps, .seconds(60))
            try networks.moveClient()
            transfer.limit.change { $0 = step * size / steps }
        }
        try transfer.finish(.seconds(90))
        #expect(transfer.resumptions >= 3)
    }

    @Test("A listener beyond loopback is reached by name of its address only when it is --public")
    func exposed() throws {
        let networks = try Namespaces(stage)
        let refused = try stage.ftsl(
            ["listen", "\(networks.serverAddress):0"], under: networks.inside(networks.server))
        try expectStatus(78, refused)
        let listener = try stage.listen(
            ["--public", "--insecure"], under: networks.inside(networks.server))
        try listener.errors.line(containing: "accepting plaintext from everybody")
        let client = try stage.ftsl(
            ["connect", "\(networks.serverAddress):\(listener.port)"], input: .pipe,
            under: networks.inside(networks.client))
        client.input?.write("from afar")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try listener.output.allText() == "from afar")
    }

    @Test("A host that answers nothing at all is 69 or 124 in bounded time")
    func nobody() throws {
        let networks = try Namespaces(stage)
        try networks.fault(7, "drop")
        let client = try stage.connect(
            "\(networks.serverAddress):7", ["--timeout", "1s"],
            under: networks.inside(networks.client))
        try expectStatus(124, client, .seconds(10))
        let other = try stage.connect(
            "\(networks.serverAddress):7", under: networks.inside(networks.client))
        try expectStatus(69, other, .seconds(20))
    }
}
