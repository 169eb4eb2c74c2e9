import FTSLCore
import Glibc
import NIOCore
import Testing

import FTSLKit

@Suite(.serialized)
struct DescriptorSinkTests {
    private let loop = TestLoop()

    init() { signal(SIGPIPE, SIG_IGN) }

    private func make(
        _ descriptor: CInt, _ ending: DescriptorSink.Ending = .close, sync: Bool = false
    ) throws -> (DescriptorSink, Recorder) {
        let loop = loop
        return try loop.run {
            let sink = DescriptorSink(
                descriptor: descriptor, ending: ending, sync: sync, on: loop.loop)
            let recorder = Recorder()
            recorder.listen(to: sink)
            return (sink, recorder)
        }
    }

    private func write(_ pieces: [[UInt8]], to sink: DescriptorSink) throws {
        try loop.run { for piece in pieces { sink.write(ByteBuffer(bytes: piece)) } }
    }

    @Test("Many pieces arrive in order, all are taken, and the descriptor is closed at the end")
    func pipe() throws {
        let pipe = try Pipe()
        let (sink, recorder) = try make(pipe.giveAwayWrite())
        let pieces = (0..<100).map { Raw.pattern(997, from: $0 * 997) }
        try write(pieces, to: sink)
        try loop.run { sink.finish() }
        // Its end comes only if the descriptor is closed.
        #expect(try Raw.readAll(pipe.read) == pieces.flatMap { $0 })
        try loop.expect("it says that it is done") { recorder.finished == 1 }
        #expect(try loop.run { recorder.taken == 99_700 && recorder.failures.isEmpty })
    }

    @Test("Taken means written: a full pipe holds the rest back")
    func fullPipe() throws {
        let pipe = try Pipe()
        let (sink, recorder) = try make(pipe.giveAwayWrite())
        let size = 3 << 20
        try write([Raw.pattern(size)], to: sink)
        try loop.run { sink.finish() }
        var left: CInt = 0
        try loop.expect("the pipe fills") {
            ioctl(pipe.read, UInt(FIONREAD), &left) == 0 && left >= 1 << 16
        }
        for _ in 0..<100 { #expect(try loop.run { recorder.taken } <= 1 << 20) }
        #expect(try Raw.readAll(pipe.read) == Raw.pattern(size))
        try loop.expect("the rest is taken") { recorder.taken == size && recorder.finished == 1 }
    }

    @Test("A full disk is a failure with a reason")
    func fullDisk() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let (sink, recorder) = try make(full, .leaveOpen)
        try write([[1, 2, 3]], to: sink)
        try loop.expect("the failure comes") { !recorder.failures.isEmpty }
        guard case .failed(let failure) = try loop.run({ recorder.failures[0] }) else {
            Issue.record("another kind of failure")
            return
        }
        #expect(failure.code == .localInputOutput && failure.text.contains("no space left"))
        #expect(try loop.run { recorder.taken == 0 })
    }

    @Test("A reader that went away is nobody's error")
    func readerGone() throws {
        let pipe = try Pipe()
        pipe.closeRead()
        let (sink, recorder) = try make(pipe.write, .leaveOpen)
        try write([[1]], to: sink)
        try loop.expect("it is told") { recorder.failures == [.readerGone(unread: 0)] }
    }

    @Test("A full pipe that somebody made non-blocking is waited for")
    func nonBlocking() throws {
        let pipe = try Pipe()
        Raw.setNonBlocking(pipe.write)
        let (sink, recorder) = try make(pipe.giveAwayWrite())
        let size = 3 << 20
        try write([Raw.pattern(size)], to: sink)
        try loop.run { sink.finish() }
        #expect(try Raw.readAll(pipe.read) == Raw.pattern(size))
        try loop.expect("all is taken") { recorder.taken == size && recorder.finished == 1 }
    }

    @Test("What others go on using is left open, and a pipe has nothing to sync")
    func leaveOpen() throws {
        let pipe = try Pipe()
        let (sink, recorder) = try make(pipe.write, .leaveOpen, sync: true)
        try write([[7, 8]], to: sink)
        try loop.run { sink.finish() }
        try loop.expect("it says that it is done") { recorder.finished == 1 }
        #expect(Raw.isOpen(pipe.write))
        pipe.closeWrite()
        #expect(try Raw.readAll(pipe.read) == [7, 8])
    }

    @Test("A closed standard stream keeps its number, so that no socket gets it")
    func standardOutput() throws {
        let pipe = try Pipe()
        // Number 0, because nobody else in this process uses it.
        let saved = dup(0)
        defer {
            dup2(saved, 0)
            close(saved)
        }
        dup2(pipe.write, 0)
        pipe.closeWrite()
        let (sink, recorder) = try make(0)
        try write([[5]], to: sink)
        try loop.run { sink.finish() }
        #expect(try Raw.readAll(pipe.read) == [5], "its reader sees the end")
        try loop.expect("it says that it is done") { recorder.finished == 1 }
        #expect(Raw.isOpen(0))
    }

    @Test("After a cancellation nothing more is told")
    func cancel() throws {
        let pipe = try Pipe()
        let (sink, recorder) = try make(pipe.write, .leaveOpen)
        try write([[1]], to: sink)
        try loop.expect("it is taken") { recorder.taken == 1 }
        try loop.run {
            sink.cancelOutput()
            sink.write(ByteBuffer(bytes: [2]))
            sink.finish()
        }
        pipe.closeWrite()
        #expect(try Raw.readAll(pipe.read).first == 1)
        #expect(try loop.run { recorder.taken == 1 && recorder.finished == 0 })
    }
}
