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
    /// There is something to send on this connection.
    case wrote(ConnectionID)
    /// It came from another host: go on with its service now, once.
    case adopted(SessionID)
    /// It is another host's now: let its service go without an end.
    case departed(SessionID)
    /// The session is over and forgotten, or only its tombstone is left.
    case ended(SessionID, Outcome)
    /// Nobody will ask for the session any more.
    case forgotten(SessionID)
}
