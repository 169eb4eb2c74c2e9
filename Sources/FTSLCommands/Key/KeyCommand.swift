internal import ArgumentParser
internal import FTSLKit
internal import FTSLTransport
internal import FoundationEssentials

struct KeyCommand: ParsableCommand {
    // Names are given: what the parser makes of a type's name costs a millisecond of every start.
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "This user's identity, and whom it believes.",
        subcommands: [Show.self, Trust.self, List.self, Revoke.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Print the fingerprint of this user's key; made at first use.")

        @Flag(help: "Draw the key as a picture, for comparing two screens.")
        var art = false

        @Flag(help: "As a JSON object.")
        var json = false

        @OptionGroup var global: GlobalOptions

        func run() throws {
            let key = try TrustStore.ofThisUser.fingerprint()
            if json {
                RawOutput.write(JSONValue.object(["key": .string("\(key)")]).line, to: 1)
            } else {
                RawOutput.write("\(key)\n", to: 1)
                if art { RawOutput.write(RandomArt.draw(key) + "\n", to: 1) }
            }
        }
    }

    enum Side: String, ExpressibleByArgument, CaseIterable {
        case client, server
    }

    struct Trust: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "trust",
            abstract: "Believe a key: let it come here, or know it as a server's.")

        @Argument(
            help: ArgumentHelp("Its fingerprint, as 'ftsl key show' prints it.", valueName: "key"))
        var key: String

        @Option(
            name: .customLong("as"),
            help: ArgumentHelp("Whose key it is.", valueName: "client|server"))
        var side = Side.client

        @Option(
            help: ArgumentHelp(
                "A name for people; of a server: its endpoint (default: any).", valueName: "name"))
        var name = ""

        @Option(
            help: ArgumentHelp(
                "What a client may do: stream, inbox[=GLOB], consume[=GLOB], migrate, control.",
                valueName: "list"))
        var allow = "stream"

        @Option(
            help: ArgumentHelp(
                "Until when a client may come: a date (2027-01-31) or a time with zone.",
                valueName: "date"))
        var expires: String?

        @OptionGroup var global: GlobalOptions

        func run() throws {
            let key = try fingerprint(key)
            let words = allow.split(separator: ",").map(String.init)
            let permissions = words.compactMap { Permission($0) }
            guard permissions.count == words.count, !permissions.isEmpty else {
                throw Ending(.usage, "'\(allow)' is not a list of permissions")
            }
            let until = try expires.map(Self.seconds)
            let (side, name) = (side, name)
            // It becomes part of a line that is read back.
            guard name.isOneLine, !name.hasPrefix("expires="), !name.hasPrefix(" ") else {
                throw Ending(.usage, "a name is one line that does not begin with 'expires='")
            }
            if side == .server, name.contains(":") {
                guard let endpoint = try? Endpoint(parsing: name, for: .connect),
                    "\(endpoint)" == name, name.isOneWord
                else { throw Ending(.usage, "'\(name)' is not an endpoint") }
            }
            try TrustStore.ofThisUser.orEnd { store throws(SecretFile.Refused) in
                switch side {
                case .client:
                    try store.updateAuthorizedPeers {
                        $0.trust(
                            .init(key: key, permissions: permissions, expires: until, name: name))
                    }
                case .server:
                    try store.updateKnownPeers {
                        $0.trust(key, at: name.contains(":") ? name : "*", name: name)
                    }
                }
            }
        }

        static func seconds(_ text: String) throws -> Int64 {
            let complete = text.contains("T") ? text : text + "T00:00:00Z"
            guard let date = try? Date(complete, strategy: .iso8601) else {
                throw Ending(.usage, "'\(text)' is not a date such as 2027-01-31")
            }
            return Int64(date.timeIntervalSince1970)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Show the clients that may come and the servers that are known.")

        @Flag(help: "As JSON objects, one a line.")
        var json = false

        @OptionGroup var global: GlobalOptions

        func run() throws {
            let (clients, servers) = try TrustStore.ofThisUser.orEnd {
                store throws(SecretFile.Refused) in
                (try store.authorizedPeers().entries, try store.knownPeers().entries)
            }
            for entry in clients {
                let allow = entry.permissions.map(\.description).joined(separator: ",")
                if json {
                    var object: [String: JSONValue] = [
                        "as": .string("client"), "key": .string("\(entry.key)"),
                        "allow": .string(allow), "name": .string(entry.name),
                    ]
                    if let expires = entry.expires { object["expires"] = .number(Double(expires)) }
                    RawOutput.write(JSONValue.object(object).line, to: 1)
                } else {
                    let until = entry.expires.map {
                        " until \(Date(timeIntervalSince1970: Double($0)).formatted(.iso8601))"
                    }
                    let line = "client \(entry.key) \(allow)\(until ?? "") \(entry.name)"
                    RawOutput.write(line.trimmedEnd + "\n", to: 1)
                }
            }
            for entry in servers {
                if json {
                    RawOutput.write(
                        JSONValue.object([
                            "as": .string("server"), "key": .string("\(entry.key)"),
                            "endpoint": .string(entry.endpoint), "name": .string(entry.name),
                        ]).line, to: 1)
                } else {
                    let line = "server \(entry.key) \(entry.endpoint) \(entry.name)"
                    RawOutput.write(line.trimmedEnd + "\n", to: 1)
                }
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "No longer believe a key, as a client's or a server's.")

        @Argument(help: ArgumentHelp("Its fingerprint.", valueName: "key"))
        var key: String

        @OptionGroup var global: GlobalOptions

        func run() throws {
            let key = try fingerprint(key)
            let removed = try TrustStore.ofThisUser.orEnd { store throws(SecretFile.Refused) in
                var removed = false
                try store.updateAuthorizedPeers { removed = $0.revoke(key) || removed }
                try store.updateKnownPeers { removed = $0.revoke(key) || removed }
                return removed
            }
            guard removed else { throw Ending(.noInput, "\(key) was not trusted here") }
        }
    }
}

private func fingerprint(_ text: String) throws -> Fingerprint {
    guard let key = Fingerprint(text) else {
        throw Ending(
            .usage, "'\(text)' is not a key; a key is ftsl1: and 52 letters and digits")
    }
    return key
}

extension TrustStore {
    /// The fingerprint of this user's own key.
    func fingerprint() throws -> Fingerprint {
        try orEnd { store throws(SecretFile.Refused) in try store.identity().fingerprint }
    }

    /// Runs `body`; a file that cannot be trusted or written ends the command.
    func orEnd<R>(_ body: (TrustStore) throws(SecretFile.Refused) -> R) throws -> R {
        do {
            return try body(self)
        } catch {
            throw Ending(
                error.text.hasPrefix("cannot") ? .cannotCreate : .configuration, error.text)
        }
    }
}
