internal import ArgumentParser
internal import FTSLKit
internal import FTSLTransport

/// Options of a public-key infrastructure, for both ends.
struct CertificateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Certificate chain of this end, PEM.", valueName: "file"),
        completion: .file())
    var tlsCert: String?

    @Option(
        help: ArgumentHelp("Private key of --tls-cert, PEM.", valueName: "file"),
        completion: .file())
    var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "Accept certificates under these authorities, PEM, instead of known keys.",
            valueName: "file"), completion: .file())
    var tlsCa: String?

    mutating func validate() throws {
        let given = [tlsCert, tlsKey, tlsCa].compactMap { $0 }.count
        if given != 0, given != 3 {
            throw ValidationError("--tls-cert, --tls-key and --tls-ca go together")
        }
    }

    var isGiven: Bool { tlsCa != nil }

    /// The credentials, and this user's own key if they are made of it.
    func credentialsAndKey(_ store: TrustStore) throws -> (TLSCredentials, Fingerprint?) {
        let credentials = try credentials(store)
        return (credentials, isGiven ? nil : try store.fingerprint())
    }

    /// The credentials to prove ourselves with: the given files, or this user's own key.
    func credentials(_ store: TrustStore) throws -> TLSCredentials {
        do {
            if let tlsCert, let tlsKey, let tlsCa {
                try PrivateKeyFile.check(tlsKey)
                return try TLSCredentials(certificate: tlsCert, key: tlsKey, authority: tlsCa)
            }
            return try TLSCredentials(try store.identity())
        } catch let error as SecretFile.Refused {
            throw Ending(.configuration, error.text)
        } catch let error as TLSCredentials.Unusable {
            throw Ending(.configuration, error.text)
        } catch {
            throw Ending(
                .configuration, "\(store.identityPath) holds no usable identity: \(error)")
        }
    }
}

/// Options about whom to believe at the other end, where it is always spoken to with TLS.
struct ServerKeyOptions: ParsableArguments {
    @OptionGroup var certificates: CertificateOptions

    @Option(
        help: ArgumentHelp(
            "Speak TLS, and only to the holder of this key; may be given several times.",
            valueName: "key"))
    var peer: [String] = []

    @Flag(help: "Speak TLS, and remember the key of a listener met for the first time.")
    var acceptNew = false

    var isGiven: Bool { !peer.isEmpty || acceptNew || certificates.isGiven }
}

/// Options about whom to believe at the other end, for everything that dials.
struct ServerTrustOptions: ParsableArguments {
    @OptionGroup var keys: ServerKeyOptions

    @Flag(help: "Speak plaintext beyond loopback too.")
    var insecure = false
}

enum PrivateKeyFile {
    /// A private key that others can read is no secret.
    static func check(_ path: String) throws(SecretFile.Refused) {
        // Tools that renew certificates keep keys behind links.
        guard try SecretFile.read(path, privately: true, followingLinks: true) != nil else {
            throw SecretFile.Refused(text: "there is no file \(path)")
        }
    }
}
