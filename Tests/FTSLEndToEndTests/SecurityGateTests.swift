import Foundation
import Testing

/// Whom a listener lets in, and for how long.
@Suite("Whom a listener lets in", .onStage)
struct SecurityGateTests {
    /// The shortest time in which a revoked key must be out.
    private static let heartbeat = ["--heartbeat", "300ms"]

    /// Ada listens; Bob knows her key and she may know his.
    private func scene(_ options: [String] = ["--exec", "cat"]) throws -> Scene {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        return Scene(
            ada: ada, bob: bob, listener: try ada.listen(options + Self.heartbeat),
            peer: ["--peer", try ada.key()])
    }

    private struct Scene {
        let ada, bob: Person
        let listener: Listener
        let peer: [String]

        func connect(_ person: Person, input: Input = .null) throws -> Program {
            try person.connect(listener.endpoint, peer, input: input)
        }
    }

    @Test("An unknown client is refused with 77 and the name of its own key, and runs nothing")
    func unknown() throws {
        let flag = try stage.path("ran")
        let scene = try scene(["--exec", "touch \(flag); cat"])
        try expectRefusal(scene.connect(scene.bob), 77, try scene.bob.key(), "not allowed")
        #expect(FileManager.default.fileExists(atPath: flag) == false)
        let said = try scene.listener.errors.line(containing: "refused")
        #expect(try said.contains(scene.bob.key()))
    }

    @Test("A client that becomes trusted while the listener runs is let in within a heartbeat")
    func trustedLater() throws {
        let scene = try scene()
        try expectStatus(77, scene.connect(scene.bob))
        try scene.ada.authorize(scene.bob)
        try expectSoon("let in") {
            try scene.connect(scene.bob).wait(.seconds(20)) == .status(0)
        }
    }

    @Test("The command is told the key of its client")
    func told() throws {
        let scene = try scene(["--exec", "echo $FTSL_PEER_KEY"])
        try scene.ada.authorize(scene.bob)
        scene.listener.program.signal(SIGHUP)
        let client = try scene.connect(scene.bob)
        try expectStatus(0, client)
        #expect(try client.output?.allText() == scene.bob.key() + "\n")
    }

    @Test("A key without the permission to stream is refused a stream")
    func otherPermission() throws {
        let scene = try scene()
        try scene.ada.authorize(scene.bob, "--allow", "inbox,consume,control,migrate")
        scene.listener.program.signal(SIGHUP)
        try expectRefusal(scene.connect(scene.bob), 77, try scene.bob.key())
    }

    @Test("A key is refused after its expiry, and its session ends then")
    func expiry() throws {
        let scene = try scene()
        let soon = Int(Date().timeIntervalSince1970) + 3
        let line = "\(try scene.bob.key()) allow=stream expires=\(soon) for a moment\n"
        try write(line, to: scene.ada.authorizedPeers)
        scene.listener.program.signal(SIGHUP)
        let client = try scene.connect(scene.bob, input: .pipe)
        client.input?.write("still\n")
        try client.output?.line(containing: "still")
        try expectRefusal(client, 77, "no longer trusted")
        #expect(Date().timeIntervalSince1970 >= Double(soon))
        try expectRefusal(scene.connect(scene.bob), 77, "not allowed")
    }

    @Test("Revoking a key ends its sessions within a heartbeat; those of others go on")
    func revocation() throws {
        let scene = try scene()
        let eve = try stage.person("eve")
        try scene.ada.authorize(scene.bob)
        try scene.ada.authorize(eve)
        scene.listener.program.signal(SIGHUP)
        let clients = try [scene.bob, eve, scene.ada].map {
            let client = try scene.connect($0, input: .pipe)
            client.input?.write("up\n")
            try client.output?.line(containing: "up")
            return client
        }
        try scene.ada.ftsl("key", "revoke", eve.key())
        let revoked = ContinuousClock.now
        try expectRefusal(clients[1], 77, "no longer trusted")
        #expect(ContinuousClock.now - revoked < .seconds(3))
        for client in [clients[0], clients[2]] {
            client.input?.write("and on\n")
            try client.output?.line(containing: "and on")
            client.input?.close()
            try expectStatus(0, client)
        }
        try expectRefusal(scene.connect(eve), 77, "not allowed")
    }

    @Test("Withdrawing the permission to stream ends the session as revoking the key does")
    func withdrawn() throws {
        let scene = try scene()
        try scene.ada.authorize(scene.bob)
        scene.listener.program.signal(SIGHUP)
        let client = try scene.connect(scene.bob, input: .pipe)
        client.input?.write("up\n")
        try client.output?.line(containing: "up")
        try scene.ada.authorize(scene.bob, "--allow", "inbox")
        try expectRefusal(client, 77, "no longer trusted")
    }

    @Test("After SIGHUP the new key of this user is its own, and the old one a stranger's")
    func rotation() throws {
        let (ada, thief) = try (stage.person("ada"), stage.person("thief"))
        let old = try ada.key()
        let listener = try ada.listen(["--exec", "cat"])
        try FileManager.default.copyItem(atPath: ada.folder, toPath: thief.folder)
        try thief.expectEcho(listener.endpoint, ["--peer", old])
        unlink(ada.identity)
        let new = try ada.key()
        listener.program.signal(SIGHUP)
        try expectSoon("the new key in use") {
            try ada.connect(listener.endpoint).wait(.seconds(20)) == .status(0)
        }
        try expectRefusal(thief.connect(listener.endpoint, ["--peer", new]), 77, old)
    }

    @Test("Nobody is let in on the word of a file that others can write, until it is put right")
    func writableList() throws {
        let scene = try scene()
        try scene.ada.authorize(scene.bob)
        chmod(scene.ada.authorizedPeers, 0o666)
        scene.listener.program.signal(SIGHUP)
        try scene.listener.errors.line(containing: "mode 0666")
        try expectStatus(77, scene.connect(scene.bob))
        chmod(scene.ada.authorizedPeers, 0o644)
        try expectSoon("let in") {
            try scene.connect(scene.bob).wait(.seconds(20)) == .status(0)
        }
    }

    @Test("Without --public a listener stays on loopback: 78")
    func notPublic() throws {
        let ada = try stage.person("ada")
        try expectRefusal(ada.start(["listen", "0.0.0.0:0"]), 78, "--public")
        try expectRefusal(ada.start(["listen", "127.0.0.1.example.org:0"]), 78, "--public")
    }

    @Test("A public listener that knows nobody does not start: 78, and says how to name somebody")
    func nobody() throws {
        let ada = try stage.person("ada")
        try expectRefusal(ada.start(["listen", "--public", "0.0.0.0:0"]), 78, "ftsl key trust")
        try ada.ftsl("key", "trust", ada.key())
        let listener = try stage.listen(
            ["--public", "--exec", "cat"], at: "0.0.0.0:0", under: ada.wrapper)
        try ada.expectEcho(listener.endpoint)
    }

    @Test("A public listener serves TLS only: plaintext is refused with 77 and starts nothing")
    func plaintext() throws {
        let flag = try stage.path("ran")
        let scene = try scene(["--exec", "touch \(flag); cat"])
        let client = try scene.ada.connect(scene.listener.endpoint, ["--insecure"])
        try expectStatus(77, client)
        let loopback = try scene.ada.connect("127.0.0.1:\(scene.listener.port)")
        try expectRefusal(loopback, 77, "TLS")
        #expect(FileManager.default.fileExists(atPath: flag) == false)
    }

    @Test("--insecure serves plaintext beyond loopback, and each end says so once")
    func insecure() throws {
        let ada = try stage.person("ada")
        let listener = try ada.listen(["--insecure", "--exec", "cat"])
        let client = try ada.connect(listener.endpoint, ["--insecure"])
        try expectStatus(0, client)
        #expect(try oneSentence(client).contains("plaintext"))
        try expectStatus(0, try ada.connect("127.0.0.1:\(listener.port)"))
        let lines = try listener.errors.text.split(separator: "\n")
        #expect(lines.filter { $0.contains("plaintext") }.count == 1, "\(lines)")
    }

    @Test("A loopback listener speaks plaintext and TLS on one port, and lets in who can connect")
    func loopback() throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        let listener = try stage.listen(
            ["--exec", "cat; echo \"key $FTSL_PEER_KEY\""], under: ada.wrapper)
        let plain = try bob.connect(listener.endpoint)
        try expectStatus(0, plain)
        #expect(try plain.output?.allText() == "key \n")
        let secured = try bob.connect(listener.endpoint, ["--peer", ada.key()])
        try expectStatus(0, secured)
        #expect(try secured.output?.allText() == "key \(bob.key())\n")
    }
}

/// Asks again until it is so.
func expectSoon(
    _ what: String, _ limit: Duration = .seconds(20), _ isSo: () throws -> Bool
) throws {
    let end = ContinuousClock.now + limit
    while try !isSo() {
        guard ContinuousClock.now < end else {
            throw TimeLimitExceeded(description: "not \(what) within \(limit)")
        }
        Thread.sleep(forTimeInterval: 0.02)
    }
}

/// Replaces a file that only its owner may read or write.
func write(_ text: String, to path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    chmod(path, 0o600)
}
