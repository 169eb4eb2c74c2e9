internal import FTSLCore
internal import NIOCore
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// How this end proves itself and whom it accepts, for TLS 1.3. [FTSL §4.7]
package struct TLSCredentials: Sendable {
    /// How the other end is recognised.
    package enum Recognition: Sendable {
        /// By its public key; the driver decides which keys it knows.
        case key
        /// By a certificate under one of these authorities (a PEM file), names checked by the dialling end.
        case authority(file: String)
    }

    package struct Unusable: Error {
        package var text: String
    }

    package let recognition: Recognition
    private let clientContext: NIOSSLContext
    private let serverContext: NIOSSLContext

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
                recognition: .authority(file: authority))
        } catch {
            throw Unusable(text: "cannot use \(certificate), \(key), \(authority): \(error)")
        }
    }

    private init(
        chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource, recognition: Recognition
    ) throws {
        self.recognition = recognition
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain
        client.privateKey = key
        var server = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: key)
        // The acceptor always wants to know who asks; the names in client certificates are no host names.
        server.certificateVerification = .noHostnameVerification
        switch recognition {
        case .key: client.certificateVerification = .noHostnameVerification
        case .authority(let file):
            client.certificateVerification = .fullVerification
            client.trustRoots = .file(file)
            server.trustRoots = .file(file)
        }
        clientContext = try NIOSSLContext(configuration: Self.hardened(client))
        serverContext = try NIOSSLContext(configuration: Self.hardened(server))
    }

    private static func hardened(_ configuration: TLSConfiguration) -> TLSConfiguration {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        configuration.renegotiationSupport = .none
        configuration.applicationProtocols = ["ftsl/1"]
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

    /// The accepting end's handler. Whether a key may do anything is decided at OPEN, where it can be said kindly.
    func serverHandler(record: PeerRecord) -> NIOSSLServerHandler {
        switch recognition {
        case .authority: return NIOSSLServerHandler(context: serverContext)
        case .key:
            return NIOSSLServerHandler(
                context: serverContext,
                customVerificationCallback: { certificates, promise in
                    record.see(certificates, decide: { _ in nil })
                    promise.succeed(record.failure == nil ? .certificateVerified : .failed)
                })
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }

    /// The name a certificate under an authority stands for: its first DNS name, else its common name.
    static func name(of certificate: NIOSSLCertificate) -> String? {
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
    private(set) var fingerprint: Fingerprint?
    /// Why the other end was turned down.
    private(set) var failure: Failure?

    func see(_ certificates: [NIOSSLCertificate], decide: (Fingerprint) -> Failure?) {
        guard let own = certificates.first, let seen = try? Fingerprint(of: own) else {
            failure = Failure(.peer, .authenticationFailed, "the peer has no usable certificate")
            return
        }
        fingerprint = seen
        failure = decide(seen)
    }
}
