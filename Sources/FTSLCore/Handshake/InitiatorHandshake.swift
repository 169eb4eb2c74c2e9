package import NIOCore

/// The dialling end's side of one connection until a session is attached. [FTSL §4]
package struct InitiatorHandshake {
    /// What the handshake led to.
    package enum Result {
        /// A new session, with CONFIRM ready to be sent.
        case opened(Session.Identity, HostIdentity, SessionLimits)
        /// The session goes on, with PROOF ready to be sent.
        case resumed(HostIdentity, [ChannelReport])
        case verdict(HandshakeMessage.Verdict)
    }

    private enum State {
        case opening(HandshakeMessage.Open, HandshakeKey)
        case resuming(AttachmentNumber, SessionSecret, HostIdentity)
        case done
    }

    private var state: State
    private var reader = HandshakeReader()
    private var outgoing: ByteBuffer
    private let maxWindow: UInt64

    package static func opening(
        service: String, limits: SessionLimits, maxWindow: UInt64,
        using rng: inout some RandomNumberGenerator
    ) -> InitiatorHandshake {
        let key = HandshakeKey(using: &rng)
        let open = HandshakeMessage.Open(
            versions: ProtocolVersion.supported,
            nonce: randomBytes(HandshakeMessage.nonceLength, using: &rng),
            publicKey: key.publicKey, service: service, limits: limits)
        return InitiatorHandshake(.opening(open, key), .open(open), nil, maxWindow)
    }

    package static func resuming(
        _ session: Session, as number: AttachmentNumber,
        using rng: inout some RandomNumberGenerator
    ) -> InitiatorHandshake {
        let identity = session.identity
        let resume = HandshakeMessage.Resume(
            version: identity.version, id: identity.id, attachment: number, host: session.host,
            nonce: randomBytes(HandshakeMessage.nonceLength, using: &rng),
            reports: session.reports)
        return InitiatorHandshake(
            .resuming(number, identity.secret, session.host), .resume(resume), identity.secret,
            identity.maxWindow)
    }

    private init(
        _ state: State, _ first: HandshakeMessage, _ secret: SessionSecret?, _ maxWindow: UInt64
    ) {
        self.state = state
        self.maxWindow = maxWindow
        outgoing = ByteBuffer()
        outgoing = reader.compose(first, as: .initiator, secret: secret, first: true)
    }

    /// Bytes to send, once.
    package mutating func takeOutgoing() -> ByteBuffer? {
        guard outgoing.readableBytes > 0 else { return nil }
        defer { outgoing = ByteBuffer() }
        return outgoing
    }

    /// Stream bytes that came with the last handshake frame.
    package mutating func takeRest() -> ByteBuffer { reader.takeRest() }

    /// True when the acceptor has said anything at all.
    package var heardAnything: Bool { reader.hasBytes }

    package mutating func receive(_ bytes: ByteBuffer) throws(Failure) -> Result? {
        reader.append(bytes)
        guard let frame = try reader.next() else { return nil }
        switch (state, frame.message) {
        case (.opening(let open, let key), .opened(let opened)):
            return try finishOpening(open, key, opened, frame)
        case (.resuming(let number, let secret, let host), .resumed(let resumed)):
            return try finishResuming(number, secret, host, resumed, frame)
        case (.opening, .verdict(let verdict)):
            state = .done
            return .verdict(verdict)
        case (.resuming(_, let secret, _), .verdict(let verdict)):
            // "gone" comes from somebody who does not know the secret; everything else must prove
            // itself.
            if verdict.kind != .gone {
                try verify(frame, secret)
            }
            state = .done
            return .verdict(verdict)
        case (_, .open), (_, .confirm), (_, .resume), (_, .proof), (_, .opened), (_, .resumed),
            (.done, .verdict):
            throw .violation(.unexpectedFrame, "an answer that does not fit the question")
        }
    }

    private func verify(
        _ frame: HandshakeReader.Frame, _ secret: SessionSecret
    ) throws(Failure) {
        guard
            secret.verify(
                frame.mac, by: .acceptor, kind: frame.kind, transcript: frame.transcript)
        else {
            throw .violation(.authenticationFailed, "the acceptor's MAC does not verify")
        }
    }

    private mutating func finishOpening(
        _ open: HandshakeMessage.Open, _ key: HandshakeKey, _ opened: HandshakeMessage.Opened,
        _ frame: HandshakeReader.Frame
    ) throws(Failure) -> Result {
        let secret = try key.secret(
            peer: opened.publicKey, initiatorNonce: open.nonce, acceptorNonce: opened.nonce)
        try verify(frame, secret)
        guard open.versions.contains(opened.version) else {
            throw .violation(
                .versionMismatch,
                "the acceptor chose version \(opened.version); offered were \(open.versions)")
        }
        outgoing = reader.compose(.confirm, as: .initiator, secret: secret, first: false)
        state = .done
        let identity = Session.Identity(
            role: .initiator, id: opened.id, secret: secret, version: opened.version,
            flags: opened.flags, limits: AgreedLimits(own: open.limits, peer: opened.limits),
            maxWindow: maxWindow)
        return .opened(identity, opened.host, opened.limits)
    }

    private mutating func finishResuming(
        _ number: AttachmentNumber, _ secret: SessionSecret, _ known: HostIdentity,
        _ resumed: HandshakeMessage.Resumed, _ frame: HandshakeReader.Frame
    ) throws(Failure) -> Result {
        try verify(frame, secret)
        guard resumed.attachment == number else {
            throw .violation(.unexpectedFrame, "RESUMED for another attachment")
        }
        guard resumed.host.generation >= known.generation else {
            throw .violation(.staleGeneration, "the acceptor is an older host of this session")
        }
        if resumed.host.generation == known.generation {
            guard resumed.host.instance == known.instance else {
                throw .violation(.fenced, "two hosts claim this session at one generation")
            }
        }
        outgoing = reader.compose(.proof, as: .initiator, secret: secret, first: false)
        state = .done
        return .resumed(resumed.host, resumed.reports)
    }
}
