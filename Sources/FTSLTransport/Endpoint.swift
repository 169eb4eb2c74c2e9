/// Where a peer listens: a TCP host and port, or a Unix socket.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// What an endpoint is for decides what an empty host means.
    package enum Purpose: Sendable {
        /// An empty host is loopback.
        case listen
        /// An empty host is localhost; port 0 means nothing.
        case connect
    }

    package struct SyntaxError: Error, Hashable {
        package var text: String
    }

    package static let defaultPort = 38750

    /// `HOST:PORT`, `[v6]:PORT`, `:PORT`, `HOST`, `unix:PATH`, `ftsl://HOST:PORT`.
    package init(parsing text: String, for purpose: Purpose) throws(SyntaxError) {
        let rest = text.hasPrefix("ftsl://") ? String(text.dropFirst(7)) : text
        if rest.hasPrefix("unix:") {
            let path = String(rest.dropFirst(5))
            // sun_path holds 108 bytes with its terminator.
            guard !path.isEmpty, path.utf8.count < 108 else {
                throw SyntaxError(text: "'\(text)': a socket path has 1 to 107 bytes")
            }
            self = .unix(path: path)
            return
        }
        let (host, port) = try Self.split(rest, original: text)
        if purpose == .connect, port == 0 {
            throw SyntaxError(text: "'\(text)': port 0 cannot be connected to")
        }
        let fallback = purpose == .listen ? "127.0.0.1" : "localhost"
        self = .tcp(host: host.isEmpty ? fallback : host, port: port)
    }

    private static func split(
        _ rest: String, original: String
    ) throws(SyntaxError) -> (String, Int) {
        var trimmed = rest
        if trimmed.hasSuffix("/"), original.hasPrefix("ftsl://") { trimmed.removeLast() }
        if trimmed.hasPrefix("[") {
            guard let close = trimmed.firstIndex(of: "]") else {
                throw SyntaxError(text: "'\(original)': '[' without ']'")
            }
            let host = String(trimmed[trimmed.index(after: trimmed.startIndex)..<close])
            let tail = trimmed[trimmed.index(after: close)...]
            guard host.contains(":") else {
                throw SyntaxError(text: "'\(original)': brackets hold an IPv6 address")
            }
            if tail.isEmpty { return (host, defaultPort) }
            guard tail.hasPrefix(":") else {
                throw SyntaxError(text: "'\(original)': ':PORT' must follow ']'")
            }
            return (host, try port(tail.dropFirst(), original))
        }
        let parts = trimmed.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1:
            guard valid(host: parts[0]) else {
                throw SyntaxError(text: "'\(original)' is not an endpoint")
            }
            return (String(parts[0]), defaultPort)
        case 2:
            guard parts[0].isEmpty || valid(host: parts[0]) else {
                throw SyntaxError(text: "'\(original)' has no valid host name")
            }
            return (String(parts[0]), try port(parts[1], original))
        default:
            throw SyntaxError(
                text: "'\(original)': write an IPv6 address as [ADDRESS]:PORT")
        }
    }

    private static func valid(host: Substring) -> Bool {
        !host.isEmpty
            && host.utf8.allSatisfy {
                ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A)
                    || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F || $0 >= 0x80
            }
    }

    private static func port(_ text: Substring, _ original: String) throws(SyntaxError) -> Int {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let port = Int(text), port <= 65_535
        else { throw SyntaxError(text: "'\(original)': the port is a number from 0 to 65535") }
        return port
    }

    /// Several endpoints, comma-separated, are alternatives for one service.
    package static func list(
        parsing text: String, for purpose: Purpose
    ) throws(SyntaxError) -> [Endpoint] {
        var endpoints: [Endpoint] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            endpoints.append(try Endpoint(parsing: String(part), for: purpose))
        }
        return endpoints
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port):
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The host name or address of a TCP endpoint.
    package var host: String? {
        if case .tcp(let host, _) = self { host } else { nil }
    }

    /// True when only this machine can reach a listener here.
    package var isLoopback: Bool {
        switch self {
        case .unix: true
        case .tcp(let host, _):
            host == "localhost" || host == "::1" || Self.isLoopbackAddress(host)
        }
    }

    /// 127.0.0.0/8 in digits; a host name that begins like one may be anywhere.
    private static func isLoopbackAddress(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
