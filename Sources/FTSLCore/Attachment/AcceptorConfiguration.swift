/// The acceptor's settings: what it serves and how much it holds. [FTSL §2-7]
package struct AcceptorConfiguration: Sendable {
    /// What to do with a new session when as many as may run at once are running.
    package enum WhenBusy: Sendable {
        /// Tell the client to ask again.
        case wait
        case refuse
    }

    /// Kinds of sessions that are served here.
    package var offered = SessionRights.streams
    /// Of sessions that carry streams.
    package var flags: ServiceFlags = []
    package var limits = SessionLimits()
    /// Receive window and retention per channel, at most, in bytes.
    package var maxWindow: UInt64 = 64 << 20
    package var maxMemory: UInt64 = 2 << 30
    /// Windows of busy sessions, together.
    package var sharedWindow = Bound.sharedWindow
    /// Bytes that sessions without a connection may hold together.
    package var parkedMemory: UInt64 = 1 << 30
    package var maxSessions = 16_384
    package var maxSessionsPerSource = 16_384
    package var maxTombstones = 16_384
    package var maxUnprovenConnections = 1_024
    /// Of those, from one network; connections from this machine count only in total.
    package var maxUnprovenPerSource = 128
    /// The share of `parkedMemory` that one identity's sessions may hold.
    package var parkedSharePerSource = 4
    /// Sessions that may run at the same time; more wait or are refused.
    package var concurrentSessions = Int.max
    package var whenBusy = WhenBusy.wait

    package init() {}
}
