import FTSLTransport
import Testing

@Suite("Key pairs")
struct KeyPairTests {
    @Test("A new key is another one each time, and is read back as the same")
    func generate() throws {
        let pairs = try (0..<8).map { _ in try KeyPair.generate() }
        #expect(Set(pairs.map(\.fingerprint)).count == 8)
        for pair in pairs {
            #expect(try KeyPair(pem: pair.pem).fingerprint == pair.fingerprint)
            #expect(pair.pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
            #expect(pair.pem.hasSuffix("-----END CERTIFICATE-----\n"))
        }
    }

    @Test(
        "Text without a certificate is malformed",
        arguments: ["", "nonsense", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"])
    func malformed(_ text: String) {
        #expect(throws: KeyPair.Malformed.self) { try KeyPair(pem: text) }
    }
}
