package import FTSLTransport

/// Servers met before, as in ssh's known_hosts: an endpoint (or `*` for any) and the key it showed.
package struct KnownPeers: Sendable {
    package struct Entry: Hashable, Sendable {
        package var endpoint: String
        package var key: Fingerprint
        package var name: String
    }

    package private(set) var entries: [Entry] = []
    private var comments: [String] = []

    package enum Judgement: Equatable, Sendable {
        case known
        case unknown
        /// The endpoint showed another key before.
        case changed(from: Fingerprint)
    }

    package init(parsing text: String, path: String) throws(SecretFile.Refused) {
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.hasPrefix("#") { comments.append(String(line)) }
            if line.isEmpty || line.hasPrefix("#") { continue }
            let fields = line.split(separator: " ", maxSplits: 2)
            guard fields.count >= 2, let key = Fingerprint(String(fields[1])) else {
                throw SecretFile.Refused(
                    text: "\(path), line \(number + 1): expected ENDPOINT KEY [NAME]")
            }
            entries.append(
                Entry(
                    endpoint: String(fields[0]), key: key,
                    name: fields.count > 2 ? String(fields[2]) : ""))
        }
    }

    package var text: String {
        (comments + entries.map { "\($0.endpoint) \($0.key) \($0.name)".trimmedEnd })
            .map { $0 + "\n" }.joined()
    }

    package func judge(_ key: Fingerprint, at endpoint: Endpoint) -> Judgement {
        let own = entries.filter { $0.endpoint == "\(endpoint)" }
        if own.contains(where: { $0.key == key }) { return .known }
        if entries.contains(where: { $0.endpoint == "*" && $0.key == key }) { return .known }
        if let first = own.first { return .changed(from: first.key) }
        return .unknown
    }

    package mutating func trust(_ key: Fingerprint, at endpoint: String, name: String) {
        entries.removeAll { $0.endpoint == endpoint && (endpoint != "*" || $0.key == key) }
        entries.append(Entry(endpoint: endpoint, key: key, name: name))
    }

    /// True when something was removed.
    package mutating func revoke(_ key: Fingerprint) -> Bool {
        let before = entries.count
        entries.removeAll { $0.key == key }
        return entries.count < before
    }
}

extension String {
    /// Visible and without a separator: it stays one field when it is written into a line.
    package var isOneWord: Bool {
        !isEmpty && isOneLine && !unicodeScalars.contains { $0.properties.isWhitespace }
    }

    /// Without control characters: it stays one line, and does nothing to a terminal.
    package var isOneLine: Bool {
        !unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    package var trimmedEnd: String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}
