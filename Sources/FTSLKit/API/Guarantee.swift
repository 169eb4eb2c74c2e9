/// How hard a messenger tries. [FTSL §7.1]
public enum Guarantee: Hashable, Sendable {
    /// Every message is stored by the inbox once, whatever ends and begins anew in between: it is
    /// in a file before `send` returns, and leaves it when the inbox has it. Without a path it is
    /// the file that `ftsl send` uses: `$XDG_STATE_HOME/ftsl/outbox.db`.
    case exactlyOnce(outbox: String? = nil)
    /// Messages are in memory, and sent until the inbox has them. A listener that starts anew may
    /// store one twice; a sender that dies takes with it what was not accepted.
    case atLeastOnce
}
