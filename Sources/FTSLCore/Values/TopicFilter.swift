/// Patterns of topics: `*` stands for one level, `#` for the rest; levels end at `.` or `/`.
package struct TopicFilter: Hashable, Sendable {
    /// Empty: every topic.
    package let patterns: [String]

    package static let everything = TopicFilter([])

    package init(_ patterns: [String]) { self.patterns = patterns }

    package func matches(_ topic: String) -> Bool {
        guard !patterns.isEmpty else { return true }
        return patterns.contains { Self.matches($0.utf8[...], topic.utf8[...]) }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/")
    }

    private static func matches(
        _ pattern: Substring.UTF8View, _ topic: Substring.UTF8View
    ) -> Bool {
        var pattern = pattern
        var topic = topic
        while true {
            let level = pattern.prefix { !isSeparator($0) }
            // "a.#" also stands for "a" itself.
            if level.elementsEqual("#".utf8), level.endIndex == pattern.endIndex { return true }
            let word = topic.prefix { !isSeparator($0) }
            guard level.elementsEqual("*".utf8) ? !word.isEmpty : level.elementsEqual(word) else {
                return false
            }
            let patternEnds = level.endIndex == pattern.endIndex
            let topicEnds = word.endIndex == topic.endIndex
            if patternEnds || topicEnds {
                if patternEnds { return topicEnds }
                let rest = pattern[pattern.index(after: level.endIndex)...]
                return rest.elementsEqual("#".utf8)
            }
            pattern = pattern[pattern.index(after: level.endIndex)...]
            topic = topic[topic.index(after: word.endIndex)...]
        }
    }
}
