import Foundation
import Testing

@Suite("Sessions over TLS", .onStage)
struct SecurityResumeTests {
    @Test("Sessions over TLS survive cuts to the byte, both ways")
    func cuts() throws {
        let ada = try stage.person("ada")
        let listener = try ada.listen(["--exec", "cat"])
        let relay = try stage.relay(to: listener)
        let client = try ada.connect(
            relay.endpoint, ["--peer", ada.key(), "--summary", "json"], input: .pipe)
        let bytes = [UInt8](unsafeUninitializedCapacity: 24 << 20) { space, count in
            RandomStream(seed: 12).fill(UnsafeMutableRawBufferPointer(space), from: 0)
            count = space.count
        }
        let input = try #require(client.input)
        Thread.detachNewThread {
            input.write(bytes)
            input.close()
        }
        for share in 1...6 {
            try client.output?.atLeast(share * (3 << 20), .seconds(60))
            relay.cut()
        }
        try expectStatus(0, client, .seconds(90))
        #expect(try client.output?.all() == Data(bytes))
        #expect(try (summary(of: client).integer("reconnects") ?? 0) >= 5)
    }

    @Test("Sessions over TLS open and resume while connections live a quarter of a second")
    func shortLives() throws {
        let ada = try stage.person("ada")
        let listener = try ada.listen(["--exec", "cat"])
        let relay = try stage.relay(to: listener, lifetime: .milliseconds(250))
        let client = try ada.connect(
            relay.endpoint,
            ["--peer", ada.key(), "--summary", "json", "--limit-rate", "1M"], input: .pipe)
        let bytes = [UInt8](unsafeUninitializedCapacity: 2 << 20) { space, count in
            RandomStream(seed: 13).fill(UnsafeMutableRawBufferPointer(space), from: 0)
            count = space.count
        }
        let input = try #require(client.input)
        Thread.detachNewThread {
            input.write(bytes)
            input.close()
        }
        try expectStatus(0, client, .seconds(90))
        #expect(try client.output?.all() == Data(bytes))
        #expect(try (summary(of: client).integer("reconnects") ?? 0) >= 2)
    }

    @Test("A first TLS handshake that the network breaks is tried again")
    func brokenFirst() throws {
        let ada = try stage.person("ada")
        let listener = try ada.listen(["--exec", "cat"])
        let relay = try stage.relay(to: listener)
        relay.become(.blackHole)
        let client = try ada.connect(relay.endpoint, ["--peer", ada.key()], input: .pipe)
        try relay.accepted(1)
        relay.cut()
        try relay.accepted(2)
        relay.become(.clear)
        relay.cut()
        client.input?.write("here")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "here")
    }

    @Test("A session is not resumed with a listener of another key at the same endpoint")
    func impostor() throws {
        let (ada, eve) = try (stage.person("ada"), stage.person("eve"))
        let listener = try ada.listen(["--exec", "cat"])
        try eve.authorize(ada)
        let client = try ada.connect(
            listener.endpoint,
            ["--give-up-after", "2s", "--peer", ada.key(), "--peer", eve.key()], input: .pipe)
        client.input?.write("one\n")
        try client.output?.line(containing: "one")
        listener.program.signal(SIGKILL)
        _ = try listener.program.wait(.seconds(10))
        let impostor = try eve.listen(["--exec", "cat"], at: listener.endpoint)
        client.input?.write("two\n")
        let end = try client.wait(.seconds(30))
        #expect([.status(80), .status(77)].contains(end), "\(end)")
        #expect(try client.errors?.allText().contains("instead of") == true)
        #expect(try client.output?.allText() == "one\n")
        #expect(try impostor.errors.text.contains("refused") == false)
    }

    @Test("A restarted listener with the same key ends its lost sessions at once with 81")
    func gone() throws {
        let ada = try stage.person("ada")
        let listener = try ada.listen(["--exec", "cat"])
        let client = try ada.connect(listener.endpoint, input: .pipe)
        client.input?.write("one\n")
        try client.output?.line(containing: "one")
        listener.program.signal(SIGKILL)
        _ = try listener.program.wait(.seconds(10))
        _ = try ada.listen(["--exec", "cat"], at: listener.endpoint)
        // Without TLS it would take the half minute after which "gone" is believed.
        try expectStatus(81, client, .seconds(25))
    }

    @Test(
        "A session over TLS does not go on in plaintext at an alternative that speaks nothing else")
    func noDowngrade() throws {
        let ada = try stage.person("ada")
        let listener = try ada.listen(["--exec", "cat"])
        let server = try stage.server { connection in
            while connection.isReadable(within: .seconds(5)) {
                guard let first = connection.first else { return }
                #expect(
                    first == 0x16, "something other than TLS was said to a loopback alternative")
            }
        }
        let client = try ada.connect(
            "\(listener.endpoint),\(server.endpoint)", ["--give-up-after", "2s"], input: .pipe)
        client.input?.write("one\n")
        try client.output?.line(containing: "one")
        listener.program.signal(SIGKILL)
        _ = try client.wait(.seconds(30))
        #expect(server.accepted > 0)
        #expect(try client.output?.allText() == "one\n")
    }

    @Test("A plaintext session on loopback does not take its plaintext to another machine")
    func noSpread() throws {
        let ada = try stage.person("ada")
        let listener = try stage.listen(["--exec", "cat"], under: ada.wrapper)
        let server = try stage.server { connection in
            while connection.isReadable(within: .seconds(5)) {
                guard let first = connection.first else { return }
                #expect(first == 0x16, "plaintext went beyond loopback")
            }
        }
        let client = try ada.connect(
            "\(listener.endpoint),0.0.0.0:\(server.port)", ["--give-up-after", "2s"],
            input: .pipe)
        client.input?.write("one\n")
        try client.output?.line(containing: "one")
        listener.program.signal(SIGKILL)
        let end = try client.wait(.seconds(30))
        #expect(end == .status(80), "\(end)")
        #expect(server.accepted > 0)
    }
}

extension Descriptor {
    /// The first byte of what is there; nil at the end.
    fileprivate var first: UInt8? {
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { space.deallocate() }
        guard let count = read(into: space), count > 0 else { return nil }
        return space[0]
    }
}
