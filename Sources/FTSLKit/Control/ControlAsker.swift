package import NIOCore

/// Whoever asks a listener's control, over its socket or from afar: one request after the other.
package protocol ControlAsker: AnyObject {
    /// The asker went away before its answer was complete.
    var onGone: (() -> Void)? { get set }
    /// Its connection, should another program of this process go on with the answer; nil: it has
    /// gone, or it is not on this machine.
    var channel: (any Channel)? { get }
    /// On this machine, as this user or root.
    var isLocal: Bool { get }
    /// A line of the answer, newline included.
    func send(_ line: String)
    /// The answer is complete; once it has left, the next line may come.
    func finish()
}

/// Requests, cut out of bytes as they come.
package struct RequestLines {
    /// The longest request, in bytes with its newline.
    package static let maxLine = 64 << 10

    private var bytes = ByteBuffer()

    package init() {}

    package var isTooLong: Bool { bytes.readableBytes > Self.maxLine }

    package mutating func append(_ more: ByteBuffer) { bytes.writeImmutableBuffer(more) }

    /// The next whole line without its newline.
    package mutating func next() -> [UInt8]? {
        guard let end = bytes.readableBytesView.firstIndex(of: 0x0A) else { return nil }
        let line = bytes.readBytes(length: end - bytes.readerIndex) ?? []
        bytes.moveReaderIndex(forwardBy: 1)
        bytes.discardReadBytes()
        return line
    }
}
