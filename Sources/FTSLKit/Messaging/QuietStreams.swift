internal import FTSLCore
internal import NIOCore

/// The streams of a session that carries messages: they end at once, empty, on the acceptor's side,
/// and on the initiator's when it has no more to do.
final class QuietStreams: SessionApplication {
    private let handle: SessionHandle
    var onSettled: ((Outcome) -> Void)?
    var onAttached: (() -> Void)?
    var onDetached: ((Failure) -> Void)?

    init(_ handle: SessionHandle) { self.handle = handle }

    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        // Nobody reads it; taking it keeps the session able to end.
        handle.took(bytes.readableBytes, from: channel)
    }

    func finished(_ channel: ChannelNumber) { handle.tookEnd(channel) }
    func stopped(_ channel: ChannelNumber, at position: UInt64) {}
    func room(on channel: ChannelNumber) {}
    func exited(_ report: ExitReport) {}
    func detached(_ failure: Failure) { onDetached?(failure) }
    func attached(resumed: Bool) { onAttached?() }
    func settled(_ outcome: Outcome) { onSettled?(outcome) }
}
