package import NIOCore

/// Turns a peer's bytes into whole lines that a terminal can show above a line being typed.
///
/// Colours pass; whatever else would move the cursor, ring or ask the terminal something is shown
/// instead of done. [FTSL §3]
package struct PeerText {
    /// Bytes of a line whose end has not come.
    private var rest: [UInt8] = []
    private let colored: Bool

    /// A line that does not end is shown in pieces of this many bytes.
    package static let longest = 4096

    package init(colored: Bool) { self.colored = colored }

    /// The lines that are complete now, each with its newline.
    package mutating func lines(after bytes: ByteBuffer) -> String {
        rest += bytes.readableBytesView
        guard let end = rest.lastIndex(of: 0x0A) else {
            guard rest.count >= Self.longest else { return "" }
            defer { rest = [] }
            return shown(rest[...]) + "\n"
        }
        defer { rest.removeFirst(end + 1) }
        return rest[..<end].split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { shown($0) + "\n" }.joined()
    }

    /// What is there of a line without an end, as one line; forgets it.
    package mutating func flush() -> String {
        defer { rest = [] }
        return rest.isEmpty ? "" : shown(rest[...]) + "\n"
    }

    /// What is there of a line without an end, short enough to stand before a prompt.
    package var beginning: String {
        let plain = PeerText(colored: false).shown(rest[...])
        return plain.count <= 60 ? plain : "…" + plain.suffix(59)
    }

    private func shown(_ line: ArraySlice<UInt8>) -> String {
        let line = line.last == 0x0D ? line.dropLast() : line
        let scalars = Array(String(decoding: line, as: UTF8.self).unicodeScalars)
        var text = String.UnicodeScalarView()
        var isColored = false
        var index = 0
        while index < scalars.count {
            if let end = Self.endOfColor(scalars, index) {
                if colored {
                    text.append(contentsOf: scalars[index..<end])
                    isColored = true
                }
                index = end
                continue
            }
            let scalar = scalars[index]
            let isHarmful =
                scalar != "\t"
                && (scalar.properties.generalCategory == .control
                    || scalar.properties.isBidiControl)
            if isHarmful {
                text.append(contentsOf: "<\(String(scalar.value, radix: 16))>".unicodeScalars)
            } else {
                text.append(scalar)
            }
            index += 1
        }
        return String(text) + (isColored ? "\u{1B}[0m" : "")
    }

    /// The end of `ESC [ numbers m`, if that is what begins here.
    private static func endOfColor(_ scalars: [Unicode.Scalar], _ start: Int) -> Int? {
        guard start + 2 < scalars.count, scalars[start] == "\u{1B}", scalars[start + 1] == "["
        else { return nil }
        var index = start + 2
        while index < scalars.count, "0123456789;:".unicodeScalars.contains(scalars[index]) {
            index += 1
        }
        return index < scalars.count && scalars[index] == "m" ? index + 1 : nil
    }
}
