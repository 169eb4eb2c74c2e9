internal import ArgumentParser
internal import FoundationEssentials

/// What an option takes; decides how a setting becomes arguments.
enum OptionKind: Equatable, Sendable {
    /// `--name`.
    case flag
    /// `--name` or `--no-name`.
    case switchable
    /// `--name` any number of times: the setting is a number.
    case count
    /// `--name VALUE`.
    case value
    /// The command's first positional argument.
    case positional
}

/// One option of one command, as the argument parser knows it.
struct OptionDefinition: Equatable, Sendable {
    /// The long name without dashes: the key in config.json.
    var key: String
    var kind: OptionKind
    var shorts: [Character]
    var valueName: String
    var defaultValue: String?
    var help: String

    /// `FTSL_SESSION_TIMEOUT` for `session-timeout`.
    var environmentName: String {
        "FTSL_" + key.uppercased().replacing("-", with: "_")
    }
}

/// One command with its options, in the order of its help.
struct CommandDefinition: Sendable {
    var name: String
    var abstract: String
    /// Everything that can be set from outside: what has a long name, and a first positional
    /// `endpoint`.
    var options: [OptionDefinition]
    var subcommands: [CommandDefinition]

    func option(_ key: String) -> OptionDefinition? { options.first { $0.key == key } }

    /// The options of this command and of those below it.
    var allOptions: [OptionDefinition] { options + subcommands.flatMap(\.allOptions) }
}

/// Every command and option of `ftsl`, taken from the argument parser itself so that nothing is
/// said twice.
enum OptionCatalog {
    static func load() -> CommandDefinition { load(RootCommand.self) }

    static func load(_ root: any ParsableCommand.Type) -> CommandDefinition {
        let dump = Data(root._dumpHelp().utf8)
        guard let tool = try? JSONDecoder().decode(ToolDump.self, from: dump) else {
            preconditionFailure("the argument parser's description of itself has changed")
        }
        return tool.command.definition
    }
}

/// The part of the argument parser's own description that matters here.
private struct ToolDump: Decodable {
    var command: CommandDump
}

private struct CommandDump: Decodable {
    var commandName: String
    var abstract: String?
    var arguments: [ArgumentDump]?
    var subcommands: [CommandDump]?

    var definition: CommandDefinition {
        var options: [OptionDefinition] = []
        let arguments = arguments ?? []
        let negations = Set(arguments.compactMap(\.longName).filter { $0.hasPrefix("no-") })
        for argument in arguments {
            if argument.kind == "positional" {
                guard argument.valueName == "endpoint", options.isEmpty else { continue }
                options.append(argument.definition("endpoint", .positional))
                continue
            }
            guard let key = argument.longName, key != "help", key != "version" else { continue }
            let isNegation = key.hasPrefix("no-") && options.last?.key == String(key.dropFirst(3))
            if isNegation { continue }
            let kind: OptionKind =
                argument.kind == "option"
                ? .value
                : argument.isRepeating
                    ? .count : negations.contains("no-\(key)") ? .switchable : .flag
            options.append(argument.definition(key, kind))
        }
        let below = (subcommands ?? []).filter { $0.commandName != "help" }
        return CommandDefinition(
            name: commandName, abstract: abstract ?? "", options: options,
            subcommands: below.map(\.definition))
    }
}

private struct ArgumentDump: Decodable {
    struct Name: Decodable {
        var kind: String
        var name: String
    }

    var kind: String
    var names: [Name]?
    var valueName: String?
    var defaultValue: String?
    var abstract: String?
    var isRepeating: Bool

    var longName: String? { names?.first { $0.kind == "long" }?.name }

    func definition(_ key: String, _ kind: OptionKind) -> OptionDefinition {
        OptionDefinition(
            key: key, kind: kind,
            shorts: (names ?? []).compactMap { $0.kind == "short" ? $0.name.first : nil },
            valueName: valueName ?? "", defaultValue: defaultValue, help: abstract ?? "")
    }
}
