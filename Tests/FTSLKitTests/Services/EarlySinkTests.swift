import FTSLCore
import NIOCore
import Testing

import FTSLKit

struct EarlySinkTests {
    private func make() -> (EarlySink, Recorder) {
        let early = EarlySink()
        let recorder = Recorder()
        recorder.listen(to: early)
        return (early, recorder)
    }

    @Test("What came before the backend answered is written to it first, in order")
    func opens() {
        let (early, recorder) = make()
        early.write(ByteBuffer(bytes: [1]))
        early.write(ByteBuffer(bytes: [2, 3]))
        let sink = TestSink()
        early.open(onto: sink)
        early.write(ByteBuffer(bytes: [4]))
        early.finish()
        #expect(sink.writes.flatMap { Array($0.readableBytesView) } == [1, 2, 3, 4])
        #expect(sink.calls == ["finish"])
        sink.onTaken?(3)
        #expect(recorder.taken == 3 && recorder.finished == 1)
    }

    @Test("An early end, good or bad, is the backend's end", arguments: ["finish", "fail"])
    func ends(call: String) {
        let (early, recorder) = make()
        early.write(ByteBuffer(bytes: [1]))
        if call == "finish" { early.finish() } else { early.fail() }
        #expect(recorder.finished == 0, "nothing is written yet")
        let sink = TestSink()
        early.open(onto: sink)
        #expect(sink.total == 1 && sink.calls == [call])
        #expect(recorder.finished == 1)
    }

    @Test("A session that is over before the backend answers leaves it alone")
    func cancelled() {
        let (early, recorder) = make()
        early.write(ByteBuffer(bytes: [1]))
        early.cancelOutput()
        #expect(recorder.finished == 1)
        let sink = TestSink()
        early.open(onto: sink)
        #expect(sink.writes.isEmpty && sink.calls == ["cancel"])
    }
}
