import Foundation
import Testing

/// Whom the dialling end believes.
@Suite("Whom a client believes", .onStage)
struct SecurityPeerTests {
    /// A listener of Ada's that echoes, and Bob, whom it lets in.
    private func scene() throws -> (ada: Person, bob: Person, listener: Listener) {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        try ada.authorize(bob)
        return (ada, bob, try ada.listen(["--exec", "cat"]))
    }

    @Test("A script that meets an unknown key ends with 77, and is told the key")
    func unknown() throws {
        let (ada, bob, listener) = try scene()
        let client = try bob.connect(listener.endpoint)
        try expectRefusal(client, 77, try ada.key(), "not known", "--peer", "--accept-new")
        #expect(FileManager.default.fileExists(atPath: bob.knownPeers) == false)
    }

    @Test("--peer admits the key it names and no other")
    func pinned() throws {
        let (ada, bob, listener) = try scene()
        try bob.expectEcho(listener.endpoint, ["--peer", ada.key()])
        let wrong = try bob.connect(listener.endpoint, ["--peer", bob.key()])
        try expectRefusal(wrong, 77, try ada.key(), "--peer")
        try bob.expectEcho(listener.endpoint, ["--peer", bob.key(), "--peer", ada.key()])
        #expect(FileManager.default.fileExists(atPath: bob.knownPeers) == false)
    }

    @Test("--accept-new remembers a key once, and from then on it is known without options")
    func acceptNew() throws {
        let (ada, bob, listener) = try scene()
        let first = try bob.connect(listener.endpoint, ["--accept-new"])
        try expectStatus(0, first)
        #expect(try first.errors?.allText().contains(ada.key()) == true)
        #expect(try mode(bob.knownPeers) == 0o600)
        let known = try String(contentsOfFile: bob.knownPeers, encoding: .utf8)
        #expect(known == "\(listener.endpoint) \(try ada.key())\n")
        let second = try bob.connect(listener.endpoint)
        try expectStatus(0, second)
        #expect(try second.errors?.allText() == "")
        #expect(try String(contentsOfFile: bob.knownPeers, encoding: .utf8) == known)
    }

    @Test("A key that has changed is 77 even with --accept-new, and both keys are named")
    func changed() throws {
        let (ada, bob, listener) = try scene()
        try expectStatus(0, try bob.connect(listener.endpoint, ["--accept-new"]))
        listener.program.signal(SIGTERM)
        _ = try listener.program.wait(.seconds(20))
        let eve = try stage.person("eve")
        try eve.authorize(bob)
        let impostor = try eve.listen(["--exec", "cat"], at: listener.endpoint)
        for options in [[], ["--accept-new"]] {
            let client = try bob.connect(impostor.endpoint, options)
            try expectRefusal(client, 77, try ada.key(), try eve.key(), "key revoke")
        }
        // Whoever changed it on purpose can say so.
        try bob.ftsl("key", "revoke", ada.key())
        try expectStatus(0, try bob.connect(impostor.endpoint, ["--accept-new"]))
    }

    @Test("A server that was trusted beforehand is known at its endpoint, or anywhere without one")
    func trustedBefore() throws {
        let (ada, bob, listener) = try scene()
        try bob.ftsl("key", "trust", "--as", "server", ada.key(), "--name", listener.endpoint)
        try bob.expectEcho(listener.endpoint)
        try bob.ftsl("key", "revoke", ada.key())
        try expectStatus(77, try bob.connect(listener.endpoint))
        try bob.ftsl("key", "trust", "--as", "server", ada.key(), "--name", "the office")
        try bob.expectEcho(listener.endpoint)
    }

    @Test("One's own key is trusted at both ends without a word")
    func own() throws {
        let ada = try stage.person("ada")
        let listener = try ada.listen(["--exec", "cat"])
        try ada.expectEcho(listener.endpoint)
        let files = try FileManager.default.contentsOfDirectory(atPath: ada.folder)
        #expect(Set(files).isDisjoint(with: ["known_peers"]), "\(files)")
    }

    @Test("Beyond loopback nothing is said to a listener that speaks plaintext only")
    func plaintextListener() throws {
        let bob = try stage.person("bob")
        let peer = try stage.start(
            Launch(
                path: "/usr/bin/python3",
                arguments: ["-B", "\(Tool.tests)/Peer/ftsl_peer.py", "listen"]))
        let line = try #require(try peer.errors?.line(containing: "listening on"))
        let port = try #require(line.split(separator: ":").last)
        let client = try bob.connect("0.0.0.0:\(port)", ["--accept-new"], input: .pipe)
        client.input?.write("secret")
        client.input?.close()
        let end = try client.wait(.seconds(20))
        #expect([.status(76), .status(69)].contains(end), "\(end)")
        #expect(try oneSentence(client).contains("cannot connect"))
        #expect(peer.output?.text.contains("secret") == false)
        #expect(FileManager.default.fileExists(atPath: bob.knownPeers) == false)
    }

    @Test("A listener that accepts and never answers TLS costs no more than the time to connect")
    func silence() throws {
        let bob = try stage.person("bob")
        let server = try stage.server {
            _ = $0.isReadable(within: .seconds(60)); _ = $0.read(60)
        }
        let started = ContinuousClock.now
        let client = try bob.connect(
            server.endpoint, ["--accept-new", "--timeout", "1s"])
        try expectStatus(124, client, .seconds(20))
        #expect(ContinuousClock.now - started < .seconds(8))
    }

    @Test("--insecure excludes what only TLS can do")
    func contradictions() throws {
        let (ada, bob, listener) = try scene()
        for options in [["--peer", try ada.key()], ["--accept-new"]] {
            try expectStatus(64, try bob.connect(listener.endpoint, ["--insecure"] + options))
        }
    }

    @Test("A name that merely looks like a loopback address is not trusted as one")
    func lookalike() throws {
        let bob = try stage.person("bob")
        let client = try bob.connect("127.0.0.1.invalid:9")
        try expectStatus(68, client)
        // TLS was going to be spoken: for that an identity is needed.
        #expect(FileManager.default.fileExists(atPath: bob.identity))
    }
}

extension Descriptor {
    /// Reads until the end or for this many seconds.
    fileprivate func read(_ seconds: Int) -> Int {
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 1)
        defer { space.deallocate() }
        var total = 0
        while isReadable(within: .seconds(seconds)), let count = read(into: space), count > 0 {
            total += count
        }
        return total
    }
}
