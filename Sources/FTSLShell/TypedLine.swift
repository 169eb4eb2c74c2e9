/// What somebody has typed or pasted, and what is meant by it.
package enum TypedLine: Equatable, Sendable {
    /// Without the slash.
    case command(String)
    /// For the peer, without the newline at its end.
    case text(String)

    /// The lines of one input; a paste has many.
    ///
    /// A paste that begins with a command is a list of commands and texts; any other is text as a
    /// whole, slashes and all: nobody's file is to be obeyed by accident.
    package static func read(_ input: String) -> [TypedLine] {
        let lines = input.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 1 else { return [one(input[...])] }
        let whole = lines.last?.isEmpty == true ? lines.dropLast() : lines[...]
        guard let first = whole.first, case .command = one(first) else {
            return whole.map { .text(String($0)) }
        }
        return whole.map(one)
    }

    /// One line: a command after `/`, a text that begins with a slash after `//`.
    package static func one(_ line: Substring) -> TypedLine {
        if line.hasPrefix("//") { return .text(String(line.dropFirst())) }
        if line.hasPrefix("/") { return .command(String(line.dropFirst())) }
        return .text(String(line))
    }
}
