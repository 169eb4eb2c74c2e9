/// Faults put into the code around the core on purpose, to see that the checkers find them.
///
/// Each changes what the core says or hears at its own boundary, so that the core needs no hooks.
package enum Mutation: String, CaseIterable, Sendable {
    /// Bytes are called taken before the application has them.
    case acknowledgesUnread
    /// The application is given received bytes a second time.
    case deliversTwice
    /// The application is given what lies beyond a hole.
    case losesBytes
    /// The writer does not stop where there is no room.
    case ignoresRoom
    /// The service is started again when a session is resumed.
    case startsTwice
    /// EXIT, STOP and BYE are said once and swallowed.
    case dropsStates
    /// Ended sessions are forgotten before the peer knows.
    case forgetsTombstones
    /// Bytes of a given-up connection are still fed to the session.
    case readsOldConnection
    /// Nobody looks at the clock.
    case ignoresTime
    /// What an attacker sends is taken for the client's.
    case trustsStrangers
    /// An end that the peer did not state is believed.
    case believesClosing
}
