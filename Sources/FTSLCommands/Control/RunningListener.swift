internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport

/// Which running listener of this user somebody means.
enum RunningListener {
    /// How long all of them together may take to say who they are.
    private static let patience: Duration = .seconds(2)

    /// What a listener says of itself, or why it does not.
    struct Found {
        var name: String
        var path: String
        var answer: Result<[String: JSONValue], Ending>
    }

    /// Those that live, in the order of their names; each is asked before any answer is awaited.
    static func all() throws(Ending) -> [Found] {
        let calls = try names().compactMap { name -> (name: String, call: ControlCall)? in
            // Without anybody behind it: the file of one that was killed.
            guard let call = try? ControlCall(ControlFolder.socket(of: name), name: name) else {
                return nil
            }
            return (name, call)
        }
        for (_, call) in calls { try? call.ask(ControlRequest("listener")) }
        let limit = MonotonicClock.now + patience
        return calls.compactMap { name, call in
            let path = ControlFolder.socket(of: name)
            do {
                let fields = try call.answer(by: limit) { _ in }
                return Found(name: name, path: path, answer: .success(fields))
            } catch {
                let ending = error as? Ending ?? Ending(.internalError, "\(error)")
                return Found(name: name, path: path, answer: .failure(ending))
            }
        }
    }

    private static func names() throws(Ending) -> [String] {
        do {
            return try ControlFolder.names()
        } catch {
            throw Ending(.noPermission, error.text)
        }
    }

    /// The listener that a name, a path or an endpoint stands for: one of this user's, or else for
    /// an endpoint whoever listens there.
    static func call(_ text: String, _ keys: ServerKeyOptions, log: Log) throws -> ControlCall {
        if !keys.isGiven, let call = try local(text) { return call }
        guard let endpoint = endpoint(text) else {
            throw Ending(.usage, "--peer, --accept-new and --tls-ca go with an endpoint")
        }
        let name =
            endpoint.isLoopback && !keys.isGiven
            ? "no listener of this user runs at \(text), and another cannot be asked"
            : "cannot ask \(text)"
        return try RemoteListener.call([endpoint], keys, name: name, log: log)
    }

    /// One of this user's; nil: it is none of them that listens at the endpoint.
    static func local(_ text: String) throws(Ending) -> ControlCall? {
        if let endpoint = endpoint(text) {
            return try socket(at: endpoint).map { path throws(Ending) in
                try ControlCall(path, name: text)
            }
        }
        return try ControlCall(socket(of: text), name: text)
    }

    /// The control socket that a name or a path stands for; whether anybody listens there shows
    /// when it is called.
    private static func socket(of text: String) throws(Ending) -> String {
        if text.contains("/") { return text }
        guard ControlFolder.isName(text) else {
            throw Ending(.usage, "'\(text)' is no name of a listener: \(ControlName.rule)")
        }
        _ = try names()
        return ControlFolder.socket(of: text)
    }

    /// True when a listener that lives has this name.
    static func exists(_ name: String) -> Bool {
        ControlFolder.isName(name) && UnixSocketFile.isServed(ControlFolder.socket(of: name))
    }

    /// An endpoint is told from a name by its colon.
    static func endpoint(_ text: String) -> Endpoint? {
        guard text.contains(":") else { return nil }
        return try? Endpoint(parsing: text, for: .listen)
    }

    /// Nil: no listener of this user listens there.
    private static func socket(at endpoint: Endpoint) throws(Ending) -> String? {
        let found = try all().first { found in
            guard case .success(let fields) = found.answer,
                let own = fields["endpoint"]?.plainText
            else { return false }
            return own == "\(endpoint)"
        }
        return found?.path
    }
}

/// Names of listeners, as people give them.
enum ControlName {
    static let rule =
        "letters, digits, '.', '_' and '-', at most \(ControlFolder.maxName), not beginning with "
        + "'.' or '-'"

    static func complaint(_ name: String) -> String? {
        ControlFolder.isName(name) ? nil : "a listener's name has \(rule)"
    }
}
