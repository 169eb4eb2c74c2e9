import FTSLCore
import NIOCore
import Testing

struct RetentionTests {
    /// Chunks of many sizes, so that some are coalesced and some carry digest states.
    private func filled(_ sizes: [Int]) -> (Retention, ByteBuffer) {
        var retention = Retention()
        var all = ByteBuffer()
        for size in sizes {
            let piece = pattern(size, from: all.readableBytes)
            retention.append(piece)
            all.writeImmutableBuffer(piece)
        }
        return (retention, all)
    }

    private let sizes = [1, 5, 1_000, 40_000, 3, 3, 70_000, 1, 4_096, 1_025, 33_000]

    @Test("The digest at any retained position is that of the bytes before it")
    func digestAnywhere() throws {
        var (retention, all) = filled(sizes)
        for released in [0, 1, 1_006, 41_006, 60_000, 111_012] {
            retention.release(below: UInt64(released))
            for position in stride(from: Int(retention.start), through: all.readableBytes, by: 997)
            {
                let before = try #require(all.getSlice(at: 0, length: position))
                #expect(retention.digest(at: UInt64(position)) == digest(before))
            }
            #expect(retention.digest(at: retention.end) == digest(all))
        }
    }

    @Test("Positions that are not retained have no digest")
    func noDigest() {
        var (retention, all) = filled(sizes)
        retention.release(below: 50_000)
        #expect(retention.start > 0)
        #expect(retention.digest(at: retention.start - 1) == nil)
        #expect(retention.digest(at: UInt64(all.readableBytes) + 1) == nil)
    }

    @Test("Only whole chunks below the acknowledged position go")
    func release() {
        var (retention, all) = filled([10_000, 20_000])
        retention.release(below: 9_999)
        #expect(retention.start == 0)
        #expect(retention.byteCount == 30_000)
        retention.release(below: 10_000)
        #expect(retention.start == 10_000)
        #expect(retention.byteCount == 20_000)
        retention.release(below: 30_000)
        #expect(retention.start == UInt64(all.readableBytes))
        #expect(retention.byteCount == 0)
    }

    @Test("Slices at rising positions give back the stream, and again after going back")
    func slices() throws {
        var (retention, all) = filled(sizes)
        for start in [0, 0, 900, 41_000, 0] {
            var copy = ByteBuffer()
            var position = UInt64(start)
            while let slice = retention.slice(at: position, limit: 1_448) {
                #expect(slice.readableBytes <= 1_448)
                copy.writeImmutableBuffer(slice)
                position += UInt64(slice.readableBytes)
            }
            #expect(copy == all.getSlice(at: start, length: all.readableBytes - start))
        }
        retention.release(below: 41_009)
        #expect(retention.slice(at: retention.start - 1, limit: 10) == nil)
        #expect(retention.slice(at: retention.end, limit: 10) == nil)
        let first = try #require(now { retention.slice(at: retention.start, limit: 3) })
        #expect(first == all.getSlice(at: Int(retention.start), length: 3))
    }

    @Test("Sending goes on where it was while bytes are written and acknowledged")
    func interleaved() throws {
        var retention = Retention()
        var written = 0
        var sent: UInt64 = 0
        var rng = CountingGenerator(seed: 11)
        for _ in 0..<3_000 {
            let size = Int.random(in: 1...3_000, using: &rng)
            retention.append(pattern(size, from: written))
            written += size
            for _ in 0..<Int.random(in: 0...3, using: &rng) {
                guard let slice = retention.slice(at: sent, limit: 2_000) else { break }
                #expect(slice == pattern(slice.readableBytes, from: Int(sent)))
                sent += UInt64(slice.readableBytes)
            }
            retention.release(below: sent - min(sent, UInt64.random(in: 0...9_000, using: &rng)))
            #expect(retention.end == UInt64(written))
        }
    }

    @Test("Small writes share a buffer, so that a thousand keystrokes are not a thousand chunks")
    func coalescing() throws {
        var retention = Retention()
        for index in 0..<1_000 { retention.append(pattern(3, from: index * 3)) }
        let slice = try #require(now { retention.slice(at: 0, limit: 65_536) })
        #expect(slice.readableBytes > 2_000)
        #expect(slice == pattern(slice.readableBytes))
        #expect(retention.byteCount == 3_000)
    }

    @Test("Coalescing after a slice was taken changes nothing that was sent")
    func coalescingAfterSlice() throws {
        var retention = Retention()
        retention.append(pattern(100))
        let before = try #require(now { retention.slice(at: 0, limit: 100) })
        retention.append(pattern(100, from: 100))
        #expect(before == pattern(100))
        #expect(retention.slice(at: 100, limit: 100) == pattern(100, from: 100))
    }

    @Test("Retention keeps the buffer it was given, without a copy")
    func noCopies() throws {
        var retention = Retention()
        let source = pattern(50_000)
        retention.append(source)
        let slice = try #require(now { retention.slice(at: 7, limit: 50_000) })
        let a = source.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        let b = slice.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(b == a + 7)
    }

    @Test("Nothing is left after everything was dropped, but the count and digest of it all")
    func releaseAll() {
        var (retention, all) = filled(sizes)
        retention.releaseAll()
        #expect(retention.byteCount == 0)
        #expect(retention.start == retention.end)
        #expect(retention.end == UInt64(all.readableBytes))
        #expect(retention.digest == digest(all))
        #expect(retention.slice(at: 0, limit: 1) == nil)
        retention.append(ByteBuffer())
        #expect(retention.end == UInt64(all.readableBytes))
    }
}
