internal import FTSLCore
internal import NIOCore

/// What happened, as lines when somebody reads them and always as one digest of lines and bytes.
package struct Trace {
    /// Nil unless lines are wanted.
    package private(set) var lines: [String]?
    package private(set) var events: UInt64 = 0
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325
    private let wire = StreamDigest()

    init(keepingLines: Bool) { lines = keepingLines ? [] : nil }

    /// The same for two runs only when they did the same things, byte for byte.
    package var digest: UInt64 { SimulationRandom.mix(state ^ wire.value) }

    mutating func note(
        _ time: UInt64, _ what: StaticString, _ a: UInt64 = 0, _ b: UInt64 = 0,
        _ text: @autoclosure () -> String = ""
    ) {
        events += 1
        // The text of a static string is its own constant; its hash stands for it.
        what.withUTF8Buffer { for byte in $0 { mix(UInt64(byte)) } }
        mix(time)
        mix(a)
        mix(b)
        guard lines != nil else { return }
        let extra = text()
        let milliseconds = Double(time / 1_000) / 1_000
        lines?.append(
            "\(milliseconds) \(what) \(a) \(b)\(extra.isEmpty ? "" : " " + extra)")
    }

    mutating func bytes(_ buffer: ByteBuffer) { wire.update(buffer) }

    private mutating func mix(_ value: UInt64) {
        state = (state ^ value) &* 0x0000_0100_0000_01B3
    }
}
