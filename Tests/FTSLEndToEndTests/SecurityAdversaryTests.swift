import Foundation
import Testing

/// Somebody on the way, or with a copy of what went by. [FTSL §4.7]
@Suite("Adversaries", .onStage, .needs("openssl"))
struct SecurityAdversaryTests {
    /// A script of `Tests/Adversary` that stands between the ends; `port` is where clients find it.
    private struct Between {
        let program: Program
        let port: Int
        var said: Collector { get throws { try #require(program.output) } }
    }

    private func between(_ script: String, _ arguments: [String]) throws -> Between {
        let program = try stage.adversary(script, arguments, input: .pipe)
        let output = try #require(program.output)
        let port = try output.object("port") { $0.has("port") }.integer("port")
        return Between(program: program, port: try #require(port))
    }

    private func scene(_ options: [String] = ["--exec", "cat"]) throws -> (Person, Listener) {
        let ada = try stage.person("ada")
        return (ada, try ada.listen(options))
    }

    // MARK: A man in the middle

    @Test(
        "A man in the middle with a certificate of his own is refused by a client that knows its listener"
    )
    func interception() throws {
        let (ada, listener) = try scene()
        let eve = try between("man_in_the_middle.py", ["\(listener.port)"])
        let client = try ada.connect(
            "127.0.0.1:\(eve.port)", ["--peer", ada.key()], input: .pipe)
        client.input?.write("secret\n")
        try expectRefusal(client, 77, "ftsl1:", "--peer")
        let seen = try eve.said.object("connection") { $0.has("connection") }
        #expect(seen.integer("up") == 0, "\(seen)")
        #expect(try client.output?.all().isEmpty == true)
    }

    @Test("A man in the middle whom a client believed is still refused by the listener")
    func interceptionAtListener() throws {
        let flag = try stage.path("ran")
        let (ada, listener) = try scene(["--exec", "touch \(flag); cat"])
        let eve = try between("man_in_the_middle.py", ["\(listener.port)"])
        let client = try ada.connect(
            "127.0.0.1:\(eve.port)", ["--accept-new"], input: .pipe)
        client.input?.write("secret\n")
        try expectStatus(77, client)
        #expect(FileManager.default.fileExists(atPath: flag) == false)
    }

    // MARK: Records

    private static let mischief = ["flip", "cut", "replay", "swap", "drop", "grow"]

    @Test(
        "Damaged, repeated, exchanged or missing TLS records cost a connection, never a byte",
        arguments: mischief, ["up", "down"])
    func records(_ mode: String, _ direction: String) throws {
        let (ada, listener) = try scene()
        let proxy = try between(
            "records.py", ["\(listener.port)", mode, direction, "9", "2"])
        let client = try ada.connect(
            "127.0.0.1:\(proxy.port)",
            ["--peer", ada.key(), "--heartbeat", "400ms", "--summary", "json"], input: .pipe)
        var bytes = [UInt8](repeating: 0, count: 3 << 20)
        bytes.withUnsafeMutableBytes { RandomStream(seed: 11).fill($0, from: 0) }
        client.input?.write(bytes)
        client.input?.close()
        try expectStatus(0, client, .seconds(60))
        #expect(try client.output?.all() == Data(bytes))
        let reconnects = try summary(of: client).integer("reconnects") ?? 0
        #expect(reconnects >= 1, "the damage was not met")
    }

    @Test(
        "While every connection is damaged nothing wrong is delivered and nobody says 0",
        arguments: ["flip", "swap", "drop"])
    func recordsForEver(_ mode: String) throws {
        let (ada, listener) = try scene()
        let proxy = try between(
            "records.py", ["\(listener.port)", mode, "down", "6", "1000000"])
        let client = try ada.connect(
            "127.0.0.1:\(proxy.port)",
            ["--peer", ada.key(), "--heartbeat", "200ms", "--give-up-after", "1s"],
            input: .pipe)
        client.input?.write("first words\n")
        let end = try client.wait(.seconds(60))
        let sober = [69, 76, 77, 80, 124].map { ProcessEnd.status($0) }
        #expect(sober.contains(end), "\(end)")
        #expect("first words\n".hasPrefix(try client.output?.allText() ?? "-"))
    }

    @Test("A handshake with a damaged record opens nothing", arguments: 1...3)
    func handshakeRecords(_ number: Int) throws {
        let flag = try stage.path("ran")
        let (ada, listener) = try scene(["--exec", "touch \(flag); cat"])
        let proxy = try between(
            "records.py", ["\(listener.port)", "flip", "down", "\(number)", "1000000"])
        let client = try ada.connect(
            "127.0.0.1:\(proxy.port)", ["--peer", ada.key(), "--timeout", "8s"])
        let end = try client.wait(.seconds(30))
        let sober = [69, 76, 77, 124].map { ProcessEnd.status($0) }
        #expect(sober.contains(end), "\(end)")
        #expect(FileManager.default.fileExists(atPath: flag) == false)
    }

    // MARK: Replay

    @Test("A recorded TLS conversation, played again from start or middle, changes nothing")
    func replayTLS() throws { try replay(secured: true) }

    @Test(
        "A recorded plaintext conversation, played again from start, middle or any frame, changes nothing"
    )
    func replayPlaintext() throws { try replay(secured: false) }

    private func replay(secured: Bool) throws {
        let starts = try stage.path("starts")
        let ada = try stage.person("ada")
        let listener = try stage.listen(
            ["--exec", "echo >> \(starts); cat"], under: ada.wrapper)
        let recorder = try between("recorder.py", ["\(listener.port)"])
        let endpoint = "127.0.0.1:\(recorder.port)"
        let options = try secured ? ["--peer", ada.key()] : []
        try ada.expectEcho(endpoint, options)
        let client = try ada.connect(endpoint, options, input: .pipe)
        client.input?.write("one\n")
        try client.output?.line(containing: "one")
        recorder.program.input?.write("now\n")
        let first = try recorder.said.object("replays", .seconds(60)) { $0.has("replays") }
        #expect(first.integer("recorded") == 2)
        #expect((first.integer("replays") ?? 0) >= (secured ? 4 : 12), "\(first)")
        #expect(first.integer("attached") == 0, "\(first)")
        // The session that was recorded goes on as if nothing had happened, on the same connection.
        client.input?.write("two\n")
        client.input?.close()
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "one\ntwo\n")
        #expect(try client.errors?.allText() == "")
        #expect(try String(contentsOfFile: starts, encoding: .utf8) == "\n\n")
    }

    // MARK: Downgrade

    @Test(
        "A handshake that was changed on its way is refused with 77",
        arguments: [
            "versions", "limits-up", "service", "item-up", "version", "limits-down", "flags",
            "item-down",
        ])
    func rewriting(_ mode: String) throws {
        let flag = try stage.path("ran")
        let listener = try stage.listen(
            ["--exec", "touch \(flag); cat"], under: stage.person("ada").wrapper)
        let eve = try between("rewriting.py", ["\(listener.port)", mode])
        let client = try stage.connect("127.0.0.1:\(eve.port)")
        try expectRefusal(client, 77, "MAC")
        #expect(try eve.said.object("change") { $0.has("changed") }.has("changed"))
        #expect(FileManager.default.fileExists(atPath: flag) == false)
    }

    // MARK: Theft

    @Test("A session belongs to the identity that opened it, whoever knows its secret")
    func binding() throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        _ = try (ada.key(), bob.key())
        let listener = try stage.listen(["--exec", "cat"], under: ada.wrapper)
        let verdict = try stage.verdict(
            "identities.py", ["bind", "\(listener.port)", ada.identity, bob.identity])
        let refused = "VERDICT 4 code 31"
        #expect(verdict.string("tls_from_plaintext") == refused, "\(verdict)")
        #expect(verdict.string("tls_from_other_key") == refused, "\(verdict)")
        #expect(verdict.string("plaintext_from_tls") == refused, "\(verdict)")
        let gone = "VERDICT 5 code 50"
        #expect(verdict.string("tls_without_secret") == gone, "\(verdict)")
        #expect(verdict.string("stolen_id_from_plaintext") == gone, "\(verdict)")
        #expect(verdict.integer("tls_lives") == 1, "\(verdict)")
        #expect(verdict.integer("plaintext_lives") == 1, "\(verdict)")
        #expect(verdict.string("tls_from_own_key") == "RESUMED", "\(verdict)")
        #expect(verdict.string("plaintext_from_plaintext") == "RESUMED", "\(verdict)")
    }

    @Test("A stranger with the secret of a session gets nothing at a listener for trusted keys")
    func strangerWithSecret() throws {
        let (ada, listener) = try scene()
        let verdict = try stage.verdict(
            "identities.py", ["stranger-with-secret", "\(listener.port)", ada.identity])
        #expect(verdict.string("from_stranger") == "VERDICT 4 code 31", "\(verdict)")
        #expect(verdict.string("from_plaintext") == "VERDICT 4 code 31", "\(verdict)")
        #expect(verdict.integer("lives") == 1, "\(verdict)")
        #expect(verdict.string("from_own_key") == "RESUMED", "\(verdict)")
    }

    @Test("A stranger that comes back with TLS session tickets is refused like the first time")
    func ticket() throws {
        let (_, listener) = try scene()
        let verdict = try stage.verdict("identities.py", ["ticket", "\(listener.port)"])
        let refused = "\"VERDICT 4 code 31\""
        #expect(
            verdict.description.contains("[\(refused), \(refused), \(refused)]"), "\(verdict)")
        #expect(verdict.integer("reused") == 0)
    }

    @Test("A connection made before its key was revoked opens nothing afterwards")
    func holding() throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        try ada.authorize(bob)
        let listener = try ada.listen(["--exec", "cat", "--heartbeat", "300ms"])
        let thief = try stage.adversary(
            "identities.py", ["holding", "\(listener.port)", bob.identity], input: .pipe)
        _ = try thief.output?.object("ready") { $0.has("ready") }
        try ada.ftsl("key", "revoke", bob.key())
        listener.program.signal(SIGHUP)
        // Seen by the listener once a new connection of the same key is refused.
        try expectSoon("revoked") {
            try bob.connect(listener.endpoint, ["--peer", ada.key()]).wait(.seconds(20))
                == .status(77)
        }
        thief.input?.write("now\n")
        let answer = try thief.output?.object("answer") { $0.has("answer") }
        #expect(answer?.string("answer") != "OPENED", "\(String(describing: answer))")
    }
}
