package import NIOCore

/// Sessions that leave this host or arrive at it. [FTSL §10]
extension Acceptor {
    /// True while a session is neither served here nor known to be elsewhere.
    func isAway(_ id: SessionID) -> Bool {
        guard let entry = entries[id] else { return false }
        if case .prepared = entry.standing { return true }
        return entry.session.isFrozen
    }

    /// Hosts can always talk about tickets, and be asked.
    func absence(for needed: SessionRights) -> Absence? {
        switch needed {
        case .migration, .control: nil
        case .messages: absenceOfInbox ?? absence
        default: absence
        }
    }

    // MARK: Leaving

    /// Sessions that could move: all that carry streams.
    package var streamSessions: [SessionID] { sessionIDs.filter { entries[$0]?.needs == .streams } }

    /// Sessions that carry lanes and subscriptions.
    package var messageSessions: [SessionID] {
        sessionIDs.filter { entries[$0]?.needs == .messages }
    }

    /// True once CONFIRM came and as long as the outcome is open: its application runs.
    package func isServed(_ id: SessionID) -> Bool {
        guard let entry = entries[id], case .confirmed = entry.standing else { return false }
        return entry.session.outcome == nil
    }

    package func freeze(_ ids: [SessionID]) {
        for id in ids { entries[id]?.session.freeze() }
    }

    /// They stay after all.
    package func thaw(_ ids: [SessionID], now: Instant) {
        for id in ids {
            guard let entry = entries[id] else { continue }
            entry.session.thaw(now: now)
            drain(entry, now: now)
        }
    }

    /// Nil when the session is over meanwhile. It must be frozen.
    package func image(
        of id: SessionID, application: ByteBuffer?, unread: ByteBuffer
    ) -> SessionImage? {
        guard let entry = entries[id] else { return nil }
        let standing: SessionImage.Standing
        switch entry.standing {
        case .unconfirmed: standing = .unconfirmed
        case .confirmed: standing = .confirmed
        case .tombstone: standing = .tombstone
        case .prepared: return nil
        }
        return entry.session.image(
            standing: standing, identity: entry.identity, address: entry.address,
            application: application, unread: unread)
    }

    /// Says to everybody who is attached where these sessions will be found if this host is lost.
    package func announce(_ ids: [SessionID], nextHome target: MoveTarget) {
        for id in ids { tell(id, target, .endpoints) }
    }

    private func tell(_ id: SessionID, _ target: MoveTarget, _ kind: FrameKind) {
        guard let entry = entries[id], let connection = entry.connection else { return }
        var target = target
        target.generation = Generation(
            moves: entry.session.host.generation.moves + 1, starts: 0)
        let signed = entry.session.sign(target, as: kind)
        var bytes = ByteBuffer()
        (kind == .redirect ? StreamFrame.redirect(signed) : .endpoints(signed))
            .encode(into: &bytes)
        connections[connection]?.outgoing.writeImmutableBuffer(bytes)
        events.append(.wrote(connection))
    }

    /// They are somebody else's now: who is attached is sent there, who comes later is told.
    package func depart(_ ids: [SessionID], to target: MoveTarget, now: Instant) {
        signposts = signposts.filter { $0.value.until > now }
        for id in ids {
            guard let entry = entries[id] else { continue }
            var own = target
            own.generation = Generation(
                moves: entry.session.host.generation.moves + 1, starts: 0)
            let identity = entry.session.identity
            signposts[id] = Redirection(
                secret: identity.secret, target: own, until: now + identity.limits.sessionTimeout)
            if let connection = entry.connection {
                tell(id, target, .redirect)
                connections[connection]?.state = .closing
                events.append(.close(connection, nil))
            }
            entry.connection = nil
            events.append(.departed(id))
            forget(entry)
        }
    }

    /// From an earlier life of this host: the sessions are elsewhere.
    package func point(_ id: SessionID, to signpost: Redirection) { signposts[id] = signpost }

    package func forgetSignpost(_ id: SessionID) { signposts[id] = nil }

    package var signpostCount: Int { signposts.count }

    // MARK: Arriving

    /// Why a session cannot be taken; nil: it can.
    package func obstacle(to image: SessionImage) -> Failure? {
        let id = image.id
        if entries[id] != nil {
            return Failure(.peer, .migrationRefused, "session \(id) is served here already")
        }
        if let known = signposts[id]?.target.generation, known.moves > image.generation.moves {
            return Failure(
                .peer, .staleGeneration, "session \(id) was here at a newer generation")
        }
        return nil
    }

    /// Memory that is left for sessions to arrive.
    package var freeMemory: UInt64 { budget.budget.capacity - budget.budget.reserved }

    package static func memory(of image: SessionImage) -> UInt64 {
        Session.reservation(window: image.limits.receiveWindow, flags: image.flags)
    }

    /// Where a session was before.
    package enum Origin: Equatable, Sendable {
        case otherHost
        /// The last program of this process; it may have come from another host before.
        case thisHost(isAdopted: Bool)

        fileprivate func next(_ generation: Generation) -> Generation {
            switch self {
            case .otherHost: Generation(moves: generation.moves + 1, starts: 0)
            case .thisHost:
                Generation(moves: generation.moves, starts: generation.starts + 1)
            }
        }
    }

    package func isAdopted(_ id: SessionID) -> Bool { entries[id]?.isAdopted ?? false }

    /// Takes over a session, one generation further; whoever asks for it is told to ask again until
    /// `activate`. Throws when the image is of no use.
    package func adopt(
        _ image: SessionImage, from origin: Origin = .otherHost, now: Instant
    ) throws(Failure) {
        let generation = origin.next(image.generation)
        let host = HostIdentity(generation: generation, instance: host.instance)
        let session = try Session(image, host: host, budget: budget, now: now)
        let source =
            image.identity.isVerified ? image.identity.description : image.address
        let entry = Entry(
            session: session, source: source, identity: image.identity, serial: nextSerial,
            now: now)
        nextSerial += 1
        entry.address = image.address
        entry.isAdopted = origin != .thisHost(isAdopted: false)
        let standing: Standing =
            switch image.standing {
            case .unconfirmed: .unconfirmed(since: now)
            case .confirmed: .confirmed
            case .tombstone: .tombstone
            }
        entry.standing = .prepared(then: standing)
        entries[image.id] = entry
        sessionsPerSource[source, default: 0] += 1
    }

    /// The host they came from has let these sessions go: they are served here.
    package func activate(_ ids: [SessionID], now: Instant) {
        for id in ids {
            guard let entry = entries[id], case .prepared(let standing) = entry.standing else {
                continue
            }
            signposts[id] = nil
            entry.standing = standing
            entry.parkedSince = now
            switch standing {
            case .unconfirmed:
                // Its client was told to ask again for as long as that took.
                entry.standing = .unconfirmed(since: now)
                unconfirmed.insert(id)
            case .confirmed:
                count(entry, 1)
                events.append(.adopted(id))
            case .tombstone: tombstones += 1
            case .prepared: break
            }
            drain(entry, now: now)
        }
    }

    /// The ticket came to nothing: they were never here.
    package func discard(_ ids: [SessionID]) {
        for id in ids {
            guard let entry = entries[id], case .prepared = entry.standing else { continue }
            forget(entry)
        }
    }
}
