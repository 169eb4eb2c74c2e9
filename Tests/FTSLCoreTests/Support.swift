import FTSLCore
import NIOCore

/// A repeatable generator: tests that fail must fail again.
struct CountingGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension Instant {
    /// Tests count in milliseconds from an origin that is not zero.
    static func ms(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 1_000_000_000 + UInt64(milliseconds) * 1_000_000)
    }
}

func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

/// `count` bytes that differ by position.
func pattern(_ count: Int, from start: Int = 0) -> ByteBuffer {
    ByteBuffer(
        bytes: (start..<start + count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
}

func digest(_ buffers: ByteBuffer...) -> UInt64 {
    let digest = StreamDigest()
    for buffer in buffers { digest.update(buffer) }
    return digest.value
}

/// One buffer of everything, as a socket would see it.
func joined(_ buffers: [ByteBuffer]) -> ByteBuffer {
    var all = ByteBuffer()
    for buffer in buffers { all.writeImmutableBuffer(buffer) }
    return all
}

/// The code of the failure that `body` throws, or nil.
func code(_ body: () throws(Failure) -> Void) -> FailureCode? {
    do {
        try body()
        return nil
    } catch {
        return error.code
    }
}

/// Evaluates at once; lets a mutating call stand inside `#expect` and `#require`.
func now<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T { try body() }
