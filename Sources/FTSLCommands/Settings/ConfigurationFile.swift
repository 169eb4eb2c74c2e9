internal import Glibc

/// `config.json`: defaults and named contexts.
///
/// A section's keys are long option names, for all commands that have the option, or command names
/// with an object of options for that command alone.
struct ConfigurationFile {
    typealias Section = [String: JSONValue]

    /// No sane configuration is larger; a device or a wrong file is.
    static let maxBytes = 1 << 20

    let path: String
    let defaults: Section
    let contexts: [String: Section]

    /// `$XDG_CONFIG_HOME/ftsl/config.json`, or below `~/.config`; nil without a home.
    static func standardPath(_ variable: (String) -> String?) -> String? {
        if let base = variable("XDG_CONFIG_HOME"), base.hasPrefix("/") {
            return "\(base)/ftsl/config.json"
        }
        guard let home = variable("HOME"), !home.isEmpty else { return nil }
        return "\(home)/.config/ftsl/config.json"
    }

    /// The file's bytes; nil when there is no such file.
    static func read(_ path: String) throws(Ending) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Self.ending(path, String(cString: strerror(errno)).lowercased())
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.ending(path, String(cString: strerror(errno)).lowercased())
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > maxBytes { throw Self.ending(path, "larger than 1 MiB") }
        }
    }

    init(path: String, bytes: [UInt8], root: CommandDefinition) throws(Ending) {
        self.path = path
        guard case .object(let top) = try Self.decode(bytes, path) else {
            throw Self.ending(path, "not a JSON object")
        }
        for key in top.keys.sorted() where key != "defaults" && key != "contexts" {
            let hint = NearestName.hint(key, among: ["defaults", "contexts"])
            throw Self.ending(
                path, "unknown key '\(key)'\(hint); known are 'defaults' and 'contexts'")
        }
        defaults = try Self.object(top["defaults"], "defaults", path)
        var contexts: [String: Section] = [:]
        for (name, value) in try Self.object(top["contexts"], "contexts", path) {
            contexts[name] = try Self.object(value, "contexts.\(name)", path)
        }
        self.contexts = contexts
        try Self.check(defaults, "defaults", path, root)
        for name in contexts.keys.sorted() {
            let section = contexts[name] ?? [:]
            guard section["context"] == nil else {
                throw Self.ending(path, "contexts.\(name): a context cannot name another one")
            }
            try Self.check(section, "contexts.\(name)", path, root)
        }
    }

    /// Every key must be an option or a command: a slip of the pen is never silently ignored.
    private static func check(
        _ section: Section, _ place: String, _ path: String, _ root: CommandDefinition
    ) throws(Ending) {
        let keys = Set(root.allOptions.map(\.key))
        let commands = root.subcommands.map(\.name)
        for (key, value) in section.sorted(by: { $0.key < $1.key }) {
            if let command = root.subcommands.first(where: { $0.name == key }) {
                if keys.contains(key), !value.isObject { continue }
                let own = Set(command.allOptions.map(\.key)).subtracting(["context"])
                for inner in try object(value, "\(place).\(key)", path).keys.sorted()
                where !own.contains(inner) {
                    throw ending(
                        path,
                        "\(place).\(key): unknown key '\(inner)'"
                            + NearestName.hint(inner, among: own.sorted()))
                }
            } else if !keys.contains(key) {
                throw ending(
                    path,
                    "\(place): unknown key '\(key)'"
                        + NearestName.hint(key, among: keys.sorted() + commands))
            }
        }
    }

    private static func object(
        _ value: JSONValue?, _ place: String, _ path: String
    ) throws(Ending) -> Section {
        switch value {
        case nil: return [:]
        case .object(let section): return section
        default: throw ending(path, "\(place) is not an object")
        }
    }

    private static func decode(_ bytes: [UInt8], _ path: String) throws(Ending) -> JSONValue {
        do {
            return try JSONReader.parse(bytes)
        } catch {
            throw ending(path, error.description)
        }
    }

    static func ending(_ path: String, _ text: String) -> Ending {
        Ending(.configuration, "\(path): \(text)")
    }
}
