internal import FTSLCore

/// `ftsl status --settings`: what holds for every command, and where it comes from.
enum SettingsTable {
    /// A command, one of its options, what it is and why.
    struct Row: Equatable {
        var command: String
        var setting: Setting

        var json: [String: JSONValue] {
            [
                "command": .string(command), "option": .string(setting.option.key),
                "value": setting.value.map { .string($0) } ?? .null,
                "source": .string(setting.source.description),
            ]
        }
    }

    static func rows(_ settings: Settings, context: String?) throws(Ending) -> [Row] {
        var rows: [Row] = []
        for path in paths(settings.root, []) {
            let given = context.map { ["--context", $0] } ?? []
            for setting in try settings.resolved(path + given) where setting.option.key != "context"
            {
                rows.append(Row(command: path.joined(separator: " "), setting: setting))
            }
        }
        return rows
    }

    private static func paths(_ command: CommandDefinition, _ words: [String]) -> [[String]] {
        guard !command.subcommands.isEmpty else { return [words] }
        return command.subcommands.flatMap { paths($0, words + [$0.name]) }
    }

    static func text(_ rows: [Row], json: Bool) -> String {
        if json { return rows.map { JSONValue.object($0.json).line }.joined() }
        var table = Table(["COMMAND", "OPTION", "VALUE", "SOURCE"])
        for row in rows {
            table.add([
                row.command, row.setting.option.key, row.setting.value ?? "-",
                row.setting.source.description,
            ])
        }
        return table.text
    }
}
