extension Acceptor {
    // MARK: OPEN [FTSL §4.1]

    func open(_ id: ConnectionID, _ open: HandshakeMessage.Open, now: Instant) {
        guard let version = ProtocolVersion.agree(with: open.versions) else {
            let mine = ProtocolVersion.supported.map(String.init).joined(separator: ", ")
            let theirs = open.versions.map(String.init).joined(separator: ", ")
            refuse(
                id,
                .init(
                    kind: .refused, code: .versionMismatch,
                    text: "this end speaks version \(mine), the other \(theirs)",
                    extensions: Extensions(supportedVersions: ProtocolVersion.supported)))
            return
        }
        let needed = SessionRights(needed: open.service)
        if let absence = absence(for: needed) {
            refuse(id, absence.verdict)
            return
        }
        guard configuration.offered.contains(needed) else {
            refuse(id, notOffered(needed))
            return
        }
        guard connections[id]?.rights.contains(needed) == true else {
            refuse(id, unauthorized(connections[id]?.identity ?? .plaintext))
            return
        }
        let account = connections[id]?.account ?? ""
        if let refusal = admission(from: account, needed, now: now) {
            refuse(id, refusal)
            return
        }
        guard let window = openingWindow(for: needed) else {
            refuse(id, .init(kind: .refused, code: .limits, text: "no memory for another session"))
            return
        }
        let flags: ServiceFlags =
            switch needed {
            case .messages: .messages
            case .migration: .migration
            case .control: .control
            default: configuration.flags
            }
        answerOpen(id, open, version: version, flags: flags, window: window, now: now)
    }

    private func answerOpen(
        _ id: ConnectionID, _ open: HandshakeMessage.Open, version: UInt16, flags: ServiceFlags,
        window: UInt32, now: Instant
    ) {
        let key = HandshakeKey(using: &rng)
        let nonce = randomBytes(HandshakeMessage.nonceLength, using: &rng)
        let secret: SessionSecret
        do {
            secret = try key.secret(
                peer: open.publicKey, initiatorNonce: open.nonce, acceptorNonce: nonce)
        } catch {
            condemn(id, error)
            return
        }
        let sessionID = SessionID.random(using: &rng)
        var limits = configuration.limits
        limits.initialWindow = window
        let identity = Session.Identity(
            role: .acceptor, id: sessionID, secret: secret, version: version,
            flags: flags, limits: AgreedLimits(own: limits, peer: open.limits),
            maxWindow: configuration.maxWindow)
        let session = Session(identity: identity, host: host, budget: budget, now: now)
        let source = connections[id]?.account ?? ""
        let peer = connections[id]?.identity ?? .plaintext
        let entry = Entry(
            session: session, source: source, identity: peer, serial: nextSerial, now: now)
        nextSerial += 1
        entry.address = connections[id]?.address ?? ""
        entries[sessionID] = entry
        unconfirmed.insert(sessionID)
        sessionsPerSource[source, default: 0] += 1
        arm(entry)
        let opened = HandshakeMessage.Opened(
            version: version, id: sessionID, nonce: nonce, publicKey: key.publicKey, host: host,
            flags: flags, limits: limits)
        connections[id]?.answer(.opened(opened), secret: secret)
        connections[id]?.state = .opened(sessionID)
        shedUnconfirmed(from: source)
    }

    /// As large as the budget comfortably allows, never less than the reserve. [FTSL §5.3]
    private func openingWindow(for needed: SessionRights) -> UInt32? {
        let free = budget.budget.capacity - budget.budget.reserved
        // The streams of a session that carries messages stay empty.
        let most = needed == .messages ? Bound.reservedWindow : configuration.limits.initialWindow
        let wanted = min(UInt64(most), configuration.maxWindow, budget.share.each)
        let window = max(
            min(wanted, free / Bound.openingShare), min(wanted, UInt64(Bound.reservedWindow)))
        guard Session.reservation(window: window, flags: configuration.flags) <= free else {
            return nil
        }
        return UInt32(window)
    }

    private func admission(
        from source: String, _ needed: SessionRights, now: Instant
    ) -> HandshakeMessage.Verdict? {
        if isDraining {
            return .init(kind: .refused, code: .shuttingDown, text: "the listener is shutting down")
        }
        if tombstones >= configuration.maxTombstones {
            return .init(kind: .refused, code: .limits, text: "too many ended sessions to remember")
        }
        if needed == .streams, activeStreams >= configuration.concurrentSessions {
            switch configuration.whenBusy {
            case .wait:
                return .init(
                    kind: .later, code: .busy, retryAfter: .milliseconds(500),
                    text: "another session is being served")
            case .refuse:
                return .init(
                    kind: .refused, code: .busy, text: "another session is being served")
            }
        }
        if sessionsPerSource[source, default: 0] >= configuration.maxSessionsPerSource
            || activeSessions >= configuration.maxSessions
        {
            guard evictOldestParked(from: source, now: now) else {
                return .init(kind: .refused, code: .limits, text: "too many sessions")
            }
        }
        return nil
    }

    // MARK: RESUME [FTSL §4.3]

    func resume(
        _ id: ConnectionID, _ resume: HandshakeMessage.Resume, _ frame: HandshakeReader.Frame,
        now: Instant
    ) {
        let entry = entries[resume.id]
        if entry == nil, let signpost = signposts[resume.id],
            signpost.secret.verify(
                frame.mac, by: .initiator, kind: .resume, transcript: frame.transcript)
        {
            refuse(id, Absence.moved(signpost.target).verdict, secret: signpost.secret)
            return
        }
        // An unknown id and a bad MAC cost the same work and get the same answer. [FTSL §4.4]
        let secret = entry?.session.identity.secret ?? decoySecret
        let verified = secret.verify(
            frame.mac, by: .initiator, kind: .resume, transcript: frame.transcript)
        guard let entry, verified else {
            refuse(
                id, .init(kind: .gone, code: .sessionGone, text: "no such session is known here"))
            return
        }
        let session = entry.session
        guard let asking = connections[id], asking.identity == entry.identity,
            entry.isAdopted || asking.rights.contains(entry.needs)
        else {
            refuse(id, unauthorized(connections[id]?.identity ?? .plaintext), secret: secret)
            return
        }
        guard resume.version == session.identity.version else {
            refuse(
                id,
                .init(
                    kind: .refused, code: .versionMismatch,
                    text: "the session speaks version \(session.identity.version)"),
                secret: secret)
            return
        }
        guard resume.attachment > session.highestAttachment else {
            refuse(
                id,
                .init(
                    kind: .refused, code: .staleAttachment,
                    text: "attachment \(session.highestAttachment.value) was proven already"),
                secret: secret)
            return
        }
        if let refusal = Self.hostRefusal(resume.host, at: session.host) {
            refuse(id, refusal, secret: secret)
            return
        }
        if isAway(resume.id) {
            refuse(id, Absence.later.verdict, secret: secret)
            return
        }
        let resumed = HandshakeMessage.Resumed(
            nonce: randomBytes(HandshakeMessage.nonceLength, using: &rng),
            attachment: resume.attachment, host: session.host, reports: session.reports)
        connections[id]?.answer(.resumed(resumed), secret: secret)
        connections[id]?.state = .resumed(resume.id, resume.attachment, resume.reports)
    }

    /// A client that has met a newer host of its session must not be served by this one. [FTSL
    /// §4.3]
    private static func hostRefusal(
        _ proven: HostIdentity, at host: HostIdentity
    ) -> HandshakeMessage.Verdict? {
        if proven.generation > host.generation {
            return .init(
                kind: .later, code: .staleGeneration, retryAfter: .seconds(1),
                text: "this host is older than one the session has met")
        }
        if proven.generation == host.generation, proven.instance != host.instance {
            return .init(
                kind: .refused, code: .fenced,
                text: "two hosts claim this session at one generation")
        }
        return nil
    }

    // MARK: Refusing

    private func notOffered(_ needed: SessionRights) -> HandshakeMessage.Verdict {
        switch needed {
        case .messages:
            .init(kind: .refused, code: .noInbox, text: "this listener has no inbox")
        case .migration:
            .init(
                kind: .refused, code: .migrationRefused,
                text: "this listener takes no migrations (listen --accept-migration)")
        case .control:
            .init(
                kind: .refused, code: .authorityRefused,
                text: "this listener answers its own machine only")
        default: .init(kind: .refused, code: .noStreams, text: "this listener has only an inbox")
        }
    }

    private func unauthorized(_ identity: PeerIdentity) -> HandshakeMessage.Verdict {
        let text =
            identity.isVerified
            ? "\(identity) is not allowed to do this here"
            : "only authenticated connections are served here (TLS)"
        return .init(kind: .refused, code: .authorityRefused, text: text)
    }

    func refuse(
        _ id: ConnectionID, _ verdict: HandshakeMessage.Verdict, secret: SessionSecret? = nil
    ) {
        refusals[verdict.code, default: 0] += 1
        connections[id]?.refuse(verdict, secret: secret)
        settle(id)
        events.append(.close(id, Failure(.peer, verdict.code, verdict.text)))
    }

    /// True until the connection has proven something or is on its way out.
    package func isStranger(_ id: ConnectionID) -> Bool { unproven.contains(id) }

    /// The transport turned a stranger down before it could ask anything.
    package func countRefusal(_ failure: Failure) { refusals[failure.code, default: 0] += 1 }

    /// A stranger that breaks the rules gets no answer it could learn from.
    func condemn(_ id: ConnectionID, _ failure: Failure) {
        refusals[failure.code, default: 0] += 1
        connections[id]?.state = .closing
        settle(id)
        events.append(.close(id, failure))
    }
}
