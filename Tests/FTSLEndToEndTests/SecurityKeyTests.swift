import Foundation
import Testing

@Suite("ftsl key", .onStage)
struct SecurityKeyTests {
    @Test("A key is made at first use, stays the same, and its file is for its owner alone")
    func firstUse() throws {
        let ada = try stage.person("ada")
        let key = try ada.key()
        #expect(key.hasPrefix("ftsl1:"))
        #expect(key.count == 58)
        #expect(try ada.key() == key)
        #expect(try mode(ada.identity) == 0o600)
        #expect(try mode(ada.folder) == 0o700)
        #expect(try ada.ftsl("key", "show", "--json") == "{\"key\":\"\(key)\"}\n")
        #expect(try stage.person("bob").key() != key)
    }

    @Test("The fingerprint is the base32 of the SHA-256 of the public key, as openssl sees it")
    func fingerprint() throws {
        let ada = try stage.person("ada")
        let key = try ada.key()
        let hash = try stage.run(
            "/bin/sh",
            [
                "-c",
                "openssl pkey -in \"$0\" -pubout -outform DER | openssl dgst -sha256 -binary"
                    + " | base32 -w0 | tr -d = | tr A-Z a-z", ada.identity,
            ])
        #expect(key == "ftsl1:" + hash)
    }

    @Test("The picture of a key is the same each time and another for another key")
    func art() throws {
        let ada = try stage.person("ada")
        let picture = try ada.ftsl("key", "show", "--art")
        #expect(try ada.ftsl("key", "show", "--art") == picture)
        let rows = picture.split(separator: "\n").dropFirst()
        #expect(rows.count == 11)
        #expect(rows.allSatisfy { $0.count == 19 }, "\(picture)")
        let other = try stage.person("bob").ftsl("key", "show", "--art")
        #expect(other.split(separator: "\n").dropFirst().elementsEqual(rows) == false)
    }

    @Test("Trusted keys are listed with what they may do, and no longer after being revoked")
    func trustListRevoke() throws {
        let (ada, bob, eve) = try (stage.person("ada"), stage.person("bob"), stage.person("eve"))
        try ada.authorize(
            bob, "--name", "Bob's laptop", "--allow", "stream,inbox=jobs.*", "--expires",
            "2099-01-31")
        try ada.ftsl("key", "trust", "--as", "server", eve.key(), "--name", "example.org:5000")
        let lines = try ada.ftsl("key", "list").split(separator: "\n")
        #expect(
            lines == [
                "client \(try bob.key()) stream,inbox=jobs.* until 2099-01-31T00:00:00Z Bob's laptop",
                "server \(try eve.key()) example.org:5000 example.org:5000",
            ])
        let objects = try ada.ftsl("key", "list", "--json").split(separator: "\n")
            .compactMap { JSONObject(String($0)) }
        #expect(objects.map { $0.string("key") } == [try bob.key(), try eve.key()])
        #expect(objects.first?.integer("expires") == 4_073_500_800)
        try ada.ftsl("key", "revoke", bob.key())
        try ada.ftsl("key", "revoke", eve.key())
        #expect(try ada.ftsl("key", "list") == "")
        try expectRefusal(try ada.start(["key", "revoke", bob.key()]), 66, "not trusted")
    }

    @Test("Trusting a key again replaces what was said before")
    func again() throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        try ada.authorize(bob, "--allow", "stream,control")
        try ada.authorize(bob, "--allow", "inbox=a")
        #expect(try ada.ftsl("key", "list") == "client \(bob.key()) inbox=a\n")
    }

    @Test(
        "What could be read back as something else is refused",
        arguments: [
            ["--name", "x\nftsl1:aaaa allow=control"], ["--name", "expires=99999999999"],
            ["--name", "tab\tand\rmore"], ["--allow", "inbox=a b"], ["--allow", "inbox=a\nb"],
            ["--allow", "everything"], ["--allow", ""], ["--allow", "stream=x"],
            ["--expires", "tomorrow"], ["--as", "server", "--name", "two words:1"],
            ["--as", "friend"],
        ])
    func nonsense(_ options: [String]) throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        try ada.authorize(try stage.person("eve"))
        let before = try String(contentsOfFile: ada.authorizedPeers, encoding: .utf8)
        try expectStatus(64, try ada.start(["key", "trust", bob.key()] + options))
        #expect(try String(contentsOfFile: ada.authorizedPeers, encoding: .utf8) == before)
        #expect(try ada.ftsl("key", "list").contains(bob.key()) == false)
    }

    @Test(
        "What is no key is refused as one",
        arguments: [
            "", "ftsl1:", "ftsl1:abc", "ftsl2:" + String(repeating: "a", count: 52),
            "ftsl1:" + String(repeating: "a", count: 51) + "b",
            "ftsl1:" + String(repeating: "1", count: 52),
            "ftsl1:" + String(repeating: "a", count: 53),
        ])
    func noKey(_ text: String) throws {
        let ada = try stage.person("ada")
        try expectStatus(64, try ada.start(["key", "trust", text]))
        try expectStatus(64, try ada.start(["key", "revoke", text]))
        try expectStatus(64, try ada.start(["connect", "127.0.0.1:9", "--peer", text]))
    }

    @Test("Twenty first uses at once end with one identity")
    func race() throws {
        let ada = try stage.person("ada")
        let programs = try (0..<20).map { _ in try ada.start(["key", "show"]) }
        var keys: Set<String> = []
        for program in programs {
            try expectStatus(0, program)
            keys.insert(try program.output?.allText() ?? "")
        }
        #expect(keys.count == 1, "\(keys)")
        #expect(try keys.first == ada.key() + "\n")
    }

    @Test("Keys that are trusted at the same time are all there afterwards")
    func concurrentTrust() throws {
        let ada = try stage.person("ada")
        let keys = try (0..<8).map { try stage.person("friend\($0)").key() }
        let programs = try keys.map { try ada.start(["key", "trust", $0]) }
        for program in programs { try expectStatus(0, program) }
        let list = try ada.ftsl("key", "list")
        for key in keys { #expect(list.contains(key)) }
    }
}
