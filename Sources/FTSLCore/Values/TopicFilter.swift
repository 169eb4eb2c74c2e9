/// Patterns of topics: `*` stands for one level, `#` for the rest; levels end at `.` or `/`.
package struct TopicFilter: Hashable, Sendable {
    /// Empty: every topic.
    package let patterns: [String]

    package static let everything = TopicFilter([])

    package init(_ patterns: [String]) { self.patterns = patterns }

    /// Lets through all that `other` lets through. Judged pattern by pattern, so that it may say no
    /// where only several patterns together would do.
    package func covers(_ other: TopicFilter) -> Bool {
        guard !patterns.isEmpty else { return true }
        guard !other.patterns.isEmpty else { return patterns.contains("#") }
        return other.patterns.allSatisfy { inner in
            patterns.contains { Self.covers(Self.levels($0), Self.levels(inner)) }
        }
    }

    /// There are topics that both let through.
    package func overlaps(_ other: TopicFilter) -> Bool {
        guard !patterns.isEmpty, !other.patterns.isEmpty else { return true }
        return patterns.contains { pattern in
            other.patterns.contains { Self.overlaps(Self.levels(pattern), Self.levels($0)) }
        }
    }

    private static func levels(_ pattern: String) -> ArraySlice<Substring> {
        pattern.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "/" }[...]
    }

    private static func covers(
        _ outer: ArraySlice<Substring>, _ inner: ArraySlice<Substring>
    ) -> Bool {
        if outer.elementsEqual(["#"]) { return true }
        guard let level = outer.first, let other = inner.first else {
            return outer.isEmpty && inner.isEmpty
        }
        // The rest may be anything, or nothing.
        if inner.elementsEqual(["#"]) { return false }
        guard level == "*" ? !other.isEmpty : level == other else { return false }
        return covers(outer.dropFirst(), inner.dropFirst())
    }

    private static func overlaps(
        _ a: ArraySlice<Substring>, _ b: ArraySlice<Substring>
    ) -> Bool {
        if a.elementsEqual(["#"]) || b.elementsEqual(["#"]) { return true }
        guard let first = a.first, let second = b.first else { return a.isEmpty && b.isEmpty }
        let fits =
            first == second || first == "*" && !second.isEmpty || second == "*" && !first.isEmpty
        return fits && overlaps(a.dropFirst(), b.dropFirst())
    }

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
