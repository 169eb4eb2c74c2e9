/// Finds what is meant for this end among the keys of a remote terminal: after a newline, a tilde
/// and a letter, as in ssh.
package struct EscapeKeys {
    package enum Escape: Equatable, Sendable {
        /// `~.`
        case end
        /// `~?`
        case help
        /// `~s`
        case status
        /// `~^Z`
        case suspend
    }

    package enum Item: Equatable, Sendable {
        case keys([UInt8])
        case escape(Escape)
    }

    private enum Place {
        case inLine
        case atStart
        case afterTilde
    }

    private var place = Place.atStart

    package init() {}

    private static let tilde = UInt8(ascii: "~")

    /// Splits keys; a tilde that may begin an escape waits for the next one.
    package mutating func read(_ keys: some Sequence<UInt8>) -> [Item] {
        var items: [Item] = []
        var plain: [UInt8] = []
        for key in keys {
            guard place == .afterTilde else {
                if place == .atStart, key == Self.tilde {
                    place = .afterTilde
                } else {
                    plain.append(key)
                    place = Self.isNewline(key) ? .atStart : .inLine
                }
                continue
            }
            place = .inLine
            if let escape = Self.escape(key) {
                if !plain.isEmpty { items.append(.keys(plain)) }
                plain = []
                items.append(.escape(escape))
                place = .atStart
            } else {
                // Two tildes are one; any other pair is what it is.
                plain += key == Self.tilde ? [key] : [Self.tilde, key]
                if Self.isNewline(key) { place = .atStart }
            }
        }
        if !plain.isEmpty { items.append(.keys(plain)) }
        return items
    }

    private static func isNewline(_ key: UInt8) -> Bool { key == 0x0D || key == 0x0A }

    private static func escape(_ key: UInt8) -> Escape? {
        switch key {
        case UInt8(ascii: "."): .end
        case UInt8(ascii: "?"): .help
        case UInt8(ascii: "s"): .status
        case 0x1A: .suspend
        default: nil
        }
    }

    /// What `~?` says.
    package static let help = """
        Escapes, after a newline:
         ~.   end the session
         ~s   how the session is
         ~^Z  suspend; fg goes on
         ~~   a tilde
         ~?   this
        """
}
