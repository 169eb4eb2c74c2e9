internal import Glibc

/// Where the value of an option came from.
enum SettingSource: Equatable, Sendable {
    case commandLine
    /// The variable's name.
    case environment(String)
    /// The key's place in the file.
    case file(path: String, place: String)
    case builtIn

    var description: String {
        switch self {
        case .commandLine: "command line"
        case .environment(let name): name
        case .file(let path, let place): "\(path): \(place)"
        case .builtIn: "default"
        }
    }

    /// A bad value in the environment is a usage error, one in the file a bad configuration.
    func ending(_ text: String) -> Ending {
        switch self {
        case .file: Ending(.configuration, "\(description): \(text)")
        case .commandLine, .environment, .builtIn: Ending(.usage, "\(description): \(text)")
        }
    }
}

/// One option with the value that holds for it.
struct Setting: Equatable, Sendable {
    var option: OptionDefinition
    /// As it would stand on the command line; nil where there is neither value nor default.
    var value: String?
    var source: SettingSource
}

/// Options from the environment and from config.json.
///
/// Precedence: command line, environment, context, defaults, what is built in.
struct Settings {
    let root: CommandDefinition
    let environment: [String: String]
    let file: ConfigurationFile?
    let path: String?

    init(
        root: CommandDefinition, environment: [String: String] = [:],
        file: ConfigurationFile? = nil, path: String? = nil
    ) {
        self.root = root
        self.environment = environment
        self.file = file
        self.path = path
    }

    /// What the environment and the file hold; nil when neither has anything, which costs next to
    /// nothing to find out.
    static func load(needed: Bool = false) throws(Ending) -> Settings? {
        let environment = SettingsEnvironment.read()
        let path = ConfigurationFile.standardPath { name in
            getenv(name).map { String(cString: $0) }
        }
        var bytes: [UInt8]?
        if let path { bytes = try ConfigurationFile.read(path) }
        guard needed || !environment.isEmpty || bytes != nil else { return nil }
        let root = OptionCatalog.load()
        var file: ConfigurationFile?
        if let path, let bytes {
            file = try ConfigurationFile(path: path, bytes: bytes, root: root)
        }
        return Settings(root: root, environment: environment, file: file, path: path)
    }

    /// The command that `arguments` begin with, and how many of them name it.
    func command(in arguments: [String]) -> (CommandDefinition, depth: Int) {
        var command = root
        var depth = 0
        while depth < arguments.count,
            let next = command.subcommands.first(where: { $0.name == arguments[depth] })
        {
            command = next
            depth += 1
        }
        return (command, depth)
    }

    /// Every option of the command that `arguments` begin with: what holds, and since when.
    func resolved(_ arguments: [String]) throws(Ending) -> [Setting] {
        let (command, depth) = command(in: arguments)
        let given = GivenOptions(arguments.dropFirst(depth), of: command)
        let sections = try sections(path: arguments.prefix(depth), given, command)
        var settings: [Setting] = []
        for option in command.options {
            settings.append(try setting(option, given, sections))
        }
        return settings
    }

    /// The arguments with what the environment and the file add to them.
    func applied(to arguments: [String]) throws(Ending) -> AppliedSettings {
        let (_, depth) = command(in: arguments)
        let added = try resolved(arguments).filter {
            switch $0.source {
            case .environment, .file: $0.option.key != "context"
            case .commandLine, .builtIn: false
            }
        }
        return AppliedSettings(
            command: Array(arguments.prefix(depth)), added: added,
            rest: Array(arguments.dropFirst(depth)))
    }

    // MARK: One option

    /// A place to look for values, most important first.
    private struct Scope {
        var values: ConfigurationFile.Section
        var place: String
        /// Holds for every command, not for one.
        var isShared: Bool
    }

    private func setting(
        _ option: OptionDefinition, _ given: GivenOptions, _ scopes: [Scope]
    ) throws(Ending) -> Setting {
        if let value = given.values[option.key] {
            return Setting(option: option, value: value, source: .commandLine)
        }
        // Where clients go is not where a listener listens.
        let isOwn = option.kind == .positional && option.defaultValue != nil
        if let text = environment[option.environmentName], !isOwn {
            let source = SettingSource.environment(option.environmentName)
            return Setting(
                option: option, value: try Self.checked(text, option, source), source: source)
        }
        for scope in scopes where !(scope.isShared && isOwn) {
            guard let value = scope.values[option.key], !value.isObject else { continue }
            let source = SettingSource.file(
                path: file?.path ?? "", place: "\(scope.place).\(option.key)")
            guard let text = value.plainText else {
                throw source.ending("must be a string, a number, true or false")
            }
            return Setting(
                option: option, value: try Self.checked(text, option, source), source: source)
        }
        return Setting(option: option, value: option.defaultValue, source: .builtIn)
    }

    /// Flags and counts are checked here; the argument parser checks everything else.
    private static func checked(
        _ text: String, _ option: OptionDefinition, _ source: SettingSource
    ) throws(Ending) -> String {
        switch option.kind {
        case .value, .positional: return text
        case .flag, .switchable:
            switch text.lowercased() {
            case "1", "true": return "true"
            case "0", "false": return "false"
            default: throw source.ending("'\(text)' is neither 1 or true nor 0 or false")
            }
        case .count:
            let words = ["true": "1", "false": "0"]
            let number = words[text.lowercased()] ?? text
            guard let count = Int(number), (0...9).contains(count) else {
                throw source.ending("'\(text)' is not a number from 0 to 9")
            }
            return number
        }
    }

    // MARK: The context

    private func sections(
        path words: ArraySlice<String>, _ given: GivenOptions, _ command: CommandDefinition
    ) throws(Ending) -> [Scope] {
        let word = words.first ?? ""
        var scopes: [Scope] = []
        if command.option("context") != nil, let (name, source) = contextName(given, word) {
            guard let section = file?.contexts[name] else {
                throw noContext(name, source)
            }
            scopes += Self.scopes(section, "contexts.\(name)", word)
        }
        if let file { scopes += Self.scopes(file.defaults, "defaults", word) }
        return scopes
    }

    private static func scopes(
        _ section: ConfigurationFile.Section, _ place: String, _ word: String
    ) -> [Scope] {
        var scopes: [Scope] = []
        if case .object(let own)? = section[word] {
            scopes.append(Scope(values: own, place: "\(place).\(word)", isShared: false))
        }
        return scopes + [Scope(values: section, place: place, isShared: true)]
    }

    private func contextName(
        _ given: GivenOptions, _ word: String
    ) -> (String, SettingSource)? {
        if let name = given.values["context"] { return (name, .commandLine) }
        if let name = environment["FTSL_CONTEXT"] { return (name, .environment("FTSL_CONTEXT")) }
        if let file, case .string(let name)? = file.defaults["context"] {
            return (name, .file(path: file.path, place: "defaults.context"))
        }
        return nil
    }

    private func noContext(_ name: String, _ source: SettingSource) -> Ending {
        let known = file?.contexts.keys.sorted() ?? []
        let place = path ?? "config.json"
        let asked = source == .commandLine ? "" : " (asked for by \(source.description))"
        let hint = NearestName.hint(name, among: known)
        return Ending(
            .configuration,
            file == nil
                ? "there is no context '\(name)'\(asked): \(place) does not exist"
                : "there is no context '\(name)' in \(place)\(asked)\(hint)")
    }
}
