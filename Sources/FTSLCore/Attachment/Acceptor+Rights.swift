extension Acceptor {
    // MARK: Who may do what [FTSL §4.7]

    /// The transport has verified who is there; said before any byte of the connection is received.
    /// [FTSL §4.7]
    package func authenticated(
        _ id: ConnectionID, as identity: PeerIdentity, rights: SessionRights
    ) {
        connections[id]?.identity = identity
        connections[id]?.rights = rights
    }

    /// Permissions have changed: what still waits to prove itself is judged anew.
    package func reauthorize(_ rights: (PeerIdentity) -> SessionRights) {
        for case let connection? in unproven.map({ connections[$0] })
        where connection.identity.isVerified {
            connection.rights = rights(connection.identity)
        }
    }

    /// Whether these rights are enough for a session.
    package func mayGoOn(_ id: SessionID, _ rights: SessionRights) -> Bool {
        entries[id].map { $0.isAdopted || rights.contains($0.needs) } ?? true
    }

    func count(_ entry: Entry, _ one: Int) {
        activeSessions += one
        if entry.needs == .streams { activeStreams += one }
    }

    func mayUse(_ session: SessionID, _ connection: AcceptorConnection) -> Bool {
        guard let entry = entries[session] else { return true }
        return entry.isAdopted || connection.rights.contains(entry.needs)
    }
}
