internal import FTSLCore
internal import FTSLKit

/// What `ftsl status` is asked about.
enum StatusSubject: Equatable {
    /// All listeners, and this user's outbox.
    case everything
    /// An inbox or outbox.
    case file(String)
    /// A listener as it was named; `RunningListener` knows where it is.
    case listener(String)
    case message(String)

    /// What the world looks like, so that the order can be tested without it.
    struct World {
        var exists: (String) -> Bool
        var isSocket: (String) -> Bool
        var isListener: (String) -> Bool
        /// The outbox knows a message by this id.
        var isMessage: (String) throws -> Bool
    }

    /// In this order: with --inbox, a message's id; a path; with --outbox, or in the form of a
    /// message's name, a message's id; an endpoint or the name of a listener that runs; the id of a
    /// message in the outbox; and what is none of these, the name of a listener that does not run.
    static func of(_ options: StatusOptions, _ world: World) throws -> StatusSubject {
        guard let text = options.subject else {
            return options.outbox.map { .file($0) } ?? .everything
        }
        if options.kill != nil || options.expire != nil || options.keys.isGiven {
            return .listener(text)
        }
        if options.inbox != nil { return .message(text) }
        if case .path(let path) = Place(text, exists: world.exists) {
            return world.isSocket(path) ? .listener(path) : .file(path)
        }
        if options.outbox != nil || MessageName(text) != nil { return .message(text) }
        if world.isListener(text) { return .listener(text) }
        return try world.isMessage(text) ? .message(text) : .listener(text)
    }
}
