import FTSLCore
import NIOCore
import Testing

/// What a few bytes keep alive while they wait: memory as large as they are, not as the buffer
/// they came in.
struct HeldMemoryTests {
    /// Everything as one large read buffer.
    private func read(_ frames: ByteBuffer...) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 512 << 10)
        for frame in frames { buffer.writeImmutableBuffer(frame) }
        return buffer
    }

    private func data(_ count: Int, at position: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        StreamFrame.dataHeader(
            .main, position: UInt64(position), count: count, into: &buffer)
        buffer.writeImmutableBuffer(pattern(count, from: position))
        return buffer
    }

    private func capacities(_ events: [SessionEvent]) -> [Int] {
        events.compactMap {
            if case .data(_, let bytes) = $0 { bytes.storageCapacity } else { nil }
        }
    }

    private func receive(_ bytes: ByteBuffer) -> [SessionEvent] {
        let pair = SessionPair()
        pair.right.receive(bytes, now: pair.now)
        var events: [SessionEvent] = []
        while let event = pair.right.nextEvent() { events.append(event) }
        return events
    }

    @Test("Little data among much else does not keep the read buffer")
    func filler() {
        var filler = ByteBuffer()
        filler.writeInteger(UInt32(60_003))
        filler.writeInteger(FrameKind.extension.rawValue)
        filler.writeInteger(UInt16(999))
        filler.writeRepeatingByte(0, count: 60_000)
        let events = receive(read(data(5_000, at: 0), filler, filler, data(1, at: 5_000)))
        #expect(capacities(events) == [8_192, 1])
    }

    @Test("A full read buffer is handed on uncopied")
    func bulk() {
        let events = receive(
            read(data(60_000, at: 0), data(60_000, at: 60_000), data(60_000, at: 120_000)))
        #expect(capacities(events) == [512 << 10, 512 << 10, 512 << 10])
    }

    @Test("A decoder keeps no read buffer for the beginning of a frame, and none for nothing")
    func decoder() throws {
        var decoder = FrameDecoder(maxPayload: 65_536)
        var bytes = read(data(60_000, at: 0), data(10, at: 60_000))
        bytes.moveWriterIndex(to: bytes.writerIndex - 12)
        decoder.append(bytes)
        while let _ = try decoder.next() {}
        #expect(decoder.heldCapacity == 512 << 10)
        decoder.release()
        #expect(decoder.heldCapacity <= 64)
        decoder.append(ByteBuffer(bytes: data(10, at: 60_000).readableBytesView.suffix(12)))
        #expect(try decoder.next() == .data(.main, position: 60_000, pattern(10, from: 60_000)))
        decoder.release()
        #expect(decoder.heldCapacity == 0)
    }
}
