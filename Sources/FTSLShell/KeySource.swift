package import FTSLCore
package import FTSLKit
package import NIOCore

/// Keys on their way to a remote terminal.
package final class KeySource: ByteSource {
    package var onBytes: ((ByteBuffer) -> Void)?
    package var onEnd: ((Failure?) -> Void)?
    /// Never told: a keyboard has no end.
    package var onEndOfInput: (() -> Void)?
    /// What was typed when nobody reads any more is of no use to anybody.
    package let isLeftOver = false

    private var waiting: [UInt8] = []
    private var wanted = 0
    private var isOver = false

    /// What waits for room in the session, at most, as after hours without a connection.
    package static let most = 64 << 10

    package init() {}

    /// False where there is no room: the keys were not taken.
    package func add(_ keys: [UInt8]) -> Bool {
        guard !isOver else { return true }
        guard waiting.count + keys.count <= Self.most else { return false }
        waiting += keys
        deliver()
        return true
    }

    package func demand() {
        wanted += 1
        deliver()
    }

    private func deliver() {
        guard wanted > 0, !waiting.isEmpty, !isOver else { return }
        wanted -= 1
        let bytes = ByteBuffer(bytes: waiting)
        waiting = []
        onBytes?(bytes)
    }

    package func cancelInput(_ reason: InputCancellation) {
        isOver = true
        waiting = []
    }
}
