import FTSLCore
import NIOCore
import Testing

struct StreamFrameTests {
    static let frames: [StreamFrame] = [
        .fin(.main, position: 7, digest: 9), .fin(.standardError, position: .max, digest: 0),
        .ack(.main, acknowledged: 1, credit: 2), .blocked(.standardError, position: 3),
        .heartbeat, .stop(.main, taken: 0), .exit(.status(255)), .exit(.signal(9)), .bye,
        .superseded, .extension(type: 65_535), .terminal(TerminalState()),
        .terminal(TerminalState(columns: 1, rows: .max, width: 7, redraws: 9, name: "xterm")),
    ]

    private func encoded(_ frame: StreamFrame) -> ByteBuffer {
        var out = ByteBuffer()
        frame.encode(into: &out)
        return out
    }

    @Test("Every frame is read back as it was written", arguments: frames)
    func roundTrip(_ frame: StreamFrame) throws {
        var decoder = FrameDecoder(maxPayload: 1_024)
        decoder.append(encoded(frame))
        #expect(try decoder.next() == .frame(frame))
        #expect(try decoder.next() == nil)
    }

    @Test("A frame cut at any byte is waited for, not misread", arguments: frames)
    func truncation(_ frame: StreamFrame) throws {
        let whole = encoded(frame)
        for count in 0..<whole.readableBytes {
            var decoder = FrameDecoder(maxPayload: 1_024)
            decoder.append(try #require(whole.getSlice(at: 0, length: count)))
            #expect(try decoder.next() == nil)
            decoder.append(
                try #require(whole.getSlice(at: count, length: whole.readableBytes - count)))
            #expect(try decoder.next() == .frame(frame))
        }
    }

    @Test("A body that is a byte short or long is malformed", arguments: frames)
    func wrongLength(_ frame: StreamFrame) throws {
        let whole = encoded(frame)
        let kind = try #require(whole.getInteger(at: 4).flatMap(FrameKind.init(rawValue:)))
        let body = try #require(whole.getSlice(at: 5, length: whole.readableBytes - 5))
        func reading(_ body: ByteBuffer) -> FailureCode? {
            code { () throws(Failure) in _ = try StreamFrame(kind: kind, body: body) }
        }
        guard kind != .extension else { return }
        #expect(reading(body) == nil)
        if body.readableBytes > 0 {
            let short = body.getSlice(at: body.readerIndex, length: body.readableBytes - 1)
            #expect(reading(try #require(short)) == .malformedFrame)
        }
        var long = body
        long.writeInteger(UInt8(0))
        #expect(reading(long) == .malformedFrame)
    }

    @Test("Handshake frames have no place in an attached session")
    func handshakeKinds() {
        for kind in FrameKind.allCases where kind.isHandshake {
            #expect(
                code { () throws(Failure) in _ = try StreamFrame(kind: kind, body: ByteBuffer()) }
                    == .unexpectedFrame)
        }
    }

    @Test(
        "A terminal's name that no environment should have is malformed",
        arguments: ["a b", "../x", "a\n", "é"])
    func terminalName(name: String) throws {
        let whole = encoded(.terminal(TerminalState(name: name)))
        var decoder = FrameDecoder(maxPayload: 1_024)
        decoder.append(whole)
        #expect(code { () throws(Failure) in _ = try decoder.next() } == .malformedFrame)
    }

    @Test("EXIT of an unknown kind is malformed")
    func exitKinds() {
        #expect(
            code { () throws(Failure) in
                _ = try StreamFrame(kind: .exit, body: ByteBuffer(bytes: [2, 0]))
            } == .malformedFrame)
    }
}
