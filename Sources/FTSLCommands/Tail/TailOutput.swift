internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// Writes messages to stdout, and knows of each when it was written.
final class TailOutput {
    /// In order; each was written as a whole.
    var onWritten: ((InboxIndex) -> Void)?
    var onFailed: ((SinkFailure) -> Void)?

    private let sink: any ByteSink
    /// What waits while the sink is busy: many small messages become one write.
    private var waiting = ByteBuffer()
    private var accepted: UInt64 = 0
    private var given: UInt64 = 0
    private var written: UInt64 = 0
    private var ends: [(index: InboxIndex, end: UInt64)] = []
    private var isClosing = false

    init(_ sink: any ByteSink) {
        self.sink = sink
        sink.onTaken = { [unowned self] in took($0) }
        sink.onFailed = { [unowned self] in onFailed?($0) }
    }

    var isIdle: Bool { ends.isEmpty }

    func write(_ index: InboxIndex, _ bytes: ByteBuffer) {
        guard !isClosing else { return }
        accepted += UInt64(bytes.readableBytes)
        ends.append((index, accepted))
        waiting.writeImmutableBuffer(bytes)
        give()
    }

    /// Nothing more is written: the reader sees the end, after everything before.
    func close() {
        guard !isClosing else { return }
        isClosing = true
        if waiting.readableBytes == 0, given == written { sink.finish() }
    }

    private func give() {
        guard given == written, waiting.readableBytes > 0 else { return }
        given += UInt64(waiting.readableBytes)
        let bytes = waiting
        waiting = ByteBuffer()
        sink.write(bytes)
    }

    private func took(_ count: Int) {
        written += UInt64(count)
        let done = ends.prefix { $0.end <= written }
        ends.removeFirst(done.count)
        give()
        if isClosing, given == written { sink.finish() }
        for item in done { onWritten?(item.index) }
    }
}
