internal import Crypto
package import NIOCore

/// One X25519 key pair for one OPEN or OPENED. [FTSL §4.5]
package struct HandshakeKey: Sendable {
    private let key: Curve25519.KeyAgreement.PrivateKey

    package init(using rng: inout some RandomNumberGenerator) {
        let seed = randomBytes(HandshakeMessage.keyLength, using: &rng)
        self.init(seed: seed)
    }

    /// For vectors and tests: any 32 bytes are a private key.
    package init(seed: [UInt8]) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: seed) else {
            preconditionFailure("an X25519 private key is any 32 bytes")
        }
        self.key = key
    }

    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// The session secret; a peer key that gives an all-zero result is refused.
    package func secret(
        peer: [UInt8], initiatorNonce: [UInt8], acceptorNonce: [UInt8]
    ) throws(Failure) -> SessionSecret {
        let shared: SharedSecret
        do {
            let peerKey = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: peer)
            shared = try key.sharedSecretFromKeyAgreement(with: peerKey)
        } catch {
            throw .violation(.authenticationFailed, "the peer's public key is not usable")
        }
        guard shared.withUnsafeBytes({ $0.contains { $0 != 0 } }) else {
            throw .violation(.authenticationFailed, "the peer's public key is not usable")
        }
        let secret = shared.hkdfDerivedSymmetricKey(
            using: SHA256.self, salt: initiatorNonce + acceptorNonce,
            sharedInfo: Array("FTSL/1 session secret".utf8), outputByteCount: 32)
        return SessionSecret(bytes: secret.withUnsafeBytes { Array($0) })
    }
}

/// What only the two ends of a session know; every later MAC comes from it. [FTSL §4.5]
package struct SessionSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package static let length = 32
    package let bytes: [UInt8]
    private let initiatorKey: SymmetricKey
    private let acceptorKey: SymmetricKey

    package init(bytes: [UInt8]) {
        self.bytes = bytes
        initiatorKey = Self.derive(bytes, "FTSL/1 initiator")
        acceptorKey = Self.derive(bytes, "FTSL/1 acceptor")
    }

    /// Never the secret: it must not reach a log.
    package var description: String { "SessionSecret" }
    package var debugDescription: String { description }

    private static func derive(_ secret: [UInt8], _ label: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Array(label.utf8),
            outputByteCount: 32)
    }

    /// The MAC that `sender` puts on a frame of `kind` after `transcript`.
    package func mac(by sender: Role, kind: FrameKind, transcript: ByteBuffer) -> [UInt8] {
        Array(hmac(by: sender, kind: kind, transcript: transcript).finalize())
    }

    /// Compares in constant time.
    package func verify(
        _ mac: [UInt8], by sender: Role, kind: FrameKind, transcript: ByteBuffer
    ) -> Bool {
        var data = Array("FTSL/1 MAC".utf8) + [kind.rawValue]
        data.append(contentsOf: transcript.readableBytesView)
        return HMAC<SHA256>.isValidAuthenticationCode(
            mac, authenticating: data, using: sender == .initiator ? initiatorKey : acceptorKey)
    }

    private func hmac(
        by sender: Role, kind: FrameKind, transcript: ByteBuffer
    ) -> HMAC<SHA256> {
        var hmac = HMAC<SHA256>(key: sender == .initiator ? initiatorKey : acceptorKey)
        hmac.update(data: Array("FTSL/1 MAC".utf8) + [kind.rawValue])
        transcript.withUnsafeReadableBytes { hmac.update(data: $0) }
        return hmac
    }
}

package func randomBytes(
    _ count: Int, using rng: inout some RandomNumberGenerator
) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
        let word: UInt64 = rng.next()
        for shift in stride(from: 0, to: 64, by: 8) where bytes.count < count {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }
    return bytes
}
