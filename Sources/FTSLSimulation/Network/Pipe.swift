internal import DequeModule
internal import NIOCore

/// One direction of one connection: bytes on the way, in order, through socket buffers of a fixed
/// size.
final class Pipe {
    private struct Chunk {
        var arrival: UInt64
        var bytes: ByteBuffer
    }

    private var chunks = Deque<Chunk>()
    /// Bytes written and not yet delivered.
    private(set) var held = 0
    private var lineFreeAt: UInt64 = 0
    /// Nothing arrives before.
    var stalledUntil: UInt64 = 0
    /// Swallows what is written from now on; what is on the way may still arrive.
    var isDead = false
    /// The writer closed; delivered after the bytes.
    var endQueued = false
    var endDelivered = false
    /// A delivery is in the event queue.
    var isScheduled = false

    let shape: LinkShape

    init(shape: LinkShape) { self.shape = shape }

    var room: Int { max(0, shape.capacity - held) }

    func write(_ buffer: ByteBuffer, now: UInt64, chunk: Int) {
        var rest = buffer
        held += rest.readableBytes
        if isDead { return }
        while rest.readableBytes > 0 {
            let count = min(chunk, rest.readableBytes)
            guard let piece = rest.readSlice(length: count) else { return }
            lineFreeAt = max(lineFreeAt, now) + shape.transmissionTime(count)
            chunks.append(Chunk(arrival: lineFreeAt + shape.latency, bytes: piece))
        }
    }

    /// When the next chunk, or the end, is due.
    func nextArrival(now: UInt64) -> UInt64? {
        if let first = chunks.first { return max(first.arrival, stalledUntil) }
        guard endQueued, !endDelivered, !isDead else { return nil }
        return max(now + shape.latency, stalledUntil)
    }

    /// The next chunk that has arrived, at most `limit` bytes of it.
    func take(now: UInt64, limit: Int) -> ByteBuffer? {
        guard stalledUntil <= now, let first = chunks.first, first.arrival <= now else {
            return nil
        }
        let count = min(limit, first.bytes.readableBytes)
        guard let bytes = chunks[0].bytes.readSlice(length: count) else { return nil }
        if chunks[0].bytes.readableBytes == 0 { chunks.removeFirst() }
        held -= count
        return bytes
    }

    var endIsDue: Bool { endQueued && !endDelivered && !isDead && chunks.isEmpty }

    /// What was on the way is lost: a reset or a broken wire.
    func lose() {
        chunks.removeAll()
        isDead = true
    }
}

/// The nature of a client's network path.
package struct LinkShape: Sendable {
    /// One way, in nanoseconds.
    package var latency: UInt64 = 1_000_000
    /// Nanoseconds a byte; 0: no limit.
    package var nanosecondsPerByte: UInt64 = 0
    /// Bytes both socket buffers hold together.
    package var capacity = 128 << 10
    /// Bytes arrive in pieces of at most this size.
    package var chunk = 64 << 10

    package init() {}

    func transmissionTime(_ count: Int) -> UInt64 { UInt64(count) * nanosecondsPerByte }
}
