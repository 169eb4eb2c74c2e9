package import FTSLTransport

/// What a trusted key may do here.
package enum Permission: Hashable, Sendable, CustomStringConvertible {
    case stream
    /// Send into topics that match.
    case inbox(String)
    /// Read topics that match.
    case consume(String)
    case migrate
    case control

    /// Nil unless it is one, and reads back as the same from a line of the file.
    package init?(_ text: String) {
        guard text.isOneWord else { return nil }
        let parts = text.split(separator: "=", maxSplits: 1)
        guard let name = parts.first else { return nil }
        let glob = parts.count > 1 ? String(parts[1]) : "#"
        switch name {
        case "stream" where parts.count == 1: self = .stream
        case "inbox": self = .inbox(glob)
        case "consume": self = .consume(glob)
        case "migrate" where parts.count == 1: self = .migrate
        case "control" where parts.count == 1: self = .control
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .stream: "stream"
        case .inbox(let glob): "inbox=\(glob)"
        case .consume(let glob): "consume=\(glob)"
        case .migrate: "migrate"
        case .control: "control"
        }
    }
}

/// Clients that may come, as in ssh's authorized_keys: a key, what it may do, until when, and a
/// name for people.
///
/// A line is `KEY allow=PERMISSION,… [expires=SECONDS-SINCE-1970] [NAME]`.
package struct AuthorizedPeers: Sendable {
    package struct Entry: Hashable, Sendable {
        package var key: Fingerprint
        package var permissions: [Permission]
        /// Seconds since 1970.
        package var expires: Int64?
        package var name: String

        package init(
            key: Fingerprint, permissions: [Permission], expires: Int64?, name: String
        ) {
            self.key = key
            self.permissions = permissions
            self.expires = expires
            self.name = name
        }
    }

    package private(set) var entries: [Entry] = []
    private var comments: [String] = []

    package init(parsing text: String, path: String) throws(SecretFile.Refused) {
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.hasPrefix("#") { comments.append(String(line)) }
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let entry = Self.entry(line) else {
                throw SecretFile.Refused(
                    text: "\(path), line \(number + 1): expected "
                        + "KEY allow=PERMISSION,… [expires=SECONDS] [NAME]")
            }
            entries.append(entry)
        }
    }

    private static func entry(_ line: Substring) -> Entry? {
        var fields = line.split(separator: " ")[...]
        guard let key = fields.popFirst().flatMap({ Fingerprint(String($0)) }),
            let allow = fields.popFirst(), allow.hasPrefix("allow=")
        else { return nil }
        let words = allow.dropFirst(6).split(separator: ",")
        let permissions = words.compactMap { Permission(String($0)) }
        guard !words.isEmpty, permissions.count == words.count else { return nil }
        var expires: Int64?
        if let first = fields.first, first.hasPrefix("expires=") {
            guard let seconds = Int64(first.dropFirst(8)) else { return nil }
            expires = seconds
            fields.removeFirst()
        }
        return Entry(
            key: key, permissions: permissions, expires: expires,
            name: fields.joined(separator: " "))
    }

    package var text: String {
        let lines = entries.map { entry in
            let allow = entry.permissions.map(\.description).joined(separator: ",")
            let expires = entry.expires.map { " expires=\($0)" } ?? ""
            return "\(entry.key) allow=\(allow)\(expires) \(entry.name)".trimmedEnd
        }
        return (comments + lines).map { $0 + "\n" }.joined()
    }

    /// Permissions of a key now; nil: it is not known here, or no longer.
    package func permissions(of key: Fingerprint, now seconds: Int64) -> [Permission]? {
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        if let expires = entry.expires, expires <= seconds { return nil }
        return entry.permissions
    }

    package mutating func trust(_ entry: Entry) {
        entries.removeAll { $0.key == entry.key }
        entries.append(entry)
    }

    /// True when something was removed.
    package mutating func revoke(_ key: Fingerprint) -> Bool {
        let before = entries.count
        entries.removeAll { $0.key == key }
        return entries.count < before
    }
}
