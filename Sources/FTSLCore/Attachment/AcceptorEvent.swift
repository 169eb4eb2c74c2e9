/// What an acceptor asks of its driver and tells its service.
package enum AcceptorEvent: Equatable {
    /// CONFIRM or PROOF came for the first time: start the service now, once.
    case confirmed(SessionID)
    case attached(SessionID, ConnectionID, resumed: Bool)
    case detached(SessionID, Failure)
    /// The session has events of its own to drain.
    case activity(SessionID)
    /// Send what `transmit` still has, then close.
    case close(ConnectionID, Failure?)
    /// The session is over and forgotten, or only its tombstone is left.
    case ended(SessionID, Outcome)
    /// Nobody will ask for the session any more.
    case forgotten(SessionID)
}
