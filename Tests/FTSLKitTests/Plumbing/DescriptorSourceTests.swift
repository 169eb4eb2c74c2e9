import FTSLCore
import Glibc
import Testing

import FTSLKit

@Suite(.serialized)
struct DescriptorSourceTests {
    private let loop = TestLoop()

    private func start(
        _ descriptor: CInt, wantsMore: Bool = true
    ) throws -> (DescriptorSource, Recorder) {
        let loop = loop
        return try loop.run {
            let source = DescriptorSource(descriptor: descriptor, on: loop.loop)
            let recorder = Recorder()
            recorder.wantsMore = wantsMore
            recorder.listen(to: source)
            source.demand()
            return (source, recorder)
        }
    }

    @Test("A pipe's bytes come in order, and its end once")
    func pipe() throws {
        let pipe = try Pipe()
        let (_, recorder) = try start(pipe.read)
        let sent = Raw.pattern(3_000_000)
        try Raw.writeAll(sent, to: pipe.write)
        pipe.closeWrite()
        try loop.expect("the end comes") { !recorder.ends.isEmpty }
        #expect(try loop.run { recorder.bytes == sent && recorder.hasEndedWell })
    }

    @Test("A regular file is read to its end")
    func file() throws {
        let file = try Raw.temporaryFile()
        defer { close(file) }
        let content = Raw.pattern(700_001)
        try Raw.writeAll(content, to: file)
        lseek(file, 0, SEEK_SET)
        let (_, recorder) = try start(file)
        try loop.expect("the end comes") { recorder.hasEndedWell }
        #expect(try loop.run { recorder.bytes == content })
    }

    @Test("Without demand no more is read than the few chunks ahead")
    func readAhead() throws {
        let file = try Raw.temporaryFile()
        defer { close(file) }
        try Raw.writeAll(Raw.pattern(16 * DescriptorSource.chunk), to: file)
        lseek(file, 0, SEEK_SET)
        let (source, recorder) = try start(file, wantsMore: false)
        // What was asked for, and as many chunks as may wait.
        let most = off_t((1 + DescriptorSource.chunksAhead) * DescriptorSource.chunk)
        try loop.expect("it reads ahead") { lseek(file, 0, SEEK_CUR) == most }
        for _ in 0..<200 {
            #expect(try loop.run { lseek(file, 0, SEEK_CUR) } == most)
            #expect(try loop.run { recorder.deliveries } == 1)
        }
        try loop.run {
            recorder.wantsMore = true
            source.demand()
        }
        try loop.expect("it goes on") { recorder.hasEndedWell }
    }

    @Test("Nothing to read on a descriptor that somebody made non-blocking is no end and no error")
    func nonBlocking() throws {
        let pipe = try Pipe()
        Raw.setNonBlocking(pipe.read)
        let (_, recorder) = try start(pipe.read)
        try Raw.writeAll([1, 2, 3], to: pipe.write)
        try loop.expect("the first bytes come") { recorder.bytes == [1, 2, 3] }
        try Raw.writeAll([4], to: pipe.write)
        pipe.closeWrite()
        try loop.expect("the rest and the end come") { recorder.hasEndedWell }
        #expect(try loop.run { recorder.bytes == [1, 2, 3, 4] })
        #expect(fcntl(pipe.read, F_GETFL) & O_NONBLOCK != 0, "its mode is left alone")
    }

    @Test("/dev/null is an empty input, a folder an error with a reason")
    func kinds() throws {
        let null = open("/dev/null", O_RDONLY)
        defer { close(null) }
        let (_, nothing) = try start(null)
        try loop.expect("the end comes") { nothing.hasEndedWell && nothing.bytes.isEmpty }
        let folder = open("/tmp", O_RDONLY)
        defer { close(folder) }
        let (_, failed) = try start(folder)
        try loop.expect("the failure comes") { !failed.ends.isEmpty }
        let failure = try #require(try loop.run { failed.ends[0] })
        #expect(failure.code == .localInputOutput && failure.fault == .local)
        #expect(failure.text.contains("is a directory"))
    }

    @Test("After a cancellation nothing more is told, and what was read is known to be left over")
    func cancel() throws {
        let pipe = try Pipe()
        let (source, recorder) = try start(pipe.read)
        try Raw.writeAll([1], to: pipe.write)
        try loop.expect("the first byte comes") { recorder.bytes == [1] }
        #expect(try !loop.run { source.isLeftOver })
        try loop.run { source.cancelInput(.readerGone) }
        try Raw.writeAll([2], to: pipe.write)
        pipe.closeWrite()
        try loop.expect("the second byte was read for nobody") { source.isLeftOver }
        #expect(try loop.run { recorder.bytes == [1] && recorder.ends.isEmpty })
    }
}
