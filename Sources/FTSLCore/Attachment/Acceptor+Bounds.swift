internal import DequeModule
internal import NIOCore

extension Acceptor {
    // MARK: Time

    /// When `handleTimeout` wants to be called next; may be early, never late.
    package var deadline: Instant { nextDeadline }

    package func handleTimeout(now: Instant) {
        closeLateStrangers(now: now)
        for id in unconfirmed {
            guard let entry = entries[id], case .unconfirmed(let since) = entry.standing else {
                continue
            }
            if since + Bound.unconfirmed <= now { forget(entry) }
        }
        nextDeadline = unproven.first.flatMap { connections[$0]?.deadline } ?? .distantFuture
        for entry in entries.values {
            if case .unconfirmed(let since) = entry.standing {
                nextDeadline = min(nextDeadline, since + Bound.unconfirmed)
                continue
            }
            if entry.session.deadline <= now { entry.session.handleTimeout(now: now) }
            drain(entry, now: now)
        }
    }

    func forget(_ entry: Entry) {
        let id = entry.session.identity.id
        guard entries.removeValue(forKey: id) != nil else { return }
        events.append(.forgotten(id))
        parkedBytes -= entry.parkedBytes
        switch entry.standing {
        case .unconfirmed: unconfirmed.remove(id)
        case .confirmed: activeSessions -= 1
        case .tombstone: tombstones -= 1
        }
        let left = sessionsPerSource[entry.source, default: 1] - 1
        sessionsPerSource[entry.source] = left == 0 ? nil : left
    }

    private func closeLateStrangers(now: Instant) {
        while let id = unproven.first {
            if let connection = connections[id], connection.isUnproven {
                guard connection.deadline <= now else { return }
                condemn(
                    id,
                    Failure(.time, .silentPeer, "no handshake within \(Bound.handshakeDeadline)"))
            }
            unproven.removeFirst()
        }
    }

    // MARK: Bounds [FTSL §2-7]

    /// At the limit the oldest unproven connection goes, so that newcomers and resumes always get in.
    func shedUnproven() {
        guard unproven.count > configuration.maxUnprovenConnections else { return }
        unproven.removeAll { connections[$0]?.isUnproven != true }
        while unproven.count > configuration.maxUnprovenConnections,
            let id = unproven.popFirst()
        {
            condemn(id, Failure(.peer, .limits, "too many connections that prove nothing"))
        }
    }

    /// Unconfirmed sessions whose connection is gone are few; the oldest go first. [FTSL §4.1]
    func shedUnconfirmed(from source: String) {
        guard unconfirmed.count > Bound.unconfirmedPerAddress else { return }
        var waiting: [(since: Instant, id: SessionID, source: String)] = []
        for id in unconfirmed {
            guard let entry = entries[id], case .unconfirmed(let since) = entry.standing else {
                continue
            }
            waiting.append((since, id, entry.source))
        }
        let connected = Set(
            connections.values.compactMap { connection -> SessionID? in
                if case .opened(let id) = connection.state { id } else { nil }
            })
        let loose = waiting.filter { !connected.contains($0.id) }
            .sorted { ($0.since, $0.id.high) < ($1.since, $1.id.high) }
        let own = loose.filter { $0.source == source }
        for item in own.dropLast(Bound.unconfirmedPerAddress) {
            if let entry = entries[item.id] { forget(entry) }
        }
        for item in loose.dropLast(Bound.unconfirmedSessions) {
            if let entry = entries[item.id] { forget(entry) }
        }
    }

    /// Sessions without a connection may hold at most `parkedMemory` together; the longest parked goes first.
    func shedParked(now: Instant) {
        guard parkedBytes > configuration.parkedMemory else { return }
        let parked = entries.values.filter(\.isParked)
        for entry in parked.sorted(by: { $0.parkedSince < $1.parkedSince }) {
            guard parkedBytes > configuration.parkedMemory else { return }
            evict(entry, now: now)
        }
    }

    func countParked(_ entry: Entry) {
        let bytes = entry.isParked ? entry.session.heldBytes : 0
        parkedBytes += bytes - entry.parkedBytes
        entry.parkedBytes = bytes
    }

    /// At its limit an identity loses its own oldest parked session, never somebody else's. [FTSL §6]
    func evictOldestParked(from source: String, now: Instant) -> Bool {
        let candidates = entries.values.filter { $0.source == source && $0.isParked }
        let oldest = candidates.min { $0.parkedSince < $1.parkedSince }
        guard let oldest else { return false }
        evict(oldest, now: now)
        return true
    }

    private func evict(_ entry: Entry, now: Instant) {
        entry.session.abort(
            Failure(.local, .evicted, "evicted to make room while it had no connection"),
            keepingData: false)
        drain(entry, now: now)
    }

    /// Ends a session by the operator's hand or for shutdown.
    package func abort(_ id: SessionID, _ failure: Failure, now: Instant) {
        guard let entry = entries[id] else { return }
        entry.session.abort(failure)
        drain(entry, now: now)
    }

    /// Forgets what only waits for a last word: the process is about to end.
    package func stopLingering(_ id: SessionID, now: Instant) {
        guard let entry = entries[id] else { return }
        entry.session.stopLingering()
        drain(entry, now: now)
    }

    /// A session with a fixed outcome becomes a tombstone, and goes when the peer knows. [FTSL §5.8]
    func bury(_ entry: Entry, now: Instant) {
        let session = entry.session
        guard let outcome = session.outcome else { return }
        if case .confirmed = entry.standing {
            entry.standing = .tombstone
            countParked(entry)
            activeSessions -= 1
            tombstones += 1
            events.append(.ended(session.identity.id, outcome))
        }
        guard session.isOver else { return }
        forget(entry)
        if let connection = entry.connection {
            // Its last bytes were handed out; the peer half-closes first when it can. [FTSL §5.8]
            var bytes: [ByteBuffer] = []
            session.transmit(into: &bytes, limit: Bound.readAhead, now: now)
            for buffer in bytes { connections[connection]?.outgoing.writeImmutableBuffer(buffer) }
            connections[connection]?.state = .closing
            events.append(.close(connection, nil))
        }
    }
}
