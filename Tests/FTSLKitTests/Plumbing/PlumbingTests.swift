import FTSLCore
import NIOCore
import Testing

import FTSLKit

@Suite(.serialized)
struct PlumbingTests {
    private let link: Link

    init() throws { link = try Link() }

    /// Takes what the sink was given, as a reader would.
    private func takeAll(_ sink: TestSink, _ taken: inout Int) {
        let count = sink.total - taken
        taken = sink.total
        if count > 0 { sink.onTaken?(count) }
    }

    @Test("A sink that stands still stalls its source within what may be held, and no byte is lost")
    func stalledSink() throws {
        let link = link
        let sink = TestSink()
        let total = 8 << 20
        let source = try link.loop.run {
            let source = TestSource(total, on: link.loop.loop)
            link.far.attach(sink: sink, to: .main)
            link.far.attach(source: TestSource(0, on: link.loop.loop), to: .main)
            link.near.attach(sink: TestSink(), to: .main)
            link.near.attach(source: source, to: .main)
            return source
        }
        try link.loop.expect("the window is full, and retention too") {
            link.nearHandle.room(on: .main) == 0 && sink.total >= 64 << 10
        }
        // What is retained here, what was granted there, and one piece.
        let most = 2 * Int(Link.window) + 16_384
        for _ in 0..<200 {
            let produced = try link.loop.run { source.produced }
            #expect(produced <= most)
        }
        #expect(
            try link.loop.run { link.nearHandle.session.heldBytes } <= Int(Link.window) + 16_384)
        #expect(try link.loop.run { link.farHandle.session.heldBytes } <= Int(Link.window))
        var taken = 0
        try link.loop.expect("it flows again, to the end", within: .seconds(20)) {
            self.takeAll(sink, &taken)
            return sink.calls == ["finish"]
        }
        let all = try link.loop.run { sink.writes.flatMap { Array($0.readableBytesView) } }
        #expect(all == Raw.pattern(total))
        try link.loop.expect("both ends agree that it is complete") {
            link.nearHandle.session.outcome == .complete
                && link.farHandle.session.outcome == .complete
        }
    }

    @Test("A reader that goes away stops the other end's source, and tells where")
    func stop() throws {
        let link = link
        let sink = TestSink()
        var stoppedAt: UInt64?
        let source = try link.loop.run {
            let source = TestSource(.max, on: link.loop.loop)
            link.far.attach(sink: sink, to: .main)
            link.near.onStopped = { _, position in stoppedAt = position }
            link.near.attach(source: source, to: .main)
            return source
        }
        try link.loop.expect("some bytes arrive") { sink.total >= 30_000 }
        try link.loop.run {
            sink.onTaken?(10_000)
            sink.onFailed?(.readerGone(unread: 300))
        }
        try link.loop.expect("the source is told") { source.cancellations == [.readerGone] }
        #expect(try link.loop.run { stoppedAt } == 9_700)
        let demands = try link.loop.run { source.demands }
        for _ in 0..<50 { #expect(try link.loop.run { source.demands } == demands) }
    }

    @Test("A source that fails ends the session; what came before is delivered, then torn")
    func failedSource() throws {
        let link = link
        let sink = TestSink()
        var drained = false
        try link.loop.run {
            link.far.onDrained = { drained = true }
            link.far.attach(sink: sink, to: .main)
            link.near.attach(
                source: TestSource(
                    50_000, failure: Failure(.local, .localInputOutput, "broken"),
                    on: link.loop.loop), to: .main)
        }
        try link.loop.expect("all that was read arrives") { sink.total == 50_000 }
        #expect(try link.loop.run { sink.calls.isEmpty && !drained }, "the reader is not done yet")
        try link.loop.run { sink.onTaken?(50_000) }
        try link.loop.expect("then it is torn") { sink.calls == ["fail"] && drained }
        guard
            case .aborted(let failure, 50_000, _)? = try link.loop.run({
                link.farHandle.session.outcome
            })
        else {
            Issue.record("another outcome")
            return
        }
        #expect(failure.code == .localInputOutput && failure.text == "broken")
    }

    @Test("A disk that is full ends the session for both, with its reason")
    func failedSink() throws {
        let link = link
        let sink = TestSink()
        let source = try link.loop.run {
            let source = TestSource(.max, on: link.loop.loop)
            link.far.attach(sink: sink, to: .main)
            link.near.attach(source: source, to: .main)
            return source
        }
        try link.loop.expect("some bytes arrive") { sink.total > 0 }
        try link.loop.run {
            sink.onFailed?(.failed(Failure(.local, .localInputOutput, "no space left")))
        }
        try link.loop.expect("the writing end knows") {
            if case .aborted(let failure, _, _)? = link.nearHandle.session.outcome {
                failure.text == "no space left" && source.cancellations == [.sessionOver]
            } else {
                false
            }
        }
    }

    @Test("Single bytes to a sink that stands still are gathered")
    func singleBytes() throws {
        let link = link
        let sink = TestSink()
        try link.loop.run {
            link.far.attach(sink: sink, to: .main)
            link.near.attach(
                source: TestSource(50_000, piece: 1, on: link.loop.loop), to: .main)
        }
        try link.loop.expect("everything arrives") {
            link.farHandle.session.receivingChannels[0].bytesReceived == 50_000
        }
        #expect(try link.loop.run { sink.writes.count } <= 64)
    }
}
