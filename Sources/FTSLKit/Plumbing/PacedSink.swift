internal import DequeModule
internal import FTSLCore
package import NIOCore

/// Gives a sink a few writes at a time; what comes meanwhile waits in pieces of a decent size.
///
/// A write has a price of its own, whatever its size: a peer that sends single bytes to a reader
/// that stands still must not cost a hundred times what it sends.
package final class PacedSink {
    let sink: any ByteSink
    /// Bytes that were given and are not taken yet.
    package private(set) var pending = 0
    /// The end was announced to the sink, or waits for the backlog.
    package private(set) var isClosing = false
    package private(set) var isDone = false
    /// Sizes of the writes the sink has not taken, oldest first.
    private var writes = Deque<Int>()
    /// What the sink was not given yet.
    private(set) var backlog = Deque<ByteBuffer>()
    private var isPassing = false

    /// Writes in the sink's hands; bulk comes in pieces of 64 KiB.
    private static let writesAhead = 64
    /// Small pieces are gathered until they are this large.
    private static let gathered = 64 << 10

    package init(_ sink: any ByteSink) { self.sink = sink }

    package func write(_ bytes: ByteBuffer) {
        pending += bytes.readableBytes
        if backlog.isEmpty, writes.count < Self.writesAhead {
            pass(bytes)
        } else if let last = backlog.last, bytes.readableBytes <= Bound.copyBelow,
            last.readableBytes + bytes.readableBytes <= Self.gathered
        {
            backlog[backlog.count - 1].writeImmutableBuffer(bytes)
        } else {
            backlog.append(bytes)
        }
    }

    package func took(_ count: Int) {
        pending -= count
        var left = count
        while left > 0, let first = writes.first {
            if first > left {
                writes[0] = first - left
                break
            }
            writes.removeFirst()
            left -= first
        }
        passBacklog()
    }

    /// The sink may take what it is given before `write` returns: that must not call this again.
    private func passBacklog() {
        guard !backlog.isEmpty, !isPassing else { return }
        isPassing = true
        while writes.count < Self.writesAhead, let next = backlog.popFirst() { pass(next) }
        isPassing = false
        if backlog.isEmpty, isClosing { sink.finish() }
    }

    private func pass(_ bytes: ByteBuffer) {
        writes.append(bytes.readableBytes)
        sink.write(bytes)
    }

    package func finish() {
        isClosing = true
        if backlog.isEmpty { sink.finish() }
    }

    /// Only with nothing pending.
    package func fail() {
        isClosing = true
        sink.fail()
    }

    /// What the sink was not given; it gets nothing more.
    package func takeBack() -> [ByteBuffer] {
        defer { end() }
        return Array(backlog)
    }

    /// Nothing more will be written, for one reason or another.
    package func end() {
        isDone = true
        backlog = []
    }

    package func cancel() {
        end()
        sink.cancelOutput()
    }
}
