package import FTSLTransport

/// The folder with this user's identity and with whom it believes.
package struct TrustStore: Sendable {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    package var identityPath: String { folder + "/identity.pem" }
    package var knownPeersPath: String { folder + "/known_peers" }
    package var authorizedPeersPath: String { folder + "/authorized_peers" }

    /// This user's key pair, made at first use.
    package func identity() throws(SecretFile.Refused) -> KeyPair {
        if let text = try SecretFile.read(identityPath, privately: true) {
            return try parse(text)
        }
        // Two first uses at once must end with one identity.
        return try SecretFile.update(identityPath, privately: true) {
            text throws(SecretFile.Refused) in
            if !text.isEmpty { return (text, try parse(text)) }
            do {
                let pair = try KeyPair.generate()
                return (pair.pem, pair)
            } catch {
                throw SecretFile.Refused(text: "cannot make a key: \(error)")
            }
        }
    }

    private func parse(_ text: String) throws(SecretFile.Refused) -> KeyPair {
        do {
            return try KeyPair(pem: text)
        } catch {
            throw SecretFile.Refused(
                text: "\(identityPath) holds no usable identity; move it away to get a new one")
        }
    }

    package func knownPeers() throws(SecretFile.Refused) -> KnownPeers {
        try KnownPeers(
            parsing: try SecretFile.read(knownPeersPath, privately: false) ?? "",
            path: knownPeersPath)
    }

    package func authorizedPeers() throws(SecretFile.Refused) -> AuthorizedPeers {
        try AuthorizedPeers(
            parsing: try SecretFile.read(authorizedPeersPath, privately: false) ?? "",
            path: authorizedPeersPath)
    }

    package func updateKnownPeers(
        _ change: (inout KnownPeers) -> Void
    ) throws(SecretFile.Refused) {
        try SecretFile.update(knownPeersPath, privately: false) { text throws(SecretFile.Refused) in
            var peers = try KnownPeers(parsing: text, path: knownPeersPath)
            change(&peers)
            return (peers.text, ())
        }
    }

    package func updateAuthorizedPeers(
        _ change: (inout AuthorizedPeers) -> Void
    ) throws(SecretFile.Refused) {
        try SecretFile.update(authorizedPeersPath, privately: false) {
            text throws(SecretFile.Refused) in
            var peers = try AuthorizedPeers(parsing: text, path: authorizedPeersPath)
            change(&peers)
            return (peers.text, ())
        }
    }
}

extension TrustStore {
    /// The store of this user: `$XDG_CONFIG_HOME/ftsl`.
    package static var ofThisUser: TrustStore {
        let environment = ChildProcess.environment
        if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") {
            return TrustStore(folder: base + "/ftsl")
        }
        return TrustStore(folder: (environment["HOME"] ?? "/") + "/.config/ftsl")
    }
}
