import FTSLKit
import NIOCore
import Testing

import FTSLShell

@Suite("Lines on their way")
struct LineSourceTests {
    @Test("A line goes when it is asked for, and the end after the last")
    func order() {
        let source = LineSource()
        var got: [String] = []
        source.onBytes = { got.append(String(buffer: $0)) }
        source.onEnd = { got.append($0 == nil ? "end" : "failure") }
        #expect(source.add("one"))
        #expect(source.add("two"))
        source.finish()
        #expect(!source.add("three"))
        #expect(got == [])
        for _ in 0..<3 { source.demand() }
        #expect(got == ["one\ntwo\n", "end"])
        #expect(source.pending == 0)
    }

    @Test("However many lines wait, whoever takes them may ask for more at once")
    func recursion() {
        let source = LineSource()
        var count = 0
        source.onBytes = {
            count += $0.readableBytes
            source.demand()
        }
        for _ in 0..<200_000 { _ = source.add("line") }
        source.demand()
        #expect(count == 1_000_000)
    }

    @Test("What waits is bounded, and a line is taken wholly or not")
    func bounded() {
        let source = LineSource()
        let line = String(repeating: "x", count: 1 << 20)
        var taken = 0
        while source.add(line) { taken += 1 }
        #expect(taken == 16)
        #expect(source.pending == taken * (line.utf8.count + 1))
    }

    @Test("What nobody wants any more is known")
    func leftOver() {
        let source = LineSource()
        #expect(source.add("typed"))
        source.cancelInput(.readerGone)
        #expect(source.isLeftOver)
        #expect(!source.add("more"))
    }
}
