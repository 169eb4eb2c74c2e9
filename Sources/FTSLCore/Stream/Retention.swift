internal import DequeModule
package import NIOCore

/// The bytes of one stream that the peer has not acknowledged, held by reference to the buffers
/// they came in.
///
/// Retention costs no copy: what is sent is a slice of what was read. Whole chunks are dropped as
/// they are acknowledged. Digest states are kept at intervals, so the digest at *any* retained
/// position can be told when a resuming peer reports its own. [FTSL §4.3]
package struct Retention {
    // What socket buffers hold says nothing about what was taken: only an acknowledgement ends
    // retention. [FTSL §9]
    private struct Chunk {
        var position: UInt64
        var bytes: ByteBuffer
        /// The digest of everything before `position`; the first chunk has `base` instead.
        var digestBefore: StreamDigest?

        var end: UInt64 { position + UInt64(bytes.readableBytes) }
    }

    private var chunks = Deque<Chunk>()
    private let running = StreamDigest()
    /// The digest of everything before the first chunk; meaningless while there is none.
    private let base = StreamDigest()
    private var unmarked = 0
    /// The chunk that holds the next byte to send; equal to `chunks.count` when all is sent.
    private var cursor = 0

    /// Position after the last byte written.
    package private(set) var end: UInt64 = 0
    /// Bytes held, whole chunks counted.
    package private(set) var byteCount = 0

    package init() {}

    /// What another host retained, from its `start` on.
    init(start: UInt64, digestBefore: StreamDigest, _ bytes: ByteBuffer) {
        running.assign(digestBefore)
        end = start
        var bytes = bytes
        while let piece = bytes.readPiece(Int(Bound.maxPayload)) { append(piece) }
    }

    /// Everything retained, in one piece.
    var bytes: ByteBuffer {
        var all = ByteBuffer()
        all.reserveCapacity(byteCount)
        for chunk in chunks { all.writeImmutableBuffer(chunk.bytes) }
        return all
    }

    /// The digest of everything before `start`.
    var digestBefore: StreamDigest { chunks.isEmpty ? running : base }

    /// Lowest position that can still be sent.
    package var start: UInt64 { chunks.isEmpty ? end : chunks[0].position }
    /// Digest of everything written.
    package var digest: UInt64 { running.value }

    package mutating func append(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        defer {
            running.update(bytes)
            end += UInt64(count)
            byteCount += count
            unmarked += count
        }
        let last = chunks.count - 1
        if count <= 1024, last >= 0, chunks[last].bytes.readableBytes + count <= Bound.copyBelow {
            chunks[last].bytes.writeImmutableBuffer(bytes)
            if cursor == chunks.count { cursor = last }
            return
        }
        var mark: StreamDigest?
        if chunks.isEmpty {
            base.assign(running)
            unmarked = 0
        } else if unmarked >= Bound.digestSpacing {
            mark = running.copy()
            unmarked = 0
        }
        chunks.append(Chunk(position: end, bytes: bytes, digestBefore: mark))
    }

    /// Drops the chunks that lie wholly below `position`.
    package mutating func release(below position: UInt64) {
        while !chunks.isEmpty, chunks[0].end <= position {
            let first = chunks.removeFirst()
            cursor = max(0, cursor - 1)
            byteCount -= first.bytes.readableBytes
            guard !chunks.isEmpty else { return }
            if let mark = chunks[0].digestBefore {
                base.assign(mark)
                chunks[0].digestBefore = nil
            } else {
                // Small chunks have no state of their own and are hashed a second time here.
                base.update(first.bytes)
            }
        }
    }

    /// Drops everything: the stream's end is settled.
    package mutating func releaseAll() {
        chunks.removeAll()
        cursor = 0
        byteCount = 0
    }

    /// Digest of the bytes before `position`, or nil when it is not retained.
    package func digest(at position: UInt64) -> UInt64? {
        if position == end { return running.value }
        guard position >= start, position < end else { return nil }
        let marked = chunks.lastIndex { $0.digestBefore != nil && $0.position <= position }
        let state = (marked.flatMap { chunks[$0].digestBefore } ?? base).copy()
        for chunk in chunks[(marked ?? 0)...] {
            if chunk.end <= position {
                state.update(chunk.bytes)
            } else {
                let count = Int(position - chunk.position)
                if let part = chunk.bytes.getSlice(at: chunk.bytes.readerIndex, length: count) {
                    state.update(part)
                }
                break
            }
        }
        return state.value
    }

    /// At most `limit` bytes beginning at `position`, in one piece.
    ///
    /// Amortised constant time when positions rise; a resume moves the cursor back once.
    package mutating func slice(at position: UInt64, limit: Int) -> ByteBuffer? {
        guard position < end, position >= start else { return nil }
        if cursor >= chunks.count { cursor = chunks.count - 1 }
        while cursor > 0, chunks[cursor].position > position { cursor -= 1 }
        while chunks[cursor].end <= position { cursor += 1 }
        let offset = Int(position - chunks[cursor].position)
        let count = min(limit, chunks[cursor].bytes.readableBytes - offset)
        let start = chunks[cursor].bytes.readerIndex + offset
        return chunks[cursor].bytes.getSlice(at: start, length: count)
    }
}
