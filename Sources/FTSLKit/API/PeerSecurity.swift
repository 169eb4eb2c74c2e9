internal import FTSLCore
internal import FTSLTransport

/// How the peer is spoken to, and whom to believe there. [FTSL §4.7]
public enum PeerSecurity: Hashable, Sendable {
    /// Plaintext on loopback and Unix sockets; elsewhere TLS with this user's identity (made at
    /// first use) and only with peers that are known: `ftsl key trust` makes them so. With a
    /// key (`ftsl1:…`, as `ftsl key show` prints it) always TLS, and only with its holder.
    case automatic(peer: String? = nil)
    /// Plaintext everywhere: everybody on the way can read and change it.
    case plaintext

    /// What a driver needs; an identity is made or read where TLS may be spoken.
    func decision(
        for endpoints: [Endpoint], store: TrustStore = .ofThisUser
    ) throws -> (Endpoint, PeerIdentity?) -> Dialer.Security {
        guard case .automatic(let peer) = self else { return { _, _ in .plaintext } }
        let pinned = try peer.map { text in
            guard let key = Fingerprint(text) else {
                throw FTSLError(.authenticationFailed, "'\(text)' is not a key")
            }
            return key
        }
        guard pinned != nil || endpoints.contains(where: { !$0.isLoopback }) else {
            return { _, _ in .plaintext }
        }
        let (credentials, own) = try Self.identity(store)
        return { endpoint, bound in
            // A session that was opened with a verified peer never goes back to plaintext.
            let mayBePlain = pinned == nil && endpoint.isLoopback && bound?.isVerified != true
            if mayBePlain { return .plaintext }
            return .tls(credentials) { key in
                if let pinned {
                    return key == pinned ? nil : Self.changed(key, "the one that was asked for")
                }
                return key == own ? nil : Self.judge(key, at: endpoint, store)
            }
        }
    }

    private static func identity(_ store: TrustStore) throws -> (TLSCredentials, Fingerprint) {
        do {
            let pair = try store.identity()
            return (try TLSCredentials(pair), pair.fingerprint)
        } catch let refused as SecretFile.Refused {
            throw FTSLError(.localInputOutput, refused.text)
        } catch let unusable as TLSCredentials.Unusable {
            throw FTSLError(.localInputOutput, unusable.text)
        }
    }

    static func judge(
        _ key: Fingerprint, at endpoint: Endpoint, _ store: TrustStore
    ) -> Failure? {
        do {
            switch try store.knownPeers().judge(key, at: endpoint) {
            case .known: return nil
            case .changed(let old): return changed(key, "\(old) as before")
            case .unknown:
                return Failure(
                    .peer, .peerUnknown,
                    "the key \(key) of \(endpoint) is not known here: run 'ftsl key trust'")
            }
        } catch {
            return Failure(.local, .authenticationFailed, error.text)
        }
    }

    private static func changed(_ key: Fingerprint, _ wanted: String) -> Failure {
        Failure(.peer, .peerChanged, "its key is \(key), not \(wanted)")
    }
}

extension Endpoint {
    /// Alternatives for one service, as a caller of the API names them.
    static func named(_ text: String) throws(FTSLError) -> [Endpoint] {
        do {
            return try list(parsing: text, for: .connect)
        } catch {
            throw FTSLError(.hostUnknown, error.text)
        }
    }
}
