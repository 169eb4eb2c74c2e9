internal import Crypto
internal import NIOSSL
internal import SwiftASN1
internal import X509

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#endif

/// This user's identity: a P-256 private key and a certificate that it signs itself.
package struct KeyPair: Sendable {
    /// Private key and certificate, PEM, as kept in the identity file.
    package let pem: String
    package let fingerprint: Fingerprint

    package struct Malformed: Error {
        package var text: String
    }

    /// A new key. Certificates of ours are recognised by their key alone; name and dates mean
    /// nothing.
    package static func generate() throws -> KeyPair {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("ftsl") }
        let now = Date()
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PrivateKey(key).publicKey, notValidBefore: now - 86_400,
            notValidAfter: now + 100 * 365 * 86_400, issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        let document = PEMDocument(
            type: "CERTIFICATE", derBytes: serializer.serializedBytes)
        return try KeyPair(pem: key.pemRepresentation + "\n" + document.pemString + "\n")
    }

    package init(pem: String) throws {
        self.pem = pem
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
        } catch {
            throw Malformed(text: "no certificate in it")
        }
        guard let own = certificates.first else { throw Malformed(text: "no certificate in it") }
        fingerprint = try Fingerprint(of: own)
    }

    var certificates: [NIOSSLCertificate] {
        get throws { try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)) }
    }

    var privateKey: NIOSSLPrivateKey {
        get throws { try NIOSSLPrivateKey(bytes: Array(pem.utf8), format: .pem) }
    }
}
