/// Every bound of the protocol that is not a user's setting, in one place, each with its reason.
package enum Bound {
    /// Handshake frames carry keys and a few rows; a stranger may make us hold no more than this.
    package static let handshakeFrame = 4096
    /// DATA header after the length field: kind, channel, position.
    package static let dataHeader = 10
    /// Small enough that urgent frames overtake bulk, large enough that headers cost nothing.
    package static let maxPayload: UInt32 = 65_536
    /// The smallest frame payload a peer may ask for; less would make headers the traffic.
    package static let minPayload: UInt32 = 1_024
    /// Receive window at the start: two 10 Gbit/s·ms, little enough for thousands of sessions.
    package static let initialWindow: UInt32 = 1 << 20
    /// What every session may always have in flight, whatever the others hold.
    package static let reservedWindow: UInt32 = 64 << 10
    /// Windows of the sessions that are busy, together; each has the reserve in any case.
    package static let sharedWindow: UInt64 = 128 << 20
    /// Bytes that a busy session has moved within a second.
    static let busy: UInt64 = 16 << 10
    /// A new session's window is at most this part of the memory that is left: the default memory
    /// then has room for ten thousand, and whoever needs more than its window is given it.
    package static let openingShare: UInt64 = 8_192
    /// Bytes accepted from the application but not yet handed to a connection.
    package static let readAhead = 1 << 20
    /// Longest text in ABORT and VERDICT.
    package static let text = 255
    /// Versions in one OPEN.
    package static let versions = 16
    /// Digest state is copied no more often than this, so that small writes stay cheap to retain.
    package static let digestSpacing = 32 << 10
    /// A partial read this small is copied out of its large buffer before it waits anywhere.
    package static let copyBelow = 4096
    /// Acknowledgement delay, in nanoseconds. [FTSL §5.2]
    package static let acknowledgementDelay: UInt64 = 25_000_000
    /// Timers in the acceptor's heap per session, most of them outdated, before it is swept.
    package static let timersPerSession = 8
    /// How long an acceptor waits for a stranger to prove itself.
    package static let handshakeDeadline: Duration = .seconds(10)
    /// Sessions opened but never confirmed live this long. [FTSL §4.1]
    package static let unconfirmed: Duration = .seconds(60)
    /// Unconfirmed sessions without a connection.
    package static let unconfirmedSessions = 1_024
    package static let unconfirmedPerAddress = 16
    /// "gone" must be heard again after at least this long. [FTSL §4.4]
    package static let goneConfirmation: Duration = .seconds(30)
    /// A redial that is not answered by then is begun anew: the kernel repeats an unanswered SYN
    /// after 1, 3, 7 s, and a network that is back should not wait for that.
    package static let redialPatience: Duration = .seconds(4)
    /// First handshakes that may break off before a peer that accepts connections counts as absent.
    package static let brokenFirstHandshakes = 2
    /// A host that says *later* is asked again at least this often, unless it wants less.
    package static let laterCap: Duration = .seconds(1)
    package static let redialFirst: Duration = .milliseconds(50)
    package static let redialCap: Duration = .seconds(10)
}

/// What one end offers in OPEN or OPENED. [FTSL §3.3]
package struct SessionLimits: Hashable, Sendable {
    /// Largest DATA payload this end reads, in bytes.
    package var maxPayload: UInt32
    /// Credit per channel before the first ACK, in bytes.
    package var initialWindow: UInt32
    package var heartbeatMilliseconds: UInt32
    package var sessionTimeoutSeconds: UInt32

    package init(
        maxPayload: UInt32 = Bound.maxPayload, initialWindow: UInt32 = Bound.initialWindow,
        heartbeat: Duration = .seconds(3), sessionTimeout: Duration = .seconds(24 * 3600)
    ) {
        self.maxPayload = maxPayload
        self.initialWindow = initialWindow
        self.heartbeatMilliseconds = UInt32(
            clamping: max(1, heartbeat.wholeNanoseconds / 1_000_000))
        self.sessionTimeoutSeconds = UInt32(
            clamping: max(1, (sessionTimeout.wholeNanoseconds + 999_999_999) / 1_000_000_000))
    }
}

/// What both ends settled on: the smaller of each pair where both must keep it.
package struct AgreedLimits: Hashable, Sendable {
    package var sendPayload: Int
    package var receivePayload: Int
    package var sendWindow: UInt64
    package var receiveWindow: UInt64
    package var heartbeat: Duration
    package var sessionTimeout: Duration

    init(
        sendPayload: Int, receivePayload: Int, sendWindow: UInt64, receiveWindow: UInt64,
        heartbeat: Duration, sessionTimeout: Duration
    ) {
        self.sendPayload = sendPayload
        self.receivePayload = receivePayload
        self.sendWindow = sendWindow
        self.receiveWindow = receiveWindow
        self.heartbeat = heartbeat
        self.sessionTimeout = sessionTimeout
    }

    package init(own: SessionLimits, peer: SessionLimits) {
        sendPayload = Int(peer.maxPayload)
        receivePayload = Int(own.maxPayload)
        sendWindow = UInt64(peer.initialWindow)
        receiveWindow = UInt64(own.initialWindow)
        heartbeat = .milliseconds(
            Int64(max(1, min(own.heartbeatMilliseconds, peer.heartbeatMilliseconds))))
        sessionTimeout = .seconds(
            Int64(max(1, min(own.sessionTimeoutSeconds, peer.sessionTimeoutSeconds))))
    }
}
