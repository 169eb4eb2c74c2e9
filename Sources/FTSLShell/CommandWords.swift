/// The words of a command line, quoted as in a shell: `'…'`, `"…"` and `\`; nothing is expanded.
package enum CommandWords {
    /// Why a line is no command line.
    package struct Malformed: Error, Equatable {
        package var text: String
    }

    package static func split(_ line: some StringProtocol) throws(Malformed) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in line {
            if isEscaped {
                // Between double quotes a backslash is itself, except before what it can protect.
                let isPlain = quote == "\"" && character != "\"" && character != "\\"
                word = (word ?? "") + (isPlain ? "\\" : "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if quote == nil, character.isWhitespace {
                if let word { words.append(word) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let quote { throw Malformed(text: "the quote \(quote) is not closed") }
        if isEscaped { throw Malformed(text: "nothing follows the backslash at the end") }
        if let word { words.append(word) }
        return words
    }

    /// The word as a POSIX shell must be given it to take it as it is.
    package static func quoted(_ word: String) -> String {
        "'"
            + word.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }
}
