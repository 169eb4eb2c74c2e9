import Foundation
import Testing

@Suite("Secrets", .onStage)
struct SecuritySecretsTests {
    @Test(
        "No private key and no session secret is in anything that was said, stored or can be read in /proc"
    )
    func nowhere() throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        try ada.authorize(bob)
        let loud = ["-vv", "--log-format", "json"]
        let listener = try ada.listen(["--exec", "env; cat", "--summary", "json"] + loud)
        let relay = try stage.relay(to: listener)
        let (statusRead, statusWrite) = try Descriptor.pipe()
        let status = Collector(statusRead)
        let client = try stage.connect(
            relay.endpoint,
            ["--peer", ada.key(), "--status-fd", "7", "--summary", "json", "--interval", "50ms"]
                + loud, input: .pipe, extra: [7: statusWrite], under: bob.wrapper)
        statusWrite.close()
        client.input?.write("hello\n")
        try client.output?.line(containing: "hello")
        let proc = try [listener.program.pid, client.pid].flatMap { pid in
            try ["cmdline", "environ"].map {
                try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/\($0)"))
            }
        }
        relay.cut()
        _ = try status.object("resumed") { $0.string("event") == "resumed" }
        // The peer knows the secret of its own session with the same listener.
        let verdict = try stage.verdict(
            "identities.py", ["secret", "\(listener.port)", bob.identity])
        #expect(verdict.integer("lives") == 1)
        client.signal(SIGUSR1)
        listener.program.signal(SIGUSR1)
        listener.program.signal(SIGHUP)
        try listener.errors.line(containing: "reserved_memory")
        client.input?.close()
        try expectStatus(0, client)
        listener.program.signal(SIGTERM)
        _ = try listener.program.wait(.seconds(20))

        let said = try [
            listener.errors.all(), listener.output.all(), try client.errors?.all() ?? Data(),
            try client.output?.all() ?? Data(), status.all(),
        ]
        let stored = try [ada, bob].flatMap { person in
            try FileManager.default.contentsOfDirectory(atPath: person.folder)
                .filter { $0 != "identity.pem" }
                .map { try Data(contentsOf: URL(fileURLWithPath: "\(person.folder)/\($0)")) }
        }
        let haystacks = said + stored + proc
        let needles = try secrets(of: [ada, bob]) + secrets(in: verdict)
        #expect(needles.count > 12)
        #expect(said.map(\.count).reduce(0, +) > 2000, "too little was said to prove anything")
        for needle in needles {
            for haystack in haystacks {
                #expect(
                    haystack.range(of: needle) == nil, "\(String(decoding: needle, as: UTF8.self))")
            }
        }
        for person in [ada, bob] { #expect(try mode(person.identity) == 0o600) }
    }

    /// Lines of the private keys, the keys themselves, and those in hexadecimal.
    private func secrets(of people: [Person]) throws -> [Data] {
        var found: [Data] = []
        for person in people {
            let text = try String(contentsOfFile: person.identity, encoding: .utf8)
            let parts = text.components(separatedBy: "-----END PRIVATE KEY-----")
            let lines = try #require(parts.first).split(separator: "\n").dropFirst()
            found += lines.filter { $0.count > 20 }.map { Data($0.utf8) }
            let der = try #require(Data(base64Encoded: lines.joined()))
            // PKCS#8 of P-256: an ECPrivateKey whose octet string of 32 bytes follows 02 01 01 04 20.
            let marker = try #require(der.range(of: Data([2, 1, 1, 4, 32])))
            let key = der[marker.upperBound..<marker.upperBound + 32]
            found.append(Data(key))
            found += spellings(of: key)
        }
        return found
    }

    private func secrets(in verdict: JSONObject) throws -> [Data] {
        let hex = verdict.description.components(separatedBy: "\"").filter {
            $0.count == 64 && $0.allSatisfy(\.isHexDigit)
        }
        try #require(hex.count == 3, "\(verdict)")
        return hex.flatMap { text -> [Data] in
            var bytes = Data()
            var rest = text[...]
            while !rest.isEmpty {
                bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            }
            return [bytes] + spellings(of: bytes)
        }
    }

    private func spellings(of bytes: Data) -> [Data] {
        let hex = bytes.map { String(format: "%02x", $0) }.joined()
        return [hex, hex.uppercased(), bytes.base64EncodedString()].map { Data($0.utf8) }
    }
}
