internal import FTSLCore
internal import FTSLTransport
internal import Glibc

/// Who may do what at a `Server`, and whom it believes as a target.
final class ServerGate {
    let own: Fingerprint
    let credentials: TLSCredentials
    private let store: TrustStore
    /// On loopback plaintext would get in anyway.
    private let requiresTrust: Bool

    init(_ endpoint: Endpoint, _ store: TrustStore) throws {
        do {
            let pair = try store.identity()
            (own, credentials) = (pair.fingerprint, try TLSCredentials(pair))
            requiresTrust = !endpoint.isLoopback
            self.store = store
            // What cannot be read now is an error; later it lets nobody in.
            if requiresTrust { _ = try store.authorizedPeers() }
        } catch let refused as SecretFile.Refused {
            throw FTSLError(.localInputOutput, refused.text)
        } catch let unusable as TLSCredentials.Unusable {
            throw FTSLError(.localInputOutput, unusable.text)
        }
    }

    func rights(of identity: PeerIdentity) -> SessionRights {
        guard requiresTrust else { return .streams }
        return permissions(of: identity).contains(.stream) ? .streams : []
    }

    /// May bring sessions here: never without a key.
    func mayMigrate(_ identity: PeerIdentity) -> Bool {
        permissions(of: identity).contains(.migrate)
    }

    private func permissions(of identity: PeerIdentity) -> [Permission] {
        guard case .key(let text) = identity, let key = Fingerprint(text) else { return [] }
        if key == own { return [.stream, .migrate] }
        let peers = try? store.authorizedPeers()
        return peers?.permissions(of: key, now: Int64(time(nil))) ?? []
    }

    /// Another host is spoken to with TLS, and must be known: on loopback, too. [FTSL §10]
    func security(at endpoint: Endpoint) -> Dialer.Security {
        .tls(credentials) { [own, store] key in
            key == own ? nil : PeerSecurity.judge(key, at: endpoint, store)
        }
    }
}
