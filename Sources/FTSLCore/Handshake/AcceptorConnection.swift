internal import NIOCore

/// One accepted connection until it carries a session: read a question, answer, wait for the proof.
/// [FTSL §4]
final class AcceptorConnection {
    enum State {
        /// Nothing complete was read.
        case asking
        /// OPENED was sent; CONFIRM makes the session real.
        case opened(SessionID)
        /// RESUMED was sent; PROOF switches the attachment.
        case resumed(SessionID, AttachmentNumber, [ChannelReport])
        case attached(Acceptor.Entry)
        /// An answer is on its way out; nothing more is read.
        case closing
    }

    var state = State.asking
    var reader = HandshakeReader()
    var outgoing = ByteBuffer()
    let source: String
    let address: String
    var identity = PeerIdentity.plaintext
    /// What the peer may open and resume here.
    var rights = SessionRights.everything
    let deadline: Instant

    init(source: String, address: String, now: Instant) {
        self.source = source
        self.address = address
        deadline = now + Bound.handshakeDeadline
    }

    /// True while the peer has not proven that it may be here.
    var isUnproven: Bool {
        switch state {
        case .asking, .opened, .resumed: true
        case .attached, .closing: false
        }
    }

    /// True for connections from this machine.
    var isLocal: Bool { Self.isLocal(source) }

    static func isLocal(_ source: String) -> Bool {
        source == "local" || source.hasPrefix("127.") || source.isEmpty
    }

    /// Whose limits this connection counts against: an anonymous peer's are its network's. [FTSL
    /// §6]
    var account: String { identity.isVerified ? identity.description : source }

    var isClosing: Bool { if case .closing = state { true } else { false } }

    func answer(_ message: HandshakeMessage, secret: SessionSecret?) {
        let bytes = reader.compose(message, as: .acceptor, secret: secret, first: true)
        outgoing.writeImmutableBuffer(bytes)
    }

    func refuse(_ verdict: HandshakeMessage.Verdict, secret: SessionSecret?) {
        answer(.verdict(verdict), secret: secret)
        state = .closing
    }
}
