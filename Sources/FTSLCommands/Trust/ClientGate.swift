internal import CPlatform
internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc

/// Decides what a verified identity may do at a listener, and notices when that changes.
final class ClientGate {
    private let store: TrustStore
    /// This user's own key, which needs no permission; another one after SIGHUP if it was replaced.
    var own: Fingerprint?
    /// False on loopback and with `--insecure`, where plaintext would get in anyway.
    private let requiresTrust: Bool
    private let log: Log
    private var peers: AuthorizedPeers?
    private var lastSeen: (inode: UInt64, seconds: Int64, nanoseconds: Int64)?

    init(store: TrustStore, own: Fingerprint?, requiresTrust: Bool, log: Log) {
        self.store = store
        self.own = own
        self.requiresTrust = requiresTrust
        self.log = log
        reload()
    }

    /// True when the file changed and was read again.
    @discardableResult
    func reload() -> Bool {
        var status = cplatform_status()
        // The time of the last change of any kind: a mode that was put right counts too.
        var now = (inode: UInt64(0), seconds: Int64(0), nanoseconds: Int64(0))
        if cplatform_stat(store.authorizedPeersPath, &status) == 0 {
            now = (status.inode, status.changed_seconds, status.changed_nanoseconds)
        }
        if let lastSeen, lastSeen == now { return false }
        lastSeen = now
        do {
            peers = try store.authorizedPeers()
        } catch {
            // Nobody is let in on the word of a file that others may have written.
            peers = nil
            log.error(error.text)
        }
        return true
    }

    /// True when no key was ever let in: a listener that needs one would serve nobody.
    var knowsNobody: Bool { peers?.entries.isEmpty ?? true }

    func rights(of identity: PeerIdentity) -> SessionRights {
        // Who was let in just now need not wait for the next look at the file.
        if identity.isVerified { reload() }
        guard let permissions = permissions(of: identity) else { return [] }
        var rights: SessionRights = []
        for permission in permissions {
            switch permission {
            case .stream: rights.insert(.streams)
            case .inbox, .consume: rights.insert(.messages)
            case .migrate, .control: break
            }
        }
        if holds(.control, identity) { rights.insert(.control) }
        return rights
    }

    /// May bring sessions and inboxes here.
    func mayMigrate(_ identity: PeerIdentity) -> Bool { holds(.migrate, identity) }

    /// Permissions that nobody has without a key, on loopback neither. An authority that lets
    /// everybody in whom it has certified has not said who may rule.
    private func holds(_ permission: Permission, _ identity: PeerIdentity) -> Bool {
        switch identity {
        case .plaintext: return false
        case .name: return permission == .migrate
        case .key(let text):
            guard let key = Fingerprint(text) else { return false }
            if key == own { return true }
            return peers?.permissions(of: key, now: Int64(time(nil)))?.contains(permission) ?? false
        }
    }

    /// What an identity may do with the inbox; judged once per lane and subscription.
    func inboxPermissions(of identity: PeerIdentity) -> InboxPermissions {
        let permissions = permissions(of: identity) ?? []
        let send = permissions.compactMap { if case .inbox(let glob) = $0 { glob } else { nil } }
        let consume = permissions.compactMap {
            if case .consume(let glob) = $0 { glob } else { nil }
        }
        return InboxPermissions(
            send: send.isEmpty ? nil : TopicFilter(send),
            consume: consume.isEmpty ? nil : TopicFilter(consume))
    }

    private static let everything: [Permission] = [
        .stream, .inbox("#"), .consume("#"), .migrate, .control,
    ]

    /// Nil: not known here.
    private func permissions(of identity: PeerIdentity) -> [Permission]? {
        switch identity {
        case .plaintext, .name: return Self.everything
        case .key(let text):
            guard requiresTrust, let key = Fingerprint(text) else {
                return requiresTrust ? nil : Self.everything
            }
            if key == own { return Self.everything }
            return peers?.permissions(of: key, now: Int64(time(nil)))
        }
    }
}
