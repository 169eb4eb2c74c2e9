package import NIOCore

/// Lets whole lines pass and holds what follows the last newline. [FTSL §11]
package struct LineGate {
    /// A line that is longer passes in pieces.
    package static let maxLine = 1 << 20

    /// What waits for its newline.
    package private(set) var held = ByteBuffer()

    package init() {}

    /// The whole lines that are there now, with what waited for them.
    package mutating func add(_ bytes: ByteBuffer) -> ByteBuffer? {
        var bytes = bytes
        let last = bytes.withUnsafeReadableBytes { $0.lastIndex(of: 0x0A) }
        guard let last, var lines = bytes.readSlice(length: last + 1) else {
            held.writeImmutableBuffer(bytes)
            return nil
        }
        if held.readableBytes > 0 {
            held.writeBuffer(&lines)
            lines = takeHeld()
        }
        // A copy: a few bytes must not keep a large read buffer alive while they wait.
        if bytes.readableBytes > 0 { held = ByteBuffer(bytes: bytes.readableBytesView) }
        return lines
    }

    /// What waits, whole line or not.
    package mutating func takeHeld() -> ByteBuffer {
        defer { held = ByteBuffer() }
        return held
    }
}
