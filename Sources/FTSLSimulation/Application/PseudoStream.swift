package import NIOCore

/// The bytes an application writes: a function of stream and position, so any piece can be checked
/// alone.
package struct PseudoStream: Sendable {
    let seed: UInt64

    package init(seed: UInt64) { self.seed = SimulationRandom.mix(seed) }

    private func word(_ index: UInt64) -> UInt64 {
        SimulationRandom.mix(seed &+ index &* 0x9E37_79B9_7F4A_7C15)
    }

    package func bytes(from position: UInt64, count: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { raw in
            var current = word(position / 8)
            for index in 0..<count {
                let at = position + UInt64(index)
                if at % 8 == 0 { current = word(at / 8) }
                raw[index] = UInt8(truncatingIfNeeded: current >> (8 * (at % 8)))
            }
            return count
        }
        return buffer
    }

    /// The first position at which `buffer`, beginning at `position`, is not this stream.
    package func firstDifference(_ buffer: ByteBuffer, at position: UInt64) -> UInt64? {
        buffer.withUnsafeReadableBytes { raw in
            var current = word(position / 8)
            for index in raw.indices {
                let at = position + UInt64(index)
                if at % 8 == 0 { current = word(at / 8) }
                if raw[index] != UInt8(truncatingIfNeeded: current >> (8 * (at % 8))) { return at }
            }
            return nil
        }
    }
}

/// Compares the bytes of a body, as they come, with what its number says.
struct PseudoCheck {
    private(set) var count: UInt64 = 0
    private(set) var isRight = true

    mutating func add(_ bytes: ByteBuffer, of stream: PseudoStream) {
        if stream.firstDifference(bytes, at: count) != nil { isRight = false }
        count += UInt64(bytes.readableBytes)
    }
}
