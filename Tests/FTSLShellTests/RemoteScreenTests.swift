import FTSLKit
import NIOCore
import Testing

import FTSLShell

@Suite("The screen of a remote terminal")
struct RemoteScreenTests {
    /// Takes what it is told to take.
    private final class Paper: ByteSink {
        var text = ""
        var untaken = 0
        var isFinished = false
        var onTaken: ((Int) -> Void)?
        var onFinished: (() -> Void)?
        var onFailed: ((SinkFailure) -> Void)?

        func write(_ bytes: ByteBuffer) {
            text += String(buffer: bytes)
            untaken += bytes.readableBytes
        }
        func take(_ count: Int? = nil) {
            let taken = count ?? untaken
            untaken -= taken
            onTaken?(taken)
        }
        func finish() { isFinished = true }
        func fail() {}
        func cancelOutput() {}
    }

    private let paper = Paper()
    private let screen: RemoteScreen

    init() { screen = RemoteScreen(paper) }

    private func write(_ text: String) { screen.write(ByteBuffer(string: text)) }

    @Test("What is ours comes between two of the remote program's sequences")
    func between() {
        for start in ["\u{1B}", "\u{1B}[3", "\u{1B}]2;ti", "\u{1B}P1$", "\u{1B}("] {
            let before = paper.text
            write("a" + start)
            screen.say("<ours>")
            #expect(paper.text == before + "a")
            write(start.hasSuffix("1$") || start.hasSuffix("ti") ? "x\u{1B}\\" : "B")
            #expect(paper.text.hasSuffix("<ours>"), "\(start.debugDescription)")
        }
        screen.write(ByteBuffer(bytes: [0xE6, 0xBC]))
        screen.say("<ours>")
        screen.write(ByteBuffer(bytes: [0xA2]))
        #expect(paper.text.hasSuffix("漢<ours>"))
    }

    @Test("Only what the session gave is said to be taken, when it is taken")
    func counted() {
        var taken = 0
        screen.onTaken = { taken += $0 }
        write("abc\u{1B}[3")
        screen.say("a title")
        write("1m")
        paper.take(2)
        #expect(taken == 2)
        paper.take()
        #expect(taken == 8)
        #expect(paper.untaken == 0)
    }

    @Test("What has no end is written at the end, and long before it grows without bound")
    func unfinished() {
        write("x\u{1B}[3")
        screen.finish()
        #expect(paper.text == "x\u{1B}[3" && paper.isFinished)
        let other = Paper()
        let long = RemoteScreen(other)
        long.write(ByteBuffer(string: "\u{1B}]52;" + String(repeating: "A", count: 100_000)))
        #expect(other.text.utf8.count > 99_000)
        long.say("<ours>")
        long.write(ByteBuffer(string: "\u{7}"))
        #expect(other.text.hasSuffix("A\u{7}<ours>"))
    }

    @Test("Modes that were entered are left, and entered again")
    func modes() {
        #expect(screen.modes.leaving == "")
        write("\u{1B}[?1049h\u{1B}[?1000;1006h\u{1B}[?25l\u{1B}=")
        #expect(
            screen.modes.leaving
                == "\u{1B}[?1006l\u{1B}[?1000l\u{1B}[?1049l\u{1B}[?25h\u{1B}>\u{1B}[0m")
        #expect(
            screen.modes.entering
                == "\u{1B}[?1049h\u{1B}[?1000h\u{1B}[?1006h\u{1B}[?25l\u{1B}=")
        #expect(screen.modes.isAlternate)
        write("\u{1B}[?1000l\u{1B}[?1006l\u{1B}[?1049l\u{1B}[?25h\u{1B}>")
        #expect(screen.modes.leaving == "\u{1B}[0m" && screen.modes.entering == "")
        write("\u{1B}[?2004h\u{1B}c")
        #expect(screen.modes.entering == "")
    }
}

@Suite("Keys on their way")
struct KeySourceTests {
    @Test("They go when there is room, and too many are refused")
    func bounded() {
        let source = KeySource()
        var got: [UInt8] = []
        source.onBytes = { got += $0.readableBytesView }
        #expect(source.add([1, 2]) && source.add([3]))
        #expect(got == [])
        source.demand()
        #expect(got == [1, 2, 3])
        #expect(source.add([UInt8](repeating: 0, count: KeySource.most)))
        #expect(!source.add([4]))
        source.demand()
        #expect(got.count == 3 + KeySource.most)
        #expect(source.add([5]))
    }
}
