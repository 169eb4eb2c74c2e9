/// What people ask about one session of an acceptor, beyond the session itself.
package struct SessionStanding: Hashable, Sendable {
    package enum State: String, Sendable {
        /// Opened, and its opener has not come with CONFIRM yet.
        case unconfirmed
        case attached
        /// It lives, without a connection.
        case parked
        /// Its outcome is fixed and the peer is there to hear it.
        case ending
        /// Its outcome is fixed; it waits for a peer that has not heard it.
        case tombstone
        /// It came from another host, which has not let it go yet.
        case prepared
    }

    package var state: State
    package var openedAt: Instant
    /// Since when it has no connection; nil while it has one.
    package var parkedSince: Instant?
}

extension Acceptor {
    package func standing(of id: SessionID) -> SessionStanding? {
        guard let entry = entries[id] else { return nil }
        let isConnected = entry.connection != nil
        let state: SessionStanding.State =
            switch entry.standing {
            case .unconfirmed: .unconfirmed
            case .confirmed: isConnected ? .attached : .parked
            case .tombstone: isConnected ? .ending : .tombstone
            case .prepared: .prepared
            }
        return SessionStanding(
            state: state, openedAt: entry.openedAt,
            parkedSince: isConnected ? nil : entry.parkedSince)
    }

    /// Running sessions that have a connection.
    package var attachedSessions: Int {
        entries.values.count { $0.connection != nil && $0.session.outcome == nil }
    }

    /// Forgets a session that has no connection, as if its time had run out: whoever resumes it is
    /// told that it is gone. False: it is unknown, or has a connection.
    package func expire(_ id: SessionID, _ failure: Failure, now: Instant) -> Bool {
        guard let entry = entries[id], entry.connection == nil else { return false }
        if case .unconfirmed = entry.standing {
            forget(entry)
            return true
        }
        entry.session.giveUp(failure)
        entry.session.stopLingering()
        drain(entry, now: now)
        return true
    }
}
