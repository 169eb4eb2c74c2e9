package import NIOCore

/// What a session tells the application and the driver of its attachment.
package enum SessionEvent: Equatable {
    /// New bytes, in order. Answer with `took` when the application has them.
    case data(ChannelNumber, ByteBuffer)
    /// The peer's stream ended and its digest agrees. Answer with `tookEnd`.
    case finished(ChannelNumber)
    /// The peer's reader went away after `at` bytes; nothing more can be written.
    case stopped(ChannelNumber, at: UInt64)
    /// There may be room for more writing.
    case room(ChannelNumber)
    case exited(ExitReport)
    /// The user's terminal is, or has become, like this. [FTSL §5.10]
    case terminal(TerminalState)
    /// The attachment is dead or condemned: close it.
    case detach(Failure)
    /// The outcome is known and fixed; only the peer's last word is missing.
    case settled(Outcome)
    /// Both ends know; nothing more will be sent or needed.
    case over
}
