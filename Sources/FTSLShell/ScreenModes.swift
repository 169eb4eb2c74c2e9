/// Follows what a remote program writes to the terminal as far as two things need it: something
/// of ours may be written only between two of its characters and sequences, and what it has entered
/// must be left again when it cannot do so itself.
package struct ScreenModes {
    /// Private modes that are set: the alternate screen, mouse reports, bracketed paste.
    private var modes: [Int] = []
    private var isCursorHidden = false
    private var hasKeypad = false
    /// A sequence was obeyed: colours and the like may be left.
    private var isTouched = false
    /// Rises whenever there is something else to leave.
    package private(set) var changes = 0

    /// The beginning of a character or sequence that is not complete.
    private var rest: [UInt8] = []
    private var state = State.ground
    /// Continuation bytes that a character still needs.
    private var missing = 0
    private var parameters: [UInt8] = []

    private enum State {
        case ground
        case escape
        case intermediate
        case control
        /// OSC, DCS and their like: until BEL or ST.
        case string
        case stringEscape
    }

    /// A sequence this long is passed on in pieces.
    private static let longest = 1024
    /// Modes of which terminals have switched something on.
    private static let followed: Set<Int> = [
        1, 9, 47, 66, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 1047, 1049, 2004,
        2026,
    ]

    package init() {}

    /// Nothing is half said: something else may be written.
    package var isBetween: Bool { state == .ground && missing == 0 }
    package var isAlternate: Bool { modes.contains { [47, 1047, 1049].contains($0) } }

    /// What of these bytes may be written now; an unfinished sequence waits for its end.
    package mutating func pass(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var ready: [UInt8] = []
        for byte in bytes {
            rest.append(byte)
            step(byte)
            if isBetween || rest.count >= Self.longest {
                ready += rest
                rest.removeAll(keepingCapacity: true)
            }
        }
        return ready
    }

    /// What waits for its end, when that will not come.
    package mutating func flush() -> [UInt8] {
        defer { rest = [] }
        state = .ground
        missing = 0
        return rest
    }

    private mutating func step(_ byte: UInt8) {
        switch state {
        case .ground: character(byte)
        case .escape: escape(byte)
        case .intermediate: if byte >= 0x30 || byte < 0x20 { state = .ground }
        case .control:
            if (0x40...0x7E).contains(byte) {
                state = .ground
                obey(byte)
            } else if byte == 0x1B {
                state = .escape
            } else if byte == 0x18 || byte == 0x1A {
                state = .ground
            } else if parameters.count < Self.longest {
                parameters.append(byte)
            }
        case .string:
            if byte == 0x07 || byte == 0x18 || byte == 0x1A {
                state = .ground
            } else if byte == 0x1B {
                state = .stringEscape
            }
        case .stringEscape:
            if byte == 0x5C { state = .ground } else { escape(byte) }
        }
    }

    private mutating func character(_ byte: UInt8) {
        if byte == 0x1B {
            missing = 0
            state = .escape
        } else if byte & 0xC0 == 0x80 {
            missing = max(0, missing - 1)
        } else {
            missing = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0
        }
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "["):
            parameters = []
            state = .control
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"),
            UInt8(ascii: "_"), UInt8(ascii: "k"):
            state = .string
        case 0x20...0x2F: state = .intermediate
        case 0x1B: state = .escape
        default:
            state = .ground
            if byte == UInt8(ascii: "=") { hasKeypad = true }
            if byte == UInt8(ascii: ">") { hasKeypad = false }
            // RIS: everything is as it was at first.
            if byte == UInt8(ascii: "c") { (modes, isCursorHidden, hasKeypad) = ([], false, false) }
            changes += 1
        }
    }

    private mutating func obey(_ final: UInt8) {
        if !isTouched { changes += 1 }
        isTouched = true
        let isSet = final == UInt8(ascii: "h")
        guard isSet || final == UInt8(ascii: "l"), parameters.first == UInt8(ascii: "?") else {
            return
        }
        for word in parameters.dropFirst().split(separator: UInt8(ascii: ";")) {
            guard let mode = Int(String(decoding: word, as: UTF8.self)) else { continue }
            changes += 1
            if mode == 25 { isCursorHidden = !isSet }
            guard Self.followed.contains(mode) else { continue }
            modes.removeAll { $0 == mode }
            if isSet { modes.append(mode) }
        }
    }

    /// Leaves what was entered.
    package var leaving: String {
        var text = modes.reversed().map { "\u{1B}[?\($0)l" }.joined()
        if isCursorHidden { text += "\u{1B}[?25h" }
        if hasKeypad { text += "\u{1B}>" }
        if isTouched { text += "\u{1B}[0m" }
        return text
    }

    /// Enters it again.
    package var entering: String {
        var text = modes.map { "\u{1B}[?\($0)h" }.joined()
        if isCursorHidden { text += "\u{1B}[?25l" }
        if hasKeypad { text += "\u{1B}=" }
        return text
    }
}
