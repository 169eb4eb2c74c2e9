internal import ArgumentParser
internal import FTSLTransport

/// Endpoints of a command line: what cannot be one is a usage error.
enum EndpointArgument {
    static func list(_ text: String) throws -> [Endpoint] {
        do {
            return try Endpoint.list(parsing: text, for: .connect)
        } catch {
            throw ValidationError(error.text)
        }
    }
}

/// What `tail` and `status` look at: a service, or a file of this machine.
enum Place: Equatable {
    case endpoint(String)
    case path(String)

    /// An existing file is a path, and so is everything with a slash that does not say otherwise.
    init(_ text: String, exists: (String) -> Bool) {
        let isMarked = text.hasPrefix("unix:") || text.hasPrefix("ftsl://")
        self = !isMarked && (text.contains("/") || exists(text)) ? .path(text) : .endpoint(text)
    }
}
