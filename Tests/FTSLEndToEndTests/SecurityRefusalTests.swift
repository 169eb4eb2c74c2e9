import Foundation
import Testing

/// What becomes of peers that are not meant, and who learns it.
@Suite("Refusals", .onStage)
struct SecurityRefusalTests {
    private static let otherProtocols = [[], ["-alpn", "h2"]]

    private func openssl(_ arguments: [String]) throws -> Program {
        try stage.start(Launch(path: "openssl", arguments: arguments, input: .pipe))
    }

    @Test(
        "A TLS client that does not ask for ftsl/1 is turned away and starts nothing",
        .needs("openssl"), arguments: otherProtocols)
    func foreignClient(_ options: [String]) throws {
        let ada = try stage.person("ada")
        let identity = ["-cert", ada.identity, "-key", ada.identity]
        _ = try ada.key()
        let flag = try stage.path("ran")
        let listener = try ada.listen(["--exec", "touch \(flag); cat", "--status-fd", "2"])
        let client = try openssl(
            ["s_client", "-connect", "127.0.0.1:\(listener.port)"] + identity + options)
        client.input?.write("FTSL")
        let refusal = try listener.errors.object("refusal") { $0.string("event") == "refused" }
        #expect(refusal.string("code") == "not-ftsl", "\(refusal)")
        #expect(refusal.string("reason")?.contains("ALPN") == true, "\(refusal)")
        #expect(FileManager.default.fileExists(atPath: flag) == false)
        try ada.expectEcho(listener.endpoint)
    }

    @Test(
        "A TLS listener that does not answer for ftsl/1 is 76 and hears nothing",
        .needs("openssl"), arguments: otherProtocols)
    func foreignListener(_ options: [String]) throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        let key = try ada.key()
        let server = try openssl(
            ["s_server", "-accept", "127.0.0.1:0", "-cert", ada.identity, "-key", ada.identity]
                + options)
        let line = try #require(try server.output?.line(containing: "ACCEPT 127"))
        let port = try #require(line.split(separator: ":").last)
        let client = try bob.connect("127.0.0.1:\(port)", ["--peer", key], input: .pipe)
        client.input?.write("secret")
        try expectRefusal(client, 76, "ALPN")
        #expect(server.output?.text.contains("secret") == false)
    }

    @Test(
        "--status-fd tells each kind of refusal with its code, source, number and time",
        .needs("openssl"))
    func told() throws {
        let (ada, eve) = try (stage.person("ada"), stage.person("eve"))
        let listener = try ada.listen(["--exec", "cat", "--status-fd", "2"])
        let client = try eve.connect(listener.endpoint, ["--peer", try ada.key()])
        try expectStatus(77, client)
        let stranger = try listener.errors.object("stranger") {
            $0.string("code") == "authority-refused"
        }
        #expect(stranger.string("event") == "refused" && stranger.has("time"), "\(stranger)")
        #expect(stranger.string("reason")?.contains(try eve.key()) == true, "\(stranger)")
        #expect(stranger.string("source") == "127.0.0.1", "\(stranger)")
        #expect(stranger.integer("count") == 1, "\(stranger)")
        // Told once a minute, but counted.
        try expectStatus(77, try eve.connect(listener.endpoint, ["--peer", try ada.key()]))
        _ = try openssl(
            ["s_client", "-connect", "127.0.0.1:\(listener.port)", "-alpn", "ftsl/1"])
        let nameless = try listener.errors.object("client without a certificate") {
            $0.string("code") == "authentication-failed"
        }
        #expect(nameless.string("reason") == "the peer showed no certificate", "\(nameless)")
        let lines = try listener.errors.text.split(separator: "\n")
        #expect(lines.filter { $0.contains("\"authority-refused\"") }.count == 1)
        listener.program.signal(SIGUSR1)
        let line = try listener.errors.line(containing: "reserved_memory")
        #expect(line.contains("\"authority-refused\":2"), "\(line)")
        #expect(line.contains("\"authentication-failed\":1"), "\(line)")
    }
}
