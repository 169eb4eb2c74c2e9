import FTSLCore
import NIOCore

import FTSLKit

/// What a source or a sink told; looked at on the loop.
final class Recorder {
    private(set) var bytes: [UInt8] = []
    private(set) var deliveries = 0
    private(set) var ends: [Failure?] = []
    private(set) var taken = 0
    private(set) var finished = 0
    private(set) var failures: [SinkFailure] = []
    /// Asks for more whenever something comes.
    var wantsMore = true

    init() {}

    func listen(to source: any ByteSource) {
        source.onBytes = { [self, unowned source] bytes in
            self.bytes += Array(bytes.readableBytesView)
            deliveries += 1
            if wantsMore { source.demand() }
        }
        source.onEnd = { [self] in ends.append($0) }
    }

    func listen(to sink: any ByteSink) {
        sink.onTaken = { [self] in taken += $0 }
        sink.onFinished = { [self] in finished += 1 }
        sink.onFailed = { [self] in failures.append($0) }
    }

    var hasEndedWell: Bool { ends == [nil] }
}

/// A sink in the test's hands.
final class TestSink: ByteSink {
    var onTaken: ((Int) -> Void)?
    var onFinished: (() -> Void)?
    var onFailed: ((SinkFailure) -> Void)?
    private(set) var writes: [ByteBuffer] = []
    private(set) var calls: [String] = []
    private(set) var total = 0

    func write(_ bytes: ByteBuffer) {
        writes.append(bytes)
        total += bytes.readableBytes
    }
    func finish() {
        calls.append("finish")
        onFinished?()
    }
    func fail() {
        calls.append("fail")
        onFinished?()
    }
    func cancelOutput() { calls.append("cancel") }
}

/// A source that has as much as is asked for, in pieces of one size.
final class TestSource: ByteSource {
    var onBytes: ((ByteBuffer) -> Void)?
    var onEnd: ((Failure?) -> Void)?
    private(set) var demands = 0
    private(set) var produced = 0
    private(set) var cancellations: [InputCancellation] = []
    private let piece: Int
    private let total: Int
    private let loop: any EventLoop
    private let failure: Failure?

    init(_ total: Int, piece: Int = 16_384, failure: Failure? = nil, on loop: any EventLoop) {
        self.total = total
        self.piece = piece
        self.failure = failure
        self.loop = loop
    }

    func demand() {
        demands += 1
        // Not at once: a real source answers later.
        loop.assumeIsolated().execute { [self] in
            guard cancellations.isEmpty else { return }
            let count = min(piece, total - produced)
            guard count > 0 else {
                onEnd?(failure)
                return
            }
            let bytes = ByteBuffer(bytes: Raw.pattern(count, from: produced))
            produced += count
            onBytes?(bytes)
        }
    }

    func cancelInput(_ reason: InputCancellation) { cancellations.append(reason) }
}
