package import NIOCore

/// A session that leaves its host, or arrives at one. [FTSL §10]
extension Session {
    // MARK: Leaving

    /// From here on nothing is taken in, sent or acknowledged; heartbeats go on. The application
    /// may still write what it has, and say what it took. [FTSL §10.3]
    package func freeze() { isFrozen = true }

    /// It stays here after all: what came meanwhile is taken in now.
    package func thaw(now: Instant) {
        guard isFrozen else { return }
        isFrozen = false
        let held = frozenInput
        frozenInput = []
        for bytes in held { receive(bytes, now: now) }
    }

    /// What goes to the next host; the session must be frozen.
    ///
    /// - Parameter application: what the application left; nil: there is none any more.
    package func image(
        standing: SessionImage.Standing, identity peer: PeerIdentity, address: String,
        application: ByteBuffer?, unread: ByteBuffer
    ) -> SessionImage {
        precondition(isFrozen, "an image of a session that still changes")
        // What an application had taken and not used is not taken in the next one's eyes.
        var receives = receives
        if application != nil { receives[0].takeBack(unread.readableBytes) }
        return SessionImage(
            id: identity.id, secret: identity.secret.bytes, version: identity.version,
            flags: identity.flags, limits: identity.limits, maxWindow: identity.maxWindow,
            generation: host.generation, highestAttachment: highestAttachment,
            standing: standing, identity: peer, address: address, sends: sends.map(\.image),
            receives: receives.map(\.image), ownAbort: ownAbort, peerAbort: peerAbort,
            exitReport: exitReport, outcome: outcome, byeReceived: byeReceived,
            application: application, unread: unread)
    }

    /// Tells a peer that knows the secret where the session lives, so that nobody else can.
    package func sign(_ target: MoveTarget, as kind: FrameKind) -> StreamFrame.SignedTarget {
        StreamFrame.SignedTarget(target: target, mac: mac(of: target, kind))
    }

    private func mac(of target: MoveTarget, _ kind: FrameKind) -> [UInt8] {
        identity.secret.mac(by: .acceptor, kind: kind, transcript: words(of: target))
    }

    private func words(of target: MoveTarget) -> ByteBuffer {
        var words = ByteBuffer()
        words.write(identity.id)
        words.writeInteger(attachment?.number.value ?? 0)
        words.write(target)
        return words
    }

    /// What REDIRECT and ENDPOINTS say is believed of somebody who knows the secret only.
    func receive(_ signed: StreamFrame.SignedTarget, _ kind: FrameKind) throws(Failure) {
        guard identity.role == .initiator else {
            throw .violation(.unexpectedFrame, "\(kind) from an initiator")
        }
        guard
            identity.secret.verify(
                signed.mac, by: .acceptor, kind: kind, transcript: words(of: signed.target))
        else { throw .violation(.authenticationFailed, "a \(kind) that does not verify") }
        guard signed.target.generation > host.generation else { return }
        if kind == .redirect { redirect = signed.target } else { nextHome = signed.target }
    }

    // MARK: Arriving

    /// The session as its last host left it, at this one.
    ///
    /// The owner has checked that there is room. Throws when the image is of no use.
    package convenience init(
        _ image: SessionImage, host: HostIdentity, budget: SharedBudget, now: Instant
    ) throws(Failure) {
        self.init(
            identity: Identity(
                role: .acceptor, id: image.id, secret: SessionSecret(bytes: image.secret),
                version: image.version, flags: image.flags, limits: image.limits,
                maxWindow: image.maxWindow),
            host: host, budget: budget, now: now)
        var sends: [SendChannel] = []
        for send in image.sends {
            sends.append(try SendChannel(image: send, window: image.limits.sendWindow))
        }
        var receives: [ReceiveChannel] = []
        for receive in image.receives {
            receives.append(try ReceiveChannel(image: receive, maxWindow: image.maxWindow))
        }
        self.sends = sends
        self.receives = receives
        // Its application does not know how much is retained, and may find no room at first.
        roomWanted = sends.map { !$0.finished }
        highestAttachment = image.highestAttachment
        ownAbort = image.ownAbort
        peerAbort = image.peerAbort
        exitReport = image.exitReport
        byeReceived = image.byeReceived
        if let ownAbort {
            let code = FailureCode(rawValue: ownAbort.code) ?? .internalError
            ownFailure = Failure(.local, code, ownAbort.text)
        }
        if let outcome = image.outcome {
            phase = .settled(outcome)
            if ownAbort == nil { abandonSends() }
        }
    }

    /// The application that took these bytes, the last ones that came, is gone without having used
    /// them: the next one gets them, and the end if it came. [FTSL §10]
    package func takeBack(_ unread: ByteBuffer, from channel: ChannelNumber) {
        guard let index = receiveIndex(channel), receives[index].stoppedAt == nil else { return }
        receives[index].takeBack(unread.readableBytes)
        if unread.readableBytes > 0 { events.append(.data(channel, unread)) }
        if receives[index].finPosition != nil, !receives[index].endTaken {
            events.append(.finished(channel))
        }
    }
}
