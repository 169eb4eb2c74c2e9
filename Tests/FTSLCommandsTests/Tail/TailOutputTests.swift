import FTSLCore
import FTSLKit
import NIOCore
import Testing

@testable import FTSLCommands

/// Keeps what is written until the test lets it be taken.
private final class ManualSink: ByteSink {
    var onTaken: ((Int) -> Void)?
    var onFinished: (() -> Void)?
    var onFailed: ((SinkFailure) -> Void)?
    private(set) var writes: [String] = []
    private(set) var isFinished = false

    func write(_ bytes: ByteBuffer) { writes.append(String(buffer: bytes)) }
    func finish() { isFinished = true }
    func fail() { isFinished = true }
    func cancelOutput() {}
}

@Suite("Messages on stdout")
struct TailOutputTests {
    @Test("A message counts when all of it was written, never before")
    func written() {
        let sink = ManualSink()
        let output = TailOutput(sink)
        var done: [UInt64] = []
        output.onWritten = { done.append($0.value) }
        output.write(InboxIndex(1), ByteBuffer(string: "one\n"))
        output.write(InboxIndex(2), ByteBuffer(string: "two\n"))
        output.write(InboxIndex(3), ByteBuffer(string: "three\n"))
        #expect(sink.writes == ["one\n"], "the rest waits for a write of its own")
        sink.onTaken?(3)
        #expect(done == [])
        sink.onTaken?(1)
        #expect(done == [1])
        #expect(sink.writes == ["one\n", "two\nthree\n"])
        sink.onTaken?(9)
        #expect(done == [1, 2])
        sink.onTaken?(1)
        #expect(done == [1, 2, 3])
        #expect(output.isIdle)
    }

    @Test("What is closed ends after everything before, and takes nothing more")
    func closed() {
        let sink = ManualSink()
        let output = TailOutput(sink)
        output.write(InboxIndex(1), ByteBuffer(string: "a"))
        output.write(InboxIndex(2), ByteBuffer(string: "b"))
        output.close()
        output.write(InboxIndex(3), ByteBuffer(string: "c"))
        sink.onTaken?(1)
        #expect(!sink.isFinished)
        sink.onTaken?(1)
        #expect(sink.isFinished)
        #expect(sink.writes == ["a", "b"])
    }
}

@Suite("When tail may end")
struct TailGoalTests {
    @Test("A count is reached by what is finished, not by what came")
    func count() {
        var goal = TailGoal(count: 2, exitAtEnd: false)
        goal.begin(1)
        goal.begin(2)
        #expect(goal.hasEnough)
        goal.finish()
        #expect(!goal.isReached)
        #expect(goal.isMissed)
        goal.finish()
        #expect(goal.isReached)
    }

    @Test("The end is reached when nothing is left, nothing in hand and nothing to come again")
    func end() {
        var goal = TailGoal(count: nil, exitAtEnd: true)
        #expect(!goal.isReached)
        goal.begin(1)
        goal.isCaughtUp = true
        #expect(!goal.isReached)
        goal.takeBack()
        goal.expect(1)
        #expect(!goal.isReached, "it comes again")
        goal.begin(1)
        goal.finish()
        goal.isCaughtUp = true
        #expect(goal.isReached)
    }

    @Test("Without a goal, a time limit is a plain end")
    func none() {
        let goal = TailGoal(count: nil, exitAtEnd: false)
        #expect(!goal.isReached)
        #expect(!goal.isMissed)
    }
}

@Suite("What a pipeline gives back")
struct TailAcksTests {
    @Test("Only what was handed out counts, each once; what never was is bad input")
    func expected() {
        let source = ChunkSource([Array("2\n1\n2\n9\n".utf8)])
        let acks = TailAcks(AckReader(source))
        var finished: [UInt64] = []
        var endings: [Ending?] = []
        acks.onFinished = { finished.append($0.value) }
        acks.onEnd = { endings.append($0) }
        for index: UInt64 in 1...3 { acks.expect(InboxIndex(index)) }
        acks.start()
        #expect(finished == [2, 1])
        #expect(endings.first??.status == 65)
        #expect(!acks.isEmpty)
    }
}
