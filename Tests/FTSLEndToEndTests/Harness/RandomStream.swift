import Foundation

/// Endless bytes without pattern, each computable from its position alone: writer and reader need
/// no common buffer.
struct RandomStream: Sendable {
    var seed: UInt64

    /// Fills the space with the bytes from this position on.
    func fill(_ space: UnsafeMutableRawBufferPointer, from position: Int) {
        var offset = 0
        let ragged = position % 8
        if ragged != 0 {
            withUnsafeBytes(of: word(position / 8)) { bytes in
                while offset < space.count, ragged + offset < 8 {
                    space[offset] = bytes[ragged + offset]
                    offset += 1
                }
            }
        }
        let words = (space.count - offset) / 8
        let first = (position + offset) / 8
        for index in 0..<words {
            space.storeBytes(
                of: word(first &+ index), toByteOffset: offset &+ index &* 8, as: UInt64.self)
        }
        offset += words * 8
        withUnsafeBytes(of: word((position + offset) / 8)) { bytes in
            for index in 0..<(space.count - offset) { space[offset + index] = bytes[index] }
        }
    }

    /// SplitMix64's output for the n-th step.
    private func word(_ index: Int) -> UInt64 {
        var z = seed &+ UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Writes `count` bytes on a thread of its own, and then the end.
    func write(_ count: Int, to descriptor: Descriptor) {
        Thread.detachNewThread {
            let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
            defer { space.deallocate() }
            var position = 0
            while position < count {
                let part = UnsafeMutableRawBufferPointer(
                    rebasing: space[..<min(space.count, count - position)])
                fill(part, from: position)
                guard descriptor.write(UnsafeRawBufferPointer(part)) else { break }
                position += part.count
            }
            descriptor.close()
        }
    }
}

/// Compares what arrives with what was sent, byte by byte, while it arrives.
final class Verifier: Sendable {
    struct Progress {
        var position = 0
        /// The first byte that differs.
        var difference: Int?
        var isEnded = false
    }

    private let progress = Watched(Progress())

    /// `pace` is asked before each read; it may wait.
    init(
        _ descriptor: Descriptor, _ stream: RandomStream, chunk: Int = 1 << 18,
        pace: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        let progress = progress
        Thread.detachNewThread {
            let got = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 16)
            let wanted = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 16)
            defer {
                got.deallocate()
                wanted.deallocate()
            }
            var position = 0
            while true {
                pace(position)
                guard let count = descriptor.read(into: got), count > 0 else { break }
                stream.fill(
                    UnsafeMutableRawBufferPointer(rebasing: wanted[..<count]), from: position)
                guard let left = got.baseAddress, let right = wanted.baseAddress else { break }
                let isSame = memcmp(left, right, count) == 0
                let first = isSame ? nil : (0..<count).first { got[$0] != wanted[$0] }
                let start = position
                progress.change {
                    $0.position += count
                    if let first, $0.difference == nil { $0.difference = start + first }
                }
                position += count
            }
            progress.change { $0.isEnded = true }
        }
    }

    var current: Progress { progress.current }

    /// The whole, once the writer has closed its end.
    func end(_ limit: Duration) throws -> Progress {
        guard let end = progress.wait(limit, for: { $0.isEnded ? $0 : nil }) else {
            throw TimeLimitExceeded(
                description: "no end within \(limit); \(current.position) bytes so far")
        }
        return end
    }

    func reach(_ position: Int, _ limit: Duration) throws {
        guard progress.wait(limit, for: { $0.position >= position ? true : nil }) != nil else {
            throw TimeLimitExceeded(
                description: "\(current.position) of \(position) bytes within \(limit)")
        }
    }
}
