import Foundation
import Testing

/// What a scanner of TLS servers looks for.
@Suite("TLS as a scanner sees it", .onStage, .needs("openssl"))
struct SecurityProbeTests {
    /// What `openssl s_client` says about a listener; its input ends at once.
    private func probe(_ port: Int, _ options: [String]) throws -> (ProcessEnd, String) {
        let client = try stage.start(
            Launch(
                path: "openssl",
                arguments: [
                    "s_client", "-connect", "127.0.0.1:\(port)", "-alpn", "ftsl/1",
                ] + options))
        let end = try client.wait(.seconds(20))
        let output = try client.output?.allText() ?? ""
        return (end, output + (try client.errors?.allText() ?? ""))
    }

    private func listener() throws -> (Person, Listener) {
        let ada = try stage.person("ada")
        _ = try ada.key()
        return (ada, try ada.listen(["--exec", "cat"]))
    }

    @Test("TLS 1.3 is spoken, without compression, secret only after a fresh key exchange")
    func modern() throws {
        let (ada, listener) = try listener()
        let (end, said) = try probe(
            listener.port, ["-tls1_3", "-cert", ada.identity, "-key", ada.identity])
        #expect(end == .status(0), "\(said)")
        for line in [
            "New, TLSv1.3, Cipher is TLS_", "Compression: NONE", "ALPN protocol: ftsl/1",
            "Server Temp Key: X25519", "Early data was not sent",
        ] {
            #expect(said.contains(line), "\(line) in \(said)")
        }
    }

    @Test("Older versions are refused", arguments: ["-tls1", "-tls1_1", "-tls1_2"])
    func old(_ version: String) throws {
        let (_, listener) = try listener()
        let (end, said) = try probe(listener.port, [version, "-cipher", "ALL:@SECLEVEL=0"])
        #expect(end == .status(1), "\(said)")
        #expect(said.contains("Cipher is (NONE)"), "\(said)")
        #expect(said.contains("alert protocol version"), "\(said)")
    }

    @Test(
        "The ciphers are those with authentication that TLS 1.3 recommends, and no others",
        arguments: [
            ("TLS_AES_128_GCM_SHA256", true), ("TLS_AES_256_GCM_SHA384", true),
            ("TLS_CHACHA20_POLY1305_SHA256", true), ("TLS_AES_128_CCM_SHA256", false),
            ("TLS_AES_128_CCM_8_SHA256", false),
        ])
    func ciphers(_ suite: String, _ accepted: Bool) throws {
        let (ada, listener) = try listener()
        let (end, said) = try probe(
            listener.port,
            ["-ciphersuites", suite, "-cert", ada.identity, "-key", ada.identity])
        #expect(end == .status(accepted ? 0 : 1), "\(said)")
        #expect(said.contains("Cipher is \(accepted ? suite : "(NONE)")"), "\(said)")
    }

    @Test(
        "Weak groups and signatures are refused",
        arguments: [
            ["-groups", "secp224r1"], ["-groups", "ffdhe2048"], ["-sigalgs", "ECDSA+SHA1"],
            ["-sigalgs", "RSA+SHA1"],
        ])
    func weak(_ options: [String]) throws {
        let (ada, listener) = try listener()
        let (end, said) = try probe(
            listener.port,
            options + ["-tls1_3", "-cert", ada.identity, "-key", ada.identity])
        #expect(end == .status(1), "\(said)")
        #expect(said.contains("Cipher is (NONE)"), "\(said)")
    }

    @Test("A session ticket resumes nothing and carries no early data")
    func tickets() throws {
        let (ada, listener) = try listener()
        let file = try stage.path("session")
        let identity = ["-cert", ada.identity, "-key", ada.identity]
        // OPEN with nonsense makes it answer, and the ticket comes before the answer.
        let first = try stage.start(
            Launch(
                path: "openssl",
                arguments: [
                    "s_client", "-connect", "127.0.0.1:\(listener.port)", "-alpn", "ftsl/1",
                    "-sess_out", file, "-ign_eof",
                ] + identity, input: .pipe))
        try first.output?.line(containing: "Max Early Data: 0")
        first.input?.write("nonsense")
        _ = try first.wait(.seconds(20))
        try #require(FileManager.default.fileExists(atPath: file))
        let data = try stage.path("early")
        try "early".write(toFile: data, atomically: true, encoding: .utf8)
        for options in [[], ["-early_data", data]] {
            let (_, said) = try probe(listener.port, ["-sess_in", file] + options + identity)
            #expect(said.contains("New, TLSv1.3"), "\(said)")
            #expect(said.contains("Reused") == false, "\(said)")
            #expect(said.contains("Early data was accepted") == false, "\(said)")
        }
    }

    @Test("Renegotiation and a second ClientHello end the connection")
    func renegotiation() throws {
        let (ada, listener) = try listener()
        let client = try stage.start(
            Launch(
                path: "openssl",
                arguments: [
                    "s_client", "-connect", "127.0.0.1:\(listener.port)", "-alpn", "ftsl/1",
                    "-cert", ada.identity, "-key", ada.identity,
                ], input: .pipe))
        try client.output?.line(containing: "Verify return code")
        client.input?.write("R\n")
        // OpenSSL itself knows no renegotiation in TLS 1.3 and says so.
        let end = try client.wait(.seconds(20))
        let said = try (client.errors?.allText() ?? "") + (client.output?.allText() ?? "")
        #expect(end == .status(1) || said.contains("wrong ssl version"), "\(end) \(said)")
        try ada.expectEcho(listener.endpoint)
    }
}
