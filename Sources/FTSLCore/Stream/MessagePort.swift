/// What a session carries beside its streams: a lane, a subscription, or an inbox's end of both.
///
/// Called by the session only; its effects are drained by whoever made it. Frames live on one
/// attachment: `attached` begins anew, `detached` forgets what was on its way. [FTSL §7]
package protocol MessagePort: AnyObject {
    func attached(now: Instant)
    func detached(now: Instant)
    func receive(_ frame: MessageFrame, now: Instant) throws(Failure)
    /// Writes frames that should leave now, up to about `limit` bytes.
    func transmit(into writer: inout FrameWriter, limit: Int, now: Instant)
    var deadline: Instant { get }
    func handleTimeout(now: Instant)
}
