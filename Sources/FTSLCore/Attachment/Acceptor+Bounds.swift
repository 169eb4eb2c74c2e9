internal import DequeModule
internal import HeapModule
internal import NIOCore

extension Acceptor {
    // MARK: Time

    /// When `handleTimeout` wants to be called next: may be early, never late, and later than its
    /// last `now`.
    package var deadline: Instant {
        let stranger = unproven.first.flatMap { connections[$0]?.deadline }
        return min(stranger ?? .distantFuture, timers.min?.at ?? .distantFuture)
    }

    package func handleTimeout(now: Instant) {
        closeLateStrangers(now: now)
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            guard let entry = entries[timer.id], entry.timerAt == timer.at else { continue }
            entry.timerAt = .distantFuture
            if entry.deadline <= now { handleTimeout(of: entry, now: now) }
            if entries[timer.id] != nil { arm(entry) }
        }
    }

    private func handleTimeout(of entry: Entry, now: Instant) {
        switch entry.standing {
        case .unconfirmed: forget(entry)
        case .prepared: return  // until its ticket is decided
        case .confirmed, .tombstone:
            entry.session.handleTimeout(now: now)
            drain(entry, now: now)
            // A heartbeat or a delayed acknowledgement may be due.
            if let connection = entry.connection { events.append(.wrote(connection)) }
        }
    }

    /// Sets a timer unless an earlier one will look anyway.
    func arm(_ entry: Entry) {
        let deadline = entry.deadline
        guard deadline < entry.timerAt else { return }
        entry.timerAt = deadline
        timers.insert(Timer(at: deadline, serial: entry.serial, id: entry.session.identity.id))
        if timers.count > Bound.timersPerSession * (entries.count + 16) { sweepTimers() }
    }

    /// Drops timers that would ring in vain: a session that comes and goes leaves one each time,
    /// hours ahead.
    private func sweepTimers() {
        timers = Heap(
            entries.values.filter { $0.timerAt != .distantFuture }.map {
                Timer(at: $0.timerAt, serial: $0.serial, id: $0.session.identity.id)
            })
    }

    func forget(_ entry: Entry) {
        let id = entry.session.identity.id
        guard entries.removeValue(forKey: id) != nil else { return }
        events.append(.forgotten(id))
        setParked(entry, 0)
        switch entry.standing {
        case .unconfirmed: unconfirmed.remove(id)
        case .confirmed: count(entry, -1)
        case .tombstone: tombstones -= 1
        case .prepared: break
        }
        let left = sessionsPerSource[entry.source, default: 1] - 1
        sessionsPerSource[entry.source] = left == 0 ? nil : left
    }

    private func closeLateStrangers(now: Instant) {
        while let id = unproven.first, let connection = connections[id],
            connection.deadline <= now
        {
            condemn(
                id, Failure(.time, .silentPeer, "no handshake within \(Bound.handshakeDeadline)"))
        }
    }

    // MARK: Bounds [FTSL §2-7]

    /// At the limit the oldest unproven connection goes, so that newcomers and resumes always get
    /// in.
    func shedUnproven(newcomer: AcceptorConnection) {
        if !newcomer.isLocal {
            let own = unproven.filter { connections[$0]?.source == newcomer.source }
            if own.count > configuration.maxUnprovenPerSource, let oldest = own.first {
                condemn(
                    oldest,
                    Failure(.peer, .limits, "too many connections from one network prove nothing"))
            }
        }
        while unproven.count > configuration.maxUnprovenConnections, let id = unproven.first {
            condemn(id, Failure(.peer, .limits, "too many connections that prove nothing"))
        }
    }

    /// A connection has proven itself, or is on its way out: it is no stranger any more.
    func settle(_ id: ConnectionID) {
        guard let index = unproven.firstIndex(of: id) else { return }
        unproven.remove(at: index)
    }

    /// Unconfirmed sessions whose connection is gone are few; the oldest go first. [FTSL §4.1]
    func shedUnconfirmed(from source: String) {
        guard unconfirmed.count > Bound.unconfirmedPerAddress else { return }
        let waiting = unconfirmed.compactMap { entries[$0] }
        let connected = Set(
            connections.values.compactMap { connection -> SessionID? in
                if case .opened(let id) = connection.state { id } else { nil }
            })
        let loose = waiting.filter { !connected.contains($0.session.identity.id) }
            .sorted { $0.serial < $1.serial }
        let own = loose.filter { $0.source == source }
        for entry in own.dropLast(Bound.unconfirmedPerAddress) { forget(entry) }
        for entry in loose.dropLast(Bound.unconfirmedSessions) { forget(entry) }
    }

    /// Sessions without a connection may hold at most `parkedMemory` together; the longest parked
    /// goes first.
    ///
    /// One identity's own sessions go before they hold more than its share.
    func shedParked(of source: String, now: Instant) {
        let shares = AcceptorConnection.isLocal(source) ? 1 : configuration.parkedSharePerSource
        let share = configuration.parkedMemory / UInt64(max(1, shares))
        let isOverShare = UInt64(parkedBytesPerSource[source, default: 0]) > share
        guard isOverShare || parkedBytes > configuration.parkedMemory else { return }
        let parked = entries.values.filter(\.isParked).sorted(by: Self.parkedEarlier)
        for entry in parked where entry.source == source {
            guard UInt64(parkedBytesPerSource[source, default: 0]) > share else { break }
            evict(entry, now: now)
        }
        for entry in parked where entry.isParked {
            guard parkedBytes > configuration.parkedMemory else { return }
            evict(entry, now: now)
        }
    }

    func countParked(_ entry: Entry) {
        setParked(entry, entry.isParked ? entry.session.heldBytes : 0)
    }

    private func setParked(_ entry: Entry, _ bytes: Int) {
        guard bytes != entry.parkedBytes else { return }
        parkedBytes += bytes - entry.parkedBytes
        let sum = parkedBytesPerSource[entry.source, default: 0] + bytes - entry.parkedBytes
        parkedBytesPerSource[entry.source] = sum == 0 ? nil : sum
        entry.parkedBytes = bytes
    }

    /// At its limit an identity loses its own oldest parked session, never somebody else's. [FTSL
    /// §6]
    func evictOldestParked(from source: String, now: Instant) -> Bool {
        let candidates = entries.values.filter { $0.source == source && $0.isParked }
        let oldest = candidates.min(by: Self.parkedEarlier)
        guard let oldest else { return false }
        evict(oldest, now: now)
        return true
    }

    private static func parkedEarlier(_ a: Entry, _ b: Entry) -> Bool {
        (a.parkedSince, a.serial) < (b.parkedSince, b.serial)
    }

    private func evict(_ entry: Entry, now: Instant) {
        let why = Failure(.local, .evicted, "evicted to make room while it had no connection")
        // Too late to abort, when its peer may know success: only its last word is missing.
        if !entry.session.abort(why, keepingData: false) { entry.session.giveUp(why) }
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

    /// A session with a fixed outcome becomes a tombstone, and goes when the peer knows. [FTSL
    /// §5.8]
    func bury(_ entry: Entry, now: Instant) {
        let session = entry.session
        guard let outcome = session.outcome else { return }
        if case .confirmed = entry.standing {
            entry.standing = .tombstone
            countParked(entry)
            count(entry, -1)
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
