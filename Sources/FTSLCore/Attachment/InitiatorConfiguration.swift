/// The dialling end's settings. [FTSL §6]
package struct InitiatorConfiguration: Sendable {
    /// Endpoints are alternatives; the driver knows their addresses.
    package var endpointCount = 1
    package var service = ""
    package var limits = SessionLimits()
    /// Receive window and retention per channel, at most, in bytes.
    package var maxWindow: UInt64 = 64 << 20
    package var maxMemory: UInt64 = 2 << 30
    /// Whole time to reach a peer the first time; nil: each dial has its own limit.
    package var firstTimeout: Duration?
    /// Go on dialling after a failure of the first connection.
    package var retryFirst = false
    /// How long without an attachment before giving up; nil: the session time-out.
    package var giveUpAfter: Duration?
    /// How long to stay for the peer's last word once the outcome is fixed.
    package var linger: Duration = .seconds(60)

    package init() {}
}

/// What an initiator asks of its driver and tells its application.
package enum InitiatorEvent: Equatable {
    case dial(ConnectionID, endpoint: Int)
    /// Send what `transmit` still has, then close.
    case close(ConnectionID, Failure?)
    /// The session exists now; its channels can be used.
    case opened
    case attached(ConnectionID, resumed: Bool)
    case detached(Failure)
    /// The next dial is this far away, because of what happened.
    case waiting(Duration, Failure)
    /// The session has events of its own to drain.
    case activity
    /// Nothing more will happen. Nil: no session was ever opened.
    case ended(Outcome?, Failure?)
}
