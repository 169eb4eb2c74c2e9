internal import DequeModule
package import FTSLKit
package import NIOCore

/// The screen of a remote terminal: what the remote program writes, and between two of its
/// sequences what is ours.
package final class RemoteScreen: ByteSink {
    package var onTaken: ((Int) -> Void)?
    package var onFinished: (() -> Void)?
    package var onFailed: ((SinkFailure) -> Void)?
    /// What must be left at the end has changed.
    package var onModes: (() -> Void)?

    private let sink: any ByteSink
    package private(set) var modes = ScreenModes()
    /// Writes that the sink has not taken, oldest first: bytes, and how many the session counts.
    private var written = Deque<(bytes: Int, counted: Int)>()
    /// Bytes of the session's that wait for the end of their sequence.
    private var uncounted = 0
    /// Ours, until there is a place for it.
    private var pending = ""

    package init(_ sink: any ByteSink) {
        self.sink = sink
        sink.onTaken = { [weak self] in self?.took($0) }
        sink.onFinished = { [weak self] in self?.onFinished?() }
        sink.onFailed = { [weak self] in self?.onFailed?($0) }
    }

    package func write(_ bytes: ByteBuffer) {
        uncounted += bytes.readableBytes
        let changes = modes.changes
        put(modes.pass(bytes.readableBytesView))
        if modes.changes != changes { onModes?() }
        sayPending()
    }

    private func put(_ ready: [UInt8]) {
        // What does not come out now comes out with what follows.
        guard !ready.isEmpty else { return }
        let counted = min(ready.count, uncounted)
        uncounted -= counted
        written.append((ready.count, counted))
        sink.write(ByteBuffer(bytes: ready))
    }

    /// Writes something of ours, now or as soon as the remote program has finished what it says.
    package func say(_ text: String) {
        pending += text
        sayPending()
    }

    private func sayPending() {
        guard modes.isBetween, !pending.isEmpty else { return }
        let text = ByteBuffer(string: pending)
        pending = ""
        written.append((text.readableBytes, 0))
        sink.write(text)
    }

    private func took(_ count: Int) {
        var left = count
        var counted = 0
        while left > 0, let first = written.first {
            if first.bytes > left {
                // Of a write that is taken in part, the session counts as much.
                let part = min(first.counted, left)
                counted += part
                written[0] = (first.bytes - left, first.counted - part)
                break
            }
            written.removeFirst()
            left -= first.bytes
            counted += first.counted
        }
        if counted > 0 { onTaken?(counted) }
    }

    package func finish() {
        put(modes.flush())
        sayPending()
        sink.finish()
    }

    package func fail() { finish() }

    package func cancelOutput() {
        onTaken = nil
        onFinished = nil
        onFailed = nil
        sink.cancelOutput()
    }
}
