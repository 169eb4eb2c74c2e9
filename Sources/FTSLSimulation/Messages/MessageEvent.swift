internal import FTSLCore

/// What can happen next in a world of messages. Clients are numbers; the host is `-1`.
enum MessageEvent {
    case start(Int)
    case accepted(link: Int)
    case connected(link: Int)
    case dialFailed(link: Int)
    case deliver(link: Int, Direction)
    case notice(link: Int, Role)
    case closed(link: Int)
    case timer(Int, serial: UInt64)
    /// A commit is on disk; a read is done; answers have come to the loop.
    case commit(Int, epoch: Int)
    case read(Int, epoch: Int)
    case answers(Int, epoch: Int)
    /// The next session after one that ended.
    case redial(Int, life: Int)
    case submit(Int, submission: Int)
    case cancel(Int, LanePlace)
    case wake(Int, life: Int, Wake)
    case fault(Int)

    enum Wake {
        /// Work on a message is done.
        case worked(InboxIndex, delivery: Int)
        /// Puts dead letters back.
        case returns
        /// Subscribes again.
        case renew
    }
}
