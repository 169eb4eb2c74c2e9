import Glibc
import NIOCore
import NIOPosix
import Testing

import FTSLKit

@Suite("The input of a command", .serialized)
struct CommandInputTests {
    private let loop = TestLoop()

    init() { signal(SIGPIPE, SIG_IGN) }

    private func make(_ pipe: Pipe) throws -> (CommandInput, Recorder) {
        let (loop, descriptor) = (loop, pipe.giveAwayWrite())
        Raw.setNonBlocking(descriptor)
        let (input, recorder) = try loop.run {
            let input = CommandInput(descriptor)
            let recorder = Recorder()
            recorder.listen(to: input)
            return (input, recorder)
        }
        let bound = Carried(input)
        _ = try loop.wait {
            NIOPipeBootstrap(group: loop.loop)
                .channelOption(ChannelOptions.autoRead, value: false)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(bound.value)
                    }
                }
                .takingOwnershipOfDescriptor(output: descriptor)
        }
        return (input, recorder)
    }

    /// The reading side again, as a FIFO would be opened.
    private func reopen(_ pipe: Pipe) -> CInt {
        open("/proc/self/fd/\(pipe.read)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    }

    @Test(
        "However much is read and wherever it stops, the rest comes back, once and in order",
        arguments: [0, 1, 4_095, 4_096, 70_000, 131_072, 250_000])
    func takeBack(count: Int) throws {
        for early in [true, false] {
            let pipe = try Pipe()
            let (input, recorder) = try make(pipe)
            let all = Raw.pattern(300_000)
            var sizes = [1, 3_000, 4_096, 5, 70_000, 12_345].cycled()
            try loop.run {
                var start = 0
                while start < all.count {
                    let end = min(all.count, start + sizes.next())
                    input.write(ByteBuffer(bytes: all[start..<end]))
                    start = end
                }
            }
            var got: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 3_001)
            while got.count < count {
                let size = read(pipe.read, &piece, min(piece.count, count - got.count))
                try #require(size > 0)
                got += piece[..<size]
            }
            let other = reopen(pipe)
            let rest = try loop.run {
                input.hold(other)
                if early { input.endEarly() }
                return input.takeBack().flatMap { Array($0.readableBytesView) }
            }
            let isWhole = got + rest == all
            #expect(isWhole, "\(count) read, \(rest.count) back")
            #expect(try loop.run { recorder.taken } <= all.count)
        }
    }

    @Test("A reader sees everything and the end; what it took is told")
    func whole() throws {
        let pipe = try Pipe()
        let (input, recorder) = try make(pipe)
        let all = Raw.pattern(1_000_000)
        try loop.run {
            for start in stride(from: 0, to: all.count, by: 50_000) {
                input.write(ByteBuffer(bytes: all[start..<start + 50_000]))
            }
            input.finish()
        }
        #expect(try Raw.readAll(pipe.read) == all)
        try loop.expect("it is told") {
            recorder.taken == all.count && recorder.finished == 1 && recorder.failures.isEmpty
        }
    }

    @Test("A reader that goes away is noticed at once, with what it left")
    func readerGone() throws {
        let pipe = try Pipe()
        let (input, recorder) = try make(pipe)
        try loop.run { input.write(ByteBuffer(repeating: 1, count: 100)) }
        var piece = [UInt8](repeating: 0, count: 40)
        #expect(read(pipe.read, &piece, 40) == 40)
        pipe.closeRead()
        try loop.expect("it is told") { recorder.failures == [.readerGone(unread: 60)] }
    }

    @Test("A reader that went on reading gets everything after a hold is released")
    func release() throws {
        let pipe = try Pipe()
        let (input, recorder) = try make(pipe)
        let all = Raw.pattern(400_000)
        let other = reopen(pipe)
        try loop.run {
            input.write(ByteBuffer(bytes: all[..<100_000]))
            input.hold(other)
            input.write(ByteBuffer(bytes: all[100_000...]))
            input.release()
            input.finish()
        }
        var got: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while got.count < all.count {
            let size = read(pipe.read, &piece, piece.count)
            try #require(size > 0)
            got += piece[..<size]
        }
        let isWhole = got == all
        #expect(isWhole)
        try loop.expect("it is told") { recorder.finished == 1 }
    }
}

extension Array {
    /// Its elements again and again.
    fileprivate func cycled() -> Cycle<Element> { Cycle(elements: self) }
}

private struct Cycle<Element> {
    let elements: [Element]
    var index = 0

    mutating func next() -> Element {
        defer { index += 1 }
        return elements[index % elements.count]
    }
}
