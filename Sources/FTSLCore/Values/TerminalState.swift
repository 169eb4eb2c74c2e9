internal import NIOCore

/// What a command with a terminal must know of the one that its user sits at. [FTSL §5.10]
package struct TerminalState: Hashable, Sendable {
    /// In characters; 0: not known.
    package var columns: UInt16
    package var rows: UInt16
    /// In pixels; 0: not known.
    package var width: UInt16
    package var height: UInt16
    /// Counts how often what was on the screen was lost: the command should draw it again.
    package var redraws: UInt16
    /// As TERM has it: an entry of terminfo.
    package var name: String

    package init(
        columns: UInt16 = 80, rows: UInt16 = 24, width: UInt16 = 0, height: UInt16 = 0,
        redraws: UInt16 = 0, name: String = "dumb"
    ) {
        self.columns = columns
        self.rows = rows
        self.width = width
        self.height = height
        self.redraws = redraws
        self.name = name
    }

    /// Whether terminfo may have a terminal of this name.
    package static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= Bound.text
            && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
    }

    /// The type of the EXTENSION frame that carries it.
    static let extensionType: UInt16 = 1

    func encode(into body: inout ByteBuffer) {
        for value in [columns, rows, width, height, redraws] { body.writeInteger(value) }
        body.writeShortText(name)
    }

    init(from body: inout ByteBuffer) throws(Failure) {
        self.init(
            columns: try body.need(), rows: try body.need(), width: try body.need(),
            height: try body.need(), redraws: try body.need(), name: try body.needText())
        guard name.isEmpty || Self.isName(name) else {
            throw .violation(.malformedFrame, "a name of a terminal that cannot be one")
        }
    }
}
