/// How a remote command ended.
package enum ExitReport: Hashable, Sendable {
    case status(UInt8)
    case signal(UInt8)
}

/// How a session ended for this end. Success means both sides have taken every byte. [FTSL §2]
package enum Outcome: Hashable, Sendable {
    /// Every byte of both directions was taken and both digests agree.
    case complete
    /// The peer's reader went away after `position` bytes of ours.
    case stopped(at: UInt64)
    /// The peer (or this end) gave up; `received` bytes of its stream are here and no more will
    /// come.
    case aborted(Failure, received: UInt64, acknowledged: UInt64)
    /// Nobody is left to ask: bytes beyond `acknowledged` may or may not have been taken.
    case lost(Failure, received: UInt64, acknowledged: UInt64)

    /// True when what was received is everything the peer wrote.
    package var isGood: Bool {
        switch self {
        case .complete, .stopped: true
        case .aborted, .lost: false
        }
    }
}
