internal import NIOCore

/// Asks an inbox how far consumers are with messages that another session of their sender delivers.
/// [FTSL §7.7]
package final class ProcessedPort: MessagePort {
    private var wanted: MessageFrame.Watch
    private var owesWatch = false
    private var isRefused = false
    private var newest: MessageFrame.Processed?
    private var refusal: Failure?

    package init(_ wanted: MessageFrame.Watch) { self.wanted = wanted }

    /// The newest answer, once.
    package func takeNews() -> MessageFrame.Processed? {
        defer { newest = nil }
        return newest
    }

    /// Why nothing will be told, once.
    package func takeRefusal() -> Failure? {
        defer { refusal = nil }
        return refusal
    }

    /// Dead letters are told from here on.
    package func watch(from: LaneSequence) {
        wanted.from = from
        owesWatch = true
    }

    package func attached(now: Instant) { owesWatch = true }
    package func detached(now: Instant) { owesWatch = false }

    package func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        switch frame {
        case .processed(let processed): newest = processed
        case .refused(.watch, let code, let text):
            isRefused = true
            refusal = Failure(.peer, code, text)
        default: throw .violation(.unexpectedFrame, "a \(frame.kind) that may not come here")
        }
    }

    package func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        guard owesWatch, !isRefused else { return }
        owesWatch = false
        writer.write(.watch(wanted))
    }

    package var deadline: Instant { .distantFuture }
    package func handleTimeout(now: Instant) {}
}
