internal import FTSLCore
internal import NIOCore
package import NIOSSL
internal import SwiftASN1
internal import X509

/// How this end proves itself and whom it accepts, for TLS 1.3. [FTSL §4.7]
package struct TLSCredentials: Sendable {
    /// How the other end is recognised.
    package enum Recognition: Sendable {
        /// By its public key; the driver decides which keys it knows.
        case key
        /// By a certificate under one of these authorities (a PEM file), names checked by the
        /// dialling end.
        case authority(file: String)
    }

    package struct Unusable: Error {
        package var text: String
    }

    /// What both ends must agree on (ALPN).
    static let applicationProtocol = "ftsl/1"

    package let recognition: Recognition
    private let clientContext: NIOSSLContext
    private let serverConfiguration: TLSConfiguration

    /// Keys that are pinned: nothing in a certificate but its key is looked at.
    package init(_ pair: KeyPair) throws {
        try self.init(
            chain: try pair.certificates.map { .certificate($0) },
            key: .privateKey(try pair.privateKey), recognition: .key)
    }

    /// A public-key infrastructure: PEM files.
    package init(certificate: String, key: String, authority: String) throws {
        do {
            try self.init(
                chain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                key: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)),
                recognition: .authority(file: authority),
                roots: try NIOSSLCertificate.fromPEMFile(authority))
        } catch {
            throw Unusable(text: "cannot use \(certificate), \(key), \(authority): \(error)")
        }
    }

    private init(
        chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource, recognition: Recognition,
        roots: [NIOSSLCertificate] = []
    ) throws {
        self.recognition = recognition
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain
        client.privateKey = key
        var server = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: key)
        // The acceptor always wants to know who asks; the names in client certificates are no host
        // names.
        server.certificateVerification = .noHostnameVerification
        switch recognition {
        case .key: client.certificateVerification = .noHostnameVerification
        case .authority: client.certificateVerification = .fullVerification
        }
        // Never the system's authorities: who is believed is said by the user.
        client.trustRoots = .certificates(roots)
        server.trustRoots = .certificates(roots)
        clientContext = try NIOSSLContext(configuration: Self.hardened(client))
        serverConfiguration = Self.hardened(server)
        _ = try NIOSSLContext(configuration: serverConfiguration)
    }

    /// What one handshake will learn. A key that was not looked at in this very handshake does not
    /// count.
    func makeRecord() -> PeerRecord {
        switch recognition {
        case .key: PeerRecord(needsKey: true)
        case .authority: PeerRecord(needsKey: false)
        }
    }

    private static func hardened(_ configuration: TLSConfiguration) -> TLSConfiguration {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        configuration.renegotiationSupport = .none
        configuration.applicationProtocols = [applicationProtocol]
        configuration.shutdownTimeout = .milliseconds(500)
        return configuration
    }

    /// The dialling end's handler. `decide` sees the acceptor's key before anything is sent.
    func clientHandler(
        host: String?, record: PeerRecord, decide: @escaping (Fingerprint) -> Failure?
    ) throws -> NIOSSLClientHandler {
        // SNI takes host names only.
        let name = host.flatMap { Self.isAddress($0) ? nil : $0 }
        switch recognition {
        case .authority:
            return try NIOSSLClientHandler(context: clientContext, serverHostname: name)
        case .key:
            return try NIOSSLClientHandler(
                context: clientContext, serverHostname: name,
                customVerificationCallback: { certificates, promise in
                    record.see(certificates, decide: decide)
                    promise.succeed(record.failure == nil ? .certificateVerified : .failed)
                })
        }
    }

    /// The accepting end's handler. Whether a key may do anything is decided at OPEN, where it can
    /// be said kindly.
    ///
    /// Each connection has a context of its own, and with it keys for session tickets that nobody
    /// else has: a TLS session resumed by ticket would skip the verification of the client's
    /// certificate.
    func serverHandler(record: PeerRecord) throws -> NIOSSLServerHandler {
        let context = try NIOSSLContext(configuration: serverConfiguration)
        switch recognition {
        case .authority: return NIOSSLServerHandler(context: context)
        case .key:
            return NIOSSLServerHandler(
                context: context,
                customVerificationCallback: { certificates, promise in
                    record.see(certificates, decide: { _ in nil })
                    promise.succeed(record.failure == nil ? .certificateVerified : .failed)
                })
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }

    /// The name a certificate under an authority stands for: its first DNS name, else its common
    /// name.
    package static func name(of certificate: NIOSSLCertificate) -> String? {
        guard let bytes = try? certificate.toDERBytes(),
            let parsed = try? Certificate(derEncoded: bytes)
        else { return nil }
        if let names = try? parsed.extensions.subjectAlternativeNames {
            for case .dnsName(let name) in names { return name }
        }
        return parsed.subject.flatMap { $0 }.lazy
            .first { $0.type == .RDNAttributeType.commonName }
            .map { String(describing: $0.value) }
    }
}

/// What one TLS handshake learnt about the other end; used on its event loop only.
package final class PeerRecord: @unchecked Sendable {
    /// The other end is recognised by its key, never by a name.
    let needsKey: Bool
    private(set) var fingerprint: Fingerprint?
    /// Why the other end was turned down.
    private(set) var failure: Failure?

    init(needsKey: Bool) { self.needsKey = needsKey }

    func see(_ certificates: [NIOSSLCertificate], decide: (Fingerprint) -> Failure?) {
        guard let own = certificates.first, let seen = try? Fingerprint(of: own) else {
            failure = Failure(.peer, .authenticationFailed, "the peer has no usable certificate")
            return
        }
        fingerprint = seen
        failure = decide(seen)
    }
}
