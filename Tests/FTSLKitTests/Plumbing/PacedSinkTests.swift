import NIOCore
import Testing

import FTSLKit

struct PacedSinkTests {
    private func bytes(_ count: Int, _ value: UInt8 = 7) -> ByteBuffer {
        ByteBuffer(repeating: value, count: count)
    }

    @Test("A million single bytes to a sink that stands still become a few dozen pieces")
    func singleBytes() {
        let sink = TestSink()
        let paced = PacedSink(sink)
        let count = 1 << 20
        for index in 0..<count { paced.write(bytes(1, UInt8(truncatingIfNeeded: index))) }
        #expect(sink.writes.count == 64)
        #expect(paced.pending == count)
        // Taken one write after the other, everything comes, in order.
        var taken = 0
        while taken < sink.writes.count {
            paced.took(sink.writes[taken].readableBytes)
            taken += 1
        }
        #expect(sink.total == count && paced.pending == 0)
        #expect(sink.writes.count < 64 + 20)
        let all = sink.writes.flatMap { Array($0.readableBytesView) }
        #expect(all == (0..<count).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test("Large pieces are passed on uncopied, however many wait")
    func largePieces() {
        let sink = TestSink()
        let paced = PacedSink(sink)
        for _ in 0..<100 { paced.write(bytes(65_536)) }
        #expect(sink.writes.count == 64)
        paced.took(36 * 65_536)
        #expect(sink.writes.count == 100)
        #expect(sink.writes.allSatisfy { $0.readableBytes == 65_536 })
    }

    @Test("Half a piece taken makes no room, the other half does")
    func halves() {
        let sink = TestSink()
        let paced = PacedSink(sink)
        for _ in 0..<65 { paced.write(bytes(10_000)) }
        paced.took(9_999)
        #expect(sink.writes.count == 64)
        paced.took(1)
        #expect(sink.writes.count == 65)
        #expect(paced.pending == 640_000)
    }

    @Test("The end waits for what was gathered")
    func end() {
        let sink = TestSink()
        let paced = PacedSink(sink)
        for _ in 0..<70 { paced.write(bytes(10_000)) }
        paced.finish()
        #expect(sink.calls.isEmpty && paced.isClosing)
        paced.took(60_000)
        #expect(sink.writes.count == 70)
        #expect(sink.calls == ["finish"])
        paced.took(640_000)
        #expect(sink.calls == ["finish"], "once")
    }

    @Test("A sink that takes at once, before write returns, gets everything in order")
    func reentrant() {
        let sink = EagerSink()
        let paced = PacedSink(sink)
        sink.onTaken = { paced.took($0) }
        for index in 0..<200 { paced.write(bytes(5_000, UInt8(index))) }
        #expect(sink.order == (0..<200).map { UInt8($0) } && paced.pending == 0)
        // It stands still for a while, then takes everything from within one call.
        sink.isStalled = true
        for index in 0..<200 { paced.write(bytes(5_000, UInt8(index))) }
        paced.finish()
        sink.isStalled = false
        paced.took(64 * 5_000)
        #expect(
            sink.order.count == 400 && Array(sink.order.suffix(200)) == Array(sink.order[..<200]))
        #expect(sink.finishes == 1)
    }

    @Test("After the end of everything, nothing waits")
    func cancelled() {
        let sink = TestSink()
        let paced = PacedSink(sink)
        for _ in 0..<70 { paced.write(bytes(10_000)) }
        paced.cancel()
        paced.took(640_000)
        #expect(sink.writes.count == 64 && sink.calls == ["cancel"] && paced.isDone)
    }
}

/// Takes what it is given before `write` returns.
private final class EagerSink: ByteSink {
    var onTaken: ((Int) -> Void)?
    var onFinished: (() -> Void)?
    var onFailed: ((SinkFailure) -> Void)?
    private(set) var order: [UInt8] = []
    private(set) var finishes = 0
    var isStalled = false

    func write(_ bytes: ByteBuffer) {
        order.append(bytes.getInteger(at: bytes.readerIndex) ?? 0)
        if !isStalled { onTaken?(bytes.readableBytes) }
    }
    func finish() { finishes += 1 }
    func fail() {}
    func cancelOutput() {}
}
