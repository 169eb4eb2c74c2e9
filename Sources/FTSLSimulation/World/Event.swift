internal import FTSLCore

/// What can happen next. Everything refers by number, so events can be ordered, kept and dropped.
enum Event {
    case start(client: Int)
    /// The connection stands at the acceptor, then at the initiator.
    case accepted(link: Int)
    case connected(link: Int)
    case dialFailed(link: Int)
    /// Look whether bytes have arrived this way.
    case deliver(link: Int, Direction)
    /// An end learns that its connection is gone.
    case notice(link: Int, Role)
    case timer(Role, client: Int, serial: UInt64)
    case wake(Role, client: Int, Application.Wake, life: Int)
    case fault(Int)
    /// A connection that the acceptor closed is gone at last.
    case closed(link: Int)
    /// Second step of an attack.
    case attack(Int)
}
