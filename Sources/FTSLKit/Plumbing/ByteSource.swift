package import FTSLCore
package import NIOCore

/// Where the bytes of a stream come from. Driven by demand, on the event loop.
package protocol ByteSource: AnyObject {
    /// One call of `onBytes` or `onEnd` follows each call of `demand`.
    func demand()
    /// No more calls will follow; what was read and not delivered is lost.
    func cancelInput(_ reason: InputCancellation)
    var onBytes: ((ByteBuffer) -> Void)? { get set }
    /// Nil: a clean end.
    var onEnd: ((Failure?) -> Void)? { get set }
}

/// Why nobody wants a source's bytes any more.
package enum InputCancellation: Sendable {
    /// The peer's reader went away: the writer should learn it as programs do.
    case readerGone
    /// The session is over. The writer may still have something to say, to nobody.
    case sessionOver
}

/// Where the bytes of a stream go. On the event loop.
package protocol ByteSink: AnyObject {
    func write(_ bytes: ByteBuffer)
    /// After everything written: close. Answered by `onFinished` or `onFailed`.
    func finish()
    /// The stream ended badly: close so that the reader can tell, where its kind of descriptor has
    /// a way.
    func fail()
    /// Close now; nothing more is told.
    func cancelOutput()
    /// So many bytes more are where they belong.
    var onTaken: ((Int) -> Void)? { get set }
    var onFinished: (() -> Void)? { get set }
    var onFailed: ((SinkFailure) -> Void)? { get set }
}

package enum SinkFailure: Error, Equatable {
    /// The reader went away (EPIPE, or a reset by its peer): not an error of anybody.
    ///
    /// Of what was taken, `unread` bytes were still in the pipe when it did.
    case readerGone(unread: Int)
    /// The disk is full, or worse.
    case failed(Failure)
}
