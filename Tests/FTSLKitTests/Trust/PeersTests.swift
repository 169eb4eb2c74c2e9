import FTSLKit
import FTSLTransport
import Testing

private let ada = Fingerprint(publicKey: [1])
private let bob = Fingerprint(publicKey: [2])
private let eve = Fingerprint(publicKey: [3])

@Suite("known_peers")
struct KnownPeersTests {
    private let office = Endpoint.tcp(host: "office", port: 7000)
    private let lab = Endpoint.tcp(host: "lab", port: 7000)

    private func parse(_ text: String) throws -> KnownPeers {
        try KnownPeers(parsing: text, path: "known_peers")
    }

    @Test("A key is known at its endpoint, unknown elsewhere, and any other there has changed")
    func judge() throws {
        let peers = try parse("office:7000 \(ada) a name\n")
        #expect(peers.judge(ada, at: office) == .known)
        #expect(peers.judge(ada, at: lab) == .unknown)
        #expect(peers.judge(bob, at: office) == .changed(from: ada))
        #expect(peers.judge(bob, at: .tcp(host: "office", port: 7001)) == .unknown)
    }

    @Test("An endpoint with several keys knows them all")
    func several() throws {
        let peers = try parse("office:7000 \(ada)\noffice:7000 \(bob)\n")
        #expect(peers.judge(ada, at: office) == .known)
        #expect(peers.judge(bob, at: office) == .known)
        #expect(peers.judge(eve, at: office) == .changed(from: ada))
    }

    @Test("A key that is good anywhere is known everywhere, and makes no other one changed")
    func anywhere() throws {
        let peers = try parse("* \(ada) backup\n")
        #expect(peers.judge(ada, at: office) == .known)
        #expect(peers.judge(bob, at: office) == .unknown)
    }

    @Test("Trusting at an endpoint replaces its key; trusting anywhere adds one")
    func trust() throws {
        var peers = try parse("office:7000 \(ada)\n* \(bob) first\n")
        peers.trust(eve, at: "office:7000", name: "")
        #expect(peers.judge(ada, at: office) == .changed(from: eve))
        peers.trust(ada, at: "*", name: "second")
        #expect(peers.judge(ada, at: office) == .known)
        #expect(peers.judge(bob, at: lab) == .known)
        peers.trust(bob, at: "*", name: "renamed")
        #expect(peers.entries.filter { $0.key == bob }.map(\.name) == ["renamed"])
    }

    @Test("Revoking a key removes it everywhere and says whether it was there")
    func revoke() throws {
        var peers = try parse("office:7000 \(ada)\nlab:7000 \(ada)\n* \(bob)\n")
        let first = peers.revoke(ada)
        let second = peers.revoke(ada)
        #expect(first && !second)
        #expect(peers.entries.map(\.key) == [bob])
    }

    @Test("What is written is read back, comments included")
    func text() throws {
        let text = "# ours\noffice:7000 \(ada) a name of its own\n[::1]:1 \(bob)\n"
        #expect(try parse(text).text == text)
        #expect(try parse("").text == "")
    }

    @Test(
        "A line that says nothing clear is an error with its number",
        arguments: ["office:7000", "office:7000 ftsl1:x", "\(ada) office:7000", " \(ada)"])
    func malformed(_ line: String) {
        #expect {
            _ = try parse("# comment\n\(line)\n")
        } throws: { error in
            (error as? SecretFile.Refused)?.text.contains("known_peers, line 2") == true
        }
    }
}

@Suite("authorized_peers")
struct AuthorizedPeersTests {
    private func parse(_ text: String) throws -> AuthorizedPeers {
        try AuthorizedPeers(parsing: text, path: "authorized_peers")
    }

    @Test("A key has its permissions until the second of its expiry, others have none")
    func permissions() throws {
        let peers = try parse(
            "\(ada) allow=stream,inbox=a.* expires=100 Ada\n\(bob) allow=control\n")
        #expect(peers.permissions(of: ada, now: 99) == [.stream, .inbox("a.*")])
        #expect(peers.permissions(of: ada, now: 100) == nil)
        #expect(peers.permissions(of: bob, now: .max) == [.control])
        #expect(peers.permissions(of: eve, now: 0) == nil)
    }

    @Test("Trusting again replaces everything that was said about a key")
    func trust() throws {
        var peers = try parse("\(ada) allow=stream,control expires=5 old\n")
        peers.trust(.init(key: ada, permissions: [.migrate], expires: nil, name: "new"))
        #expect(peers.text == "\(ada) allow=migrate new\n")
        let wasThere = peers.revoke(ada)
        #expect(wasThere)
        #expect(peers.text == "")
    }

    @Test("What is written is read back, comments included")
    func text() throws {
        let text =
            "# ours\n\(ada) allow=stream,inbox=jobs.#,consume=*,migrate,control expires=7 A b c\n"
            + "\(bob) allow=inbox=#\n"
        #expect(try parse(text).text == text)
        #expect(try parse("\(bob) allow=inbox\n").text == "\(bob) allow=inbox=#\n")
    }

    @Test(
        "A line that says nothing clear is an error, and lets nobody in",
        arguments: [
            "\(ada)", "\(ada) stream", "\(ada) allow=all", "\(ada) allow=stream,root",
            "\(ada) allow=stream expires=soon", "ftsl1:x allow=stream", "allow=stream \(ada)",
            "\(ada) allow=stream=x", "\(ada) allow=",
        ])
    func malformed(_ line: String) {
        #expect(throws: SecretFile.Refused.self) { try parse("\(bob) allow=stream\n\(line)\n") }
    }

    @Test("A permission with something invisible in it is none")
    func invisible() {
        for text in ["inbox=a b", "inbox=a\nb", "inbox=\u{1B}[2J", "inbox=a\u{2028}b", " stream"] {
            #expect(Permission(text) == nil, "\(text.debugDescription)")
        }
    }
}
