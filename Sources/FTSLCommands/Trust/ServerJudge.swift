internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport

/// Decides whether an acceptor's key is the one we want to talk to.
final class ServerJudge {
    let store: TrustStore
    /// Keys named by `--peer`; when there are any, no other counts.
    let pinned: [Fingerprint]
    let acceptNew: Bool
    let own: Fingerprint?
    let log: Log
    /// The last key that was turned down because nobody here has met it.
    private(set) var stranger: (key: Fingerprint, endpoint: Endpoint)?

    init(
        store: TrustStore, pinned: [Fingerprint], acceptNew: Bool, own: Fingerprint?, log: Log
    ) {
        self.store = store
        self.pinned = pinned
        self.acceptNew = acceptNew
        self.own = own
        self.log = log
    }

    /// Nil: go on. Called in the middle of the TLS handshake, before anything of ours was sent.
    func judge(_ key: Fingerprint, at endpoint: Endpoint) -> Failure? {
        if !pinned.isEmpty {
            if pinned.contains(key) { return nil }
            return Failure(
                .peer, .peerChanged,
                "its key is \(key), not the one that --peer names")
        }
        if key == own { return nil }
        do {
            switch try store.knownPeers().judge(key, at: endpoint) {
            case .known: return nil
            case .changed(let old): return changed(old, key)
            case .unknown: return try unknown(key, endpoint)
            }
        } catch {
            return Failure(.local, .authenticationFailed, error.text)
        }
    }

    private func changed(_ old: Fingerprint, _ new: Fingerprint) -> Failure {
        Failure(
            .peer, .peerChanged,
            "its key has changed from \(old) to \(new); somebody may be in between. If the change "
                + "is meant, run: ftsl key revoke \(old)")
    }

    private func unknown(
        _ key: Fingerprint, _ endpoint: Endpoint
    ) throws(SecretFile.Refused) -> Failure? {
        guard acceptNew else {
            stranger = (key, endpoint)
            return Failure(
                .peer, .peerUnknown,
                "its key \(key) is not known here; compare it with 'ftsl key show' on that "
                    + "machine, then use --peer or --accept-new")
        }
        try store.updateKnownPeers { $0.trust(key, at: "\(endpoint)", name: "") }
        log.notice("\(endpoint) has the key \(key); remembered")
        return nil
    }
}
