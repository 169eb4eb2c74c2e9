import FTSLCore
import NIOCore
import Testing

struct FrameDecoderTests {
    /// DATA, ACK, DATA, FIN in one stream of bytes.
    private var stream: ByteBuffer {
        var out = ByteBuffer()
        StreamFrame.dataHeader(.main, position: 0, count: 700, into: &out)
        out.writeImmutableBuffer(pattern(700))
        StreamFrame.ack(.main, acknowledged: 5, credit: 6).encode(into: &out)
        StreamFrame.dataHeader(.main, position: 700, count: 1, into: &out)
        out.writeImmutableBuffer(pattern(1, from: 700))
        StreamFrame.fin(.main, position: 701, digest: 3).encode(into: &out)
        return out
    }

    private func collect(pieces: [Int]) throws -> (data: ByteBuffer, frames: [StreamFrame]) {
        var decoder = FrameDecoder(maxPayload: 1_024)
        var rest = stream
        var data = ByteBuffer()
        var frames: [StreamFrame] = []
        var turn = 0
        while rest.readableBytes > 0 {
            let count = min(pieces[turn % pieces.count], rest.readableBytes)
            turn += 1
            decoder.append(try #require(now { rest.readSlice(length: count) }))
            while let element = try decoder.next() {
                switch element {
                case .data(let channel, let position, let bytes):
                    #expect(channel == .main)
                    #expect(position == UInt64(data.readableBytes), "pieces are contiguous")
                    data.writeImmutableBuffer(bytes)
                case .frame(let frame): frames.append(frame)
                case .message: Issue.record("nobody wrote a message")
                }
            }
        }
        return (data, frames)
    }

    /// [FTSL §3.2]
    @Test("However the bytes are cut, the same frames come out", arguments: 1...64)
    func chunking(_ size: Int) throws {
        for pieces in [[size], [size, 1], [1, size, 700], [size, 3 * size]] {
            let (data, frames) = try collect(pieces: pieces)
            #expect(data == pattern(701))
            #expect(
                frames == [
                    .ack(.main, acknowledged: 5, credit: 6), .fin(.main, position: 701, digest: 3),
                ])
        }
    }

    @Test("A payload is given out as it arrives, before its frame is complete")
    func partialPayload() throws {
        var decoder = FrameDecoder(maxPayload: 65_536)
        var out = ByteBuffer()
        StreamFrame.dataHeader(.standardError, position: 9, count: 60_000, into: &out)
        out.writeInteger(UInt8(1))
        decoder.append(out)
        #expect(
            try decoder.next() == .data(.standardError, position: 9, ByteBuffer(bytes: [1])))
        #expect(try decoder.next() == nil)
        decoder.append(ByteBuffer(bytes: [2, 3]))
        #expect(
            try decoder.next() == .data(.standardError, position: 10, ByteBuffer(bytes: [2, 3])))
    }

    /// [FTSL §3.2]
    @Test("A frame that is larger than agreed is refused when its length is read")
    func oversize() throws {
        for (length, refused) in [(1_024 + 10, false), (1_024 + 11, true), (Int(UInt32.max), true)]
        {
            var decoder = FrameDecoder(maxPayload: 1_024)
            decoder.append(ByteBuffer(integer: UInt32(length)))
            let thrown = code { () throws(Failure) in _ = try decoder.next() }
            #expect(thrown == (refused ? .frameTooLarge : nil))
        }
    }

    /// [FTSL §3.4]
    @Test("An unknown extension is skipped, whatever it carries")
    func extensions() throws {
        var decoder = FrameDecoder(maxPayload: 1_024)
        var out = ByteBuffer()
        out.writeMultipleIntegers(UInt32(1 + 2 + 500), FrameKind.extension.rawValue, UInt16(77))
        out.writeImmutableBuffer(pattern(500))
        StreamFrame.bye.encode(into: &out)
        decoder.append(out)
        #expect(try decoder.next() == .frame(.extension(type: 77)))
        #expect(try decoder.next() == .frame(.bye))
    }

    /// [FTSL §3.4]
    @Test("Every kind that is not defined, the reserved ones too, is a violation")
    func unknownKinds() {
        for kind in UInt8.min...UInt8.max where FrameKind(rawValue: kind) == nil {
            var decoder = FrameDecoder(maxPayload: 1_024)
            decoder.append(ByteBuffer(bytes: [0, 0, 0, 1, kind]))
            #expect(code { () throws(Failure) in _ = try decoder.next() } == .unknownKind)
        }
        #expect(FrameKind.isReserved(0x29) && FrameKind.isReserved(0x38))
        #expect(FrameKind.isReserved(0x4F) && !FrameKind.isReserved(0x50))
        #expect(!FrameKind.isReserved(0x1F) && !FrameKind.isReserved(0x20))
    }

    @Test("DATA without payload and positions beyond 2^63 are malformed")
    func badData() {
        for (count, position) in [(0, UInt64(0)), (5, UInt64(Int64.max) - 4), (1, .max)] {
            var decoder = FrameDecoder(maxPayload: 1_024)
            var out = ByteBuffer()
            StreamFrame.dataHeader(.main, position: position, count: count, into: &out)
            decoder.append(out)
            #expect(code { () throws(Failure) in _ = try decoder.next() } == .malformedFrame)
        }
    }

    @Test("Payloads are slices of what was read, not copies")
    func noCopies() throws {
        var decoder = FrameDecoder(maxPayload: 65_536)
        var out = ByteBuffer()
        StreamFrame.dataHeader(.main, position: 0, count: 50_000, into: &out)
        out.writeImmutableBuffer(pattern(50_000))
        let source = out.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        decoder.append(out)
        guard case .data(_, _, let payload) = try decoder.next() else {
            Issue.record("no data")
            return
        }
        let place = payload.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(place == source + 14)
    }
}
