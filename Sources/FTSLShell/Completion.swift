/// What can stand where the cursor is.
package enum Completion: Equatable, Sendable {
    case words([String])
    /// Names of files.
    case files
}

/// Everything that completion knows by name.
package struct Vocabulary: Sendable {
    /// Options by command, with their dashes; nothing else is a command.
    package var options: [String: [String]]
    /// Options whose value is one of a few words, or a topic.
    package var values: [String: [String]]
    package var endpoints: [String]
    package var sessions: [String]
    package var topics: [String]

    package init(
        options: [String: [String]], values: [String: [String]] = [:], endpoints: [String] = [],
        sessions: [String] = [], topics: [String] = []
    ) {
        self.options = options
        self.values = values
        self.endpoints = endpoints
        self.sessions = sessions
        self.topics = topics
    }

    /// Commands whose first word is where somebody listens.
    private static let dialling: Set<String> = ["connect", "send", "tail", "status", "migrate"]
    private static let choosing: Set<String> = ["switch", "close"]

    /// The candidates for the word that begins at `start` and ends at the cursor, in bytes of the
    /// line.
    package func completion(of line: String, from start: Int, to end: Int) -> Completion {
        let bytes = Array(line.utf8)
        let word = String(decoding: bytes[min(start, end)..<end], as: UTF8.self)
        let before = String(decoding: bytes[..<start], as: UTF8.self)
        let words = before.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let first = words.first else {
            guard word.hasPrefix("/") else { return .words([]) }
            return Self.matching(word, options.keys.map { "/\($0)" })
        }
        guard first.hasPrefix("/"), let known = options[String(first.dropFirst())] else {
            return .words([])
        }
        let command = String(first.dropFirst())
        if word.hasPrefix("-") { return Self.matching(word, known) }
        return argument(word, of: command, after: Array(words.dropFirst()))
    }

    private func argument(
        _ word: String, of command: String, after words: [String]
    ) -> Completion {
        if let option = words.last, option.hasPrefix("-") {
            if option == "-t" || option == "--topic" { return Self.matching(word, topics) }
            if let choices = values[option] { return Self.matching(word, choices) }
        }
        if command == "help" { return Self.matching(word, Array(options.keys)) }
        if Self.choosing.contains(command) { return Self.matching(word, sessions) }
        if let choices = values[command] { return Self.matching(word, choices) }
        let isFirst = !words.contains { !$0.hasPrefix("-") }
        if Self.dialling.contains(command), isFirst {
            let found = Self.matching(word, endpoints)
            // `tail` and `status` read files too.
            if found != .words([]) || command == "connect" { return found }
        }
        return .files
    }

    private static func matching(_ word: String, _ candidates: [String]) -> Completion {
        .words(Set(candidates).filter { $0.hasPrefix(word) }.sorted())
    }
}
