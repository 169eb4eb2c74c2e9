package import FTSLTransport

/// A drawn picture of a key, so that two screens can be compared at a glance.
///
/// The same walk as ssh's randomart ("drunken bishop"): people know how to read it, and a wrong key
/// differs in the whole picture, which a few words read aloud do not.
package enum RandomArt {
    private static let width = 17
    private static let height = 9
    private static let symbols = Array(" .o+=*BOX@%&#/^SE")

    package static func draw(_ fingerprint: Fingerprint) -> String {
        var visits = [Int](repeating: 0, count: width * height)
        var (x, y) = (width / 2, height / 2)
        let end = symbols.count - 1
        for byte in fingerprint.digest {
            var steps = byte
            for _ in 0..<4 {
                x = min(width - 1, max(0, x + (steps & 1 == 1 ? 1 : -1)))
                y = min(height - 1, max(0, y + (steps & 2 == 2 ? 1 : -1)))
                visits[y * width + x] = min(end - 2, visits[y * width + x] + 1)
                steps >>= 2
            }
        }
        visits[height / 2 * width + width / 2] = end - 1
        visits[y * width + x] = end
        let edge = "+------[ftsl1]----+"
        let rows = (0..<height).map { row in
            "|" + String(visits[(row * width)..<((row + 1) * width)].map { symbols[$0] }) + "|"
        }
        return ([edge] + rows + ["+-----[SHA256]----+"]).joined(separator: "\n")
    }
}
