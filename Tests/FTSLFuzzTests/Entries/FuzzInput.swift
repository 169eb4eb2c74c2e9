package import NIOCore

/// Reads decisions out of the bytes that a fuzzer makes up.
package struct FuzzInput {
    private var bytes: ArraySlice<UInt8>

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = Array(bytes)[...] }

    package var isEmpty: Bool { bytes.isEmpty }

    package mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    package mutating func choice(_ count: Int) -> Int { Int(byte()) % count }

    package mutating func word() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    /// A number that is near something interesting more often than chance would have it.
    package mutating func number(near known: [UInt64]) -> UInt64 {
        let how = byte()
        switch how % 4 {
        case 0: return UInt64(byte())
        case 1: return UInt64(word()) << UInt64(byte() % 49)
        case 2: return UInt64.max - UInt64(byte())
        default:
            guard !known.isEmpty else { return UInt64(word()) }
            let base = known[choice(known.count)]
            return base &+ UInt64(bitPattern: Int64(Int8(bitPattern: byte())))
        }
    }

    package mutating func take(_ count: Int) -> ByteBuffer {
        let part = bytes.prefix(count)
        bytes.removeFirst(part.count)
        return ByteBuffer(bytes: part)
    }

    package mutating func rest() -> ByteBuffer { take(bytes.count) }
}

/// What an entry throws when a promise is broken; traps need no help.
package struct Broken: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

func hold(_ condition: Bool, _ promise: @autoclosure () -> String) throws(Broken) {
    if !condition { throw Broken(promise()) }
}

/// Repeatable chance for keys and nonces.
package struct FuzzRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension ByteBuffer {
    /// Flips bits at places the input chooses; true when anything changed.
    mutating func mutate(by input: inout FuzzInput) -> Bool {
        let count = input.choice(4)
        guard count > 0, readableBytes > 0 else { return false }
        var copy = Array(readableBytesView)
        for _ in 0..<count {
            let at = Int(input.word()) % copy.count
            copy[at] ^= input.byte()
        }
        let changed = !copy.elementsEqual(readableBytesView)
        self = ByteBuffer(bytes: copy)
        return changed
    }
}
