internal import Crypto
package import NIOSSL

/// What people compare: `ftsl1:` and the base32 of the SHA-256 of a public key
/// (SubjectPublicKeyInfo, DER).
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    package static let prefix = "ftsl1:"
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")

    /// The 32 bytes of the hash.
    package let digest: [UInt8]

    package init(publicKey subjectPublicKeyInfo: [UInt8]) {
        digest = Array(SHA256.hash(data: subjectPublicKeyInfo))
    }

    package init(of certificate: NIOSSLCertificate) throws {
        self.init(publicKey: try certificate.extractPublicKey().toSPKIBytes())
    }

    /// Nil unless the text is a fingerprint; upper case is accepted.
    package init?(_ text: String) {
        let lowered = text.lowercased()
        guard lowered.hasPrefix(Self.prefix) else { return nil }
        var bytes: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for character in lowered.dropFirst(Self.prefix.count) {
            guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt32(value)
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
                bits &= (1 << UInt32(count)) - 1
            }
        }
        // 52 characters hold 260 bits; the last four must be zero, so that a key has one spelling.
        guard bytes.count == 32, bits == 0, lowered.count == Self.prefix.count + 52 else {
            return nil
        }
        digest = bytes
    }

    package var description: String {
        var text = Self.prefix
        var (bits, count) = (UInt32(0), 0)
        for byte in digest {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(Self.alphabet[Int(bits >> UInt32(count)) & 31])
            }
            bits &= (1 << UInt32(count)) - 1
        }
        if count > 0 { text.append(Self.alphabet[Int(bits << UInt32(5 - count)) & 31]) }
        return text
    }
}
