import FTSLCore
import FTSLTransport
import Glibc
import NIOCore
import Testing

import FTSLKit

@Suite(.serialized)
struct ChannelPipeTests {
    private let loop = TestLoop()
    private let server: PlainServer

    init() throws {
        signal(SIGPIPE, SIG_IGN)
        server = try PlainServer()
    }

    /// A pipe of ours and the other end of its connection.
    private func connect() throws -> (ChannelPipe, Recorder, CInt) {
        let (loop, port) = (loop, server.port)
        let pipe = try loop.wait {
            PlainChannel.dial(.tcp(host: "127.0.0.1", port: port), on: loop.loop)
        }
        let recorder = try loop.run {
            let recorder = Recorder()
            recorder.listen(to: pipe as any ByteSource)
            recorder.listen(to: pipe as any ByteSink)
            return recorder
        }
        return (pipe, recorder, try server.accept())
    }

    /// NIO closes a channel whose input has ended as soon as its output closes.
    @Test("A backend that half-closes first and reads slowly gets every byte")
    func halfClosedBackend() throws {
        let (pipe, recorder, backend) = try connect()
        defer { close(backend) }
        shutdown(backend, CInt(SHUT_WR))
        try loop.run { pipe.demand() }
        try loop.expect("the end of its input is seen") { recorder.hasEndedWell }
        let all = Raw.pattern(12_000_000)
        try loop.run {
            for start in stride(from: 0, to: all.count, by: 60_000) {
                pipe.write(ByteBuffer(bytes: all[start..<start + 60_000]))
            }
            pipe.finish()
        }
        #expect(try loop.run { recorder.taken < all.count }, "the kernel does not hold it all")
        #expect(try Raw.readAll(backend) == all)
        try loop.expect("it says that it is done") {
            recorder.taken == all.count && recorder.finished == 1
        }
    }

    @Test("Both ways at once: what one side says after the other has ended arrives")
    func halfClosed() throws {
        let (pipe, recorder, backend) = try connect()
        defer { close(backend) }
        try loop.run {
            pipe.demand()
            pipe.write(ByteBuffer(bytes: [1]))
            pipe.finish()
        }
        #expect(try Raw.readAll(backend) == [1], "the end of our output is seen")
        let answer = Raw.pattern(300_000)
        try Raw.writeAll(answer, to: backend)
        shutdown(backend, CInt(SHUT_WR))
        try loop.expect("the answer comes whole") {
            recorder.bytes == answer && recorder.hasEndedWell
        }
    }

    @Test("Input is read by demand, one delivery each")
    func demand() throws {
        let (pipe, recorder, backend) = try connect()
        defer { close(backend) }
        try loop.run { recorder.wantsMore = false }
        try Raw.writeAll(Raw.pattern(400_000), to: backend)
        for _ in 0..<50 { #expect(try loop.run { recorder.deliveries } == 0) }
        try loop.run { pipe.demand() }
        try loop.expect("one delivery") { recorder.deliveries == 1 }
        for _ in 0..<50 { #expect(try loop.run { recorder.deliveries } == 1) }
        try loop.run {
            recorder.wantsMore = true
            pipe.demand()
        }
        try loop.expect("the rest") { recorder.bytes.count == 400_000 }
    }

    @Test("A torn stream ends in a reset, not in an end")
    func torn() throws {
        let (pipe, recorder, backend) = try connect()
        defer { close(backend) }
        try loop.run {
            pipe.write(ByteBuffer(bytes: [1, 2]))
            recorder.wantsMore = true
        }
        var two = [UInt8](repeating: 0, count: 2)
        #expect(recv(backend, &two, 2, CInt(MSG_WAITALL)) == 2)
        try loop.run { pipe.fail() }
        #expect(recv(backend, &two, 2, 0) == -1 && errno == ECONNRESET)
        try loop.expect("it says that it is done") { recorder.finished == 1 }
    }

    @Test("A backend that goes away while it is written to is told as a gone reader, once")
    func gone() throws {
        let (pipe, recorder, backend) = try connect()
        close(backend)
        try loop.expect("the pipe notices") {
            pipe.write(ByteBuffer(bytes: [1]))
            return !recorder.failures.isEmpty
        }
        try loop.run { pipe.write(ByteBuffer(bytes: [2])) }
        #expect(try loop.run { recorder.failures == [.readerGone(unread: 0)] })
    }

    @Test("An input nobody wants any more is read and dropped while the output is in use")
    func cancelledInput() throws {
        let (pipe, recorder, backend) = try connect()
        defer { close(backend) }
        try loop.run {
            pipe.demand()
            pipe.cancelInput(.readerGone)
        }
        // More than the kernel holds: it would stall if nobody read it.
        try Raw.writeAll(Raw.pattern(8_000_000), to: backend)
        try loop.run {
            pipe.write(ByteBuffer(bytes: [9]))
            pipe.finish()
        }
        #expect(try Raw.readAll(backend) == [9])
        #expect(try loop.run { recorder.bytes.isEmpty && recorder.ends.isEmpty })
    }
}
