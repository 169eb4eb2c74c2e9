import FTSLTransport
import NIOSSL
import Testing

@Suite("Fingerprints")
struct FingerprintTests {
    @Test("A fingerprint is the one that openssl and base32 compute")
    func known() throws {
        let certificate = try #require(
            try NIOSSLCertificate.fromPEMBytes(Array(withNames.utf8)).first)
        // openssl x509 -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base32
        #expect(
            try Fingerprint(of: certificate).description
                == "ftsl1:qgdfwzg5l2uogqeasmiejdz7up5rohutepr2mzglxgco2hxrampa")
    }

    @Test("What is written is read back as the same, for a thousand keys")
    func roundTrip() throws {
        for seed in 0..<1000 {
            let one = Fingerprint(publicKey: Array("\(seed)".utf8))
            let text = one.description
            #expect(text.count == 58)
            #expect(Fingerprint(text) == one)
            #expect(Fingerprint(text.uppercased()) == one)
        }
    }

    @Test("A key has one spelling: the four bits beyond its end are zero")
    func oneSpelling() throws {
        let text = Fingerprint(publicKey: [1, 2, 3]).description
        let last = try #require(text.last)
        let accepted = "abcdefghijklmnopqrstuvwxyz234567".filter {
            Fingerprint(String(text.dropLast()) + String($0)) != nil
        }
        #expect(accepted.contains(last))
        #expect(accepted == "aq")
    }

    @Test(
        "Nothing else is a fingerprint",
        arguments: [
            "", "ftsl1:", "ftsl1", "ftsl2:" + String(repeating: "a", count: 52),
            String(repeating: "a", count: 58), "ftsl1:" + String(repeating: "a", count: 51),
            "ftsl1:" + String(repeating: "a", count: 53),
            "ftsl1:" + String(repeating: "0", count: 52),
            "ftsl1:" + String(repeating: "a", count: 51) + "=",
            " ftsl1:" + String(repeating: "a", count: 52),
            "ftsl1:" + String(repeating: "a", count: 52) + "\n",
            "ftsl1:" + String(repeating: "ａ", count: 52),
            "ftsl1:" + String(repeating: "\u{212A}", count: 52),
        ])
    func refused(_ text: String) { #expect(Fingerprint(text) == nil) }
}
