internal import DequeModule
package import FTSLCore
package import FTSLKit
package import NIOCore

/// Lines that are typed, on their way into a session.
package final class LineSource: ByteSource {
    package var onBytes: ((ByteBuffer) -> Void)?
    package var onEnd: ((Failure?) -> Void)?
    /// Told just after `onEnd`.
    package var onEndOfInput: (() -> Void)?
    /// Everything that was given is in the session.
    package var onEmpty: (() -> Void)?

    private var waiting = Deque<ByteBuffer>()
    private var wanted = 0
    private var isDelivering = false
    /// No more lines will come.
    package private(set) var isFinished = false
    private var isOver = false
    /// Something was typed that nobody wanted any more.
    package private(set) var isLeftOver = false
    /// Bytes that wait for room in the session.
    package private(set) var pending = 0

    /// What may wait here when the session has no room, as after hours without a connection.
    package static let most = 16 << 20

    private static let gathered = 64 << 10

    package init() {}

    /// False where there is no room: the line was not taken.
    package func add(_ line: String) -> Bool {
        guard !isFinished, !isOver, pending < Self.most else { return false }
        let bytes = ByteBuffer(string: line + "\n")
        pending += bytes.readableBytes
        waiting.append(bytes)
        deliver()
        return true
    }

    package func finish() {
        isFinished = true
        deliver()
    }

    package func demand() {
        wanted += 1
        deliver()
    }

    package func cancelInput(_ reason: InputCancellation) {
        isOver = true
        isLeftOver = !waiting.isEmpty
        waiting = []
        pending = 0
        onEmpty?()
    }

    /// Many short lines are one write.
    private func gather() -> ByteBuffer {
        var bytes = waiting.removeFirst()
        while let next = waiting.first, bytes.readableBytes + next.readableBytes <= Self.gathered {
            bytes.writeImmutableBuffer(next)
            waiting.removeFirst()
        }
        return bytes
    }

    private func deliver() {
        // Who takes bytes asks for more before it returns.
        guard !isDelivering else { return }
        isDelivering = true
        while wanted > 0, !isOver, !waiting.isEmpty {
            wanted -= 1
            let bytes = gather()
            pending -= bytes.readableBytes
            onBytes?(bytes)
        }
        isDelivering = false
        if waiting.isEmpty { onEmpty?() }
        guard wanted > 0, waiting.isEmpty, isFinished, !isOver else { return }
        isOver = true
        onEnd?(nil)
        onEndOfInput?()
    }
}
