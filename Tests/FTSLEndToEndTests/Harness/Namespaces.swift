import Foundation

/// Two network namespaces with a cable between them, gone at the end of the test.
final class Namespaces: @unchecked Sendable {
    /// Where the listener runs.
    let server: String
    /// Where the client runs.
    let client: String
    let serverAddress: String
    private(set) var clientAddress: String
    private let stage: Stage
    private let subnet: String
    private var clientHost = 2

    private static let counter = Watched(0)

    init(_ stage: Stage) throws {
        self.stage = stage
        var number = 0
        Self.counter.change {
            $0 += 1
            number = $0
        }
        let name = "ftsl-\(getpid())-\(number)"
        (server, client) = ("\(name)s", "\(name)c")
        subnet = "10.\(77 + number % 100).\(getpid() % 250)"
        serverAddress = "\(subnet).1"
        clientAddress = "\(subnet).2"
        let names = [server, client]
        stage.atEnd {
            for name in names {
                let tool = try? Program(Launch(path: "ip", arguments: ["netns", "del", name]))
                _ = try? tool?.wait(.seconds(10))
            }
        }
        for name in names { try ip("netns", "add", name) }
        try ip(
            "link", "add", "eth0", "netns", client, "type", "veth", "peer", "name", "eth0", "netns",
            server)
        for (name, address) in [(server, serverAddress), (client, clientAddress)] {
            try ip("-n", name, "link", "set", "lo", "up")
            try ip("-n", name, "link", "set", "eth0", "up")
            try ip("-n", name, "addr", "add", "\(address)/24", "dev", "eth0")
        }
        try nft(server, "add table inet fault")
        try nft(server, "add chain inet fault input { type filter hook input priority 0; }")
    }

    /// What to put before a command to run it there.
    func inside(_ name: String) -> [String] { ["ip", "netns", "exec", name] }

    private func ip(_ arguments: String...) throws { try stage.run("ip", arguments) }

    private func nft(_ name: String, _ rule: String) throws {
        try stage.run("ip", ["netns", "exec", name, "nft", rule])
    }

    // MARK: Faults

    /// What arrives for this port from now on: `drop`, or `reject with …`.
    func fault(_ port: Int, _ verdict: String) throws {
        try nft(server, "add rule inet fault input tcp dport \(port) \(verdict)")
    }

    func heal() throws { try nft(server, "flush chain inet fault input") }

    /// The client gets another address, and its old one is no longer its own.
    func moveClient() throws {
        let old = clientAddress
        clientHost += 1
        clientAddress = "\(subnet).\(clientHost)"
        try ip("-n", client, "addr", "add", "\(clientAddress)/24", "dev", "eth0")
        try ip("-n", client, "addr", "del", "\(old)/24", "dev", "eth0")
        // The kernel promotes or flushes secondaries on deletion: say again what should be.
        try ip("-n", client, "addr", "replace", "\(clientAddress)/24", "dev", "eth0")
    }

    func cable(plugged: Bool) throws {
        try ip("-n", client, "link", "set", "eth0", plugged ? "up" : "down")
    }
}
