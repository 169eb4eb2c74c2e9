import FTSLCore
import NIOCore
import Testing

struct KeyScheduleTests {
    private let nonce = [UInt8](repeating: 7, count: 32)

    private func pair() throws -> (SessionSecret, HandshakeKey, HandshakeKey) {
        var rng = CountingGenerator(seed: 5)
        let a = HandshakeKey(using: &rng)
        let b = HandshakeKey(using: &rng)
        let secret = try a.secret(peer: b.publicKey, initiatorNonce: nonce, acceptorNonce: nonce)
        return (secret, a, b)
    }

    @Test("Both ends get one secret, and other nonces give another")
    func agreement() throws {
        let (secret, a, b) = try pair()
        let other = try b.secret(peer: a.publicKey, initiatorNonce: nonce, acceptorNonce: nonce)
        #expect(secret.bytes == other.bytes)
        let fresh = try b.secret(
            peer: a.publicKey, initiatorNonce: nonce, acceptorNonce: nonce.map { $0 + 1 })
        #expect(fresh.bytes != secret.bytes)
    }

    /// [FTSL §4.5]
    @Test("Keys that force an all-zero result are refused")
    func smallOrder() throws {
        let (_, a, _) = try pair()
        let zero = [UInt8](repeating: 0, count: 32)
        for key in [zero, [1] + zero.dropLast()] {
            #expect(
                code { () throws(Failure) in
                    _ = try a.secret(peer: key, initiatorNonce: nonce, acceptorNonce: nonce)
                } == .authenticationFailed)
        }
    }

    /// [FTSL §4.5]
    @Test("A MAC holds for one sender, one kind, one transcript and one secret")
    func separation() throws {
        let (secret, _, _) = try pair()
        let text = bytes("transcript")
        let mac = secret.mac(by: .initiator, kind: .proof, transcript: text)
        #expect(secret.verify(mac, by: .initiator, kind: .proof, transcript: text))
        #expect(!secret.verify(mac, by: .acceptor, kind: .proof, transcript: text))
        #expect(!secret.verify(mac, by: .initiator, kind: .confirm, transcript: text))
        #expect(!secret.verify(mac, by: .initiator, kind: .proof, transcript: bytes("transcripu")))
        #expect(
            !secret.verify(Array(mac.dropLast()), by: .initiator, kind: .proof, transcript: text))
        let other = SessionSecret(bytes: [UInt8](repeating: 1, count: 32))
        #expect(!other.verify(mac, by: .initiator, kind: .proof, transcript: text))
    }

    @Test("Each bit of a MAC counts")
    func everyBit() throws {
        let (secret, _, _) = try pair()
        let text = bytes("transcript")
        let mac = secret.mac(by: .acceptor, kind: .resumed, transcript: text)
        for bit in 0..<mac.count * 8 {
            var wrong = mac
            wrong[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!secret.verify(wrong, by: .acceptor, kind: .resumed, transcript: text))
        }
    }

    @Test("A secret does not print itself")
    func secrecy() throws {
        let (secret, _, _) = try pair()
        #expect("\(secret)" == "SessionSecret")
        #expect(String(reflecting: secret) == "SessionSecret")
    }

    @Test("Random bytes come from the generator that was given, any number of them")
    func random() {
        for count in [0, 1, 7, 8, 9, 32] {
            var a = CountingGenerator(seed: 3)
            var b = CountingGenerator(seed: 3)
            let first = randomBytes(count, using: &a)
            #expect(first.count == count)
            #expect(first == randomBytes(count, using: &b))
        }
    }

    @Test("Versions: the best that both speak, or none")
    func versions() {
        #expect(ProtocolVersion.agree(with: [9, 1]) == 1)
        #expect(ProtocolVersion.agree(with: [2, 3]) == nil)
        #expect(ProtocolVersion.agree(with: []) == nil)
    }
}
