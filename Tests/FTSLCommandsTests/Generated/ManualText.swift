import FTSLCore
import FTSLKit

@testable import FTSLCommands

/// What the manual pages take from the program: mdoc text to stand between markers.
struct ManualText {
    let root = OptionCatalog.load()

    /// Options that every command has.
    var common: [OptionDefinition] {
        guard let first = leaves.first else { return [] }
        return first.options.filter { option in
            option.kind != .positional && leaves.allSatisfy { $0.option(option.key) != nil }
        }
    }

    /// Commands that do something: `key` alone only has others below it.
    private var leaves: [CommandDefinition] {
        root.subcommands.flatMap { $0.subcommands.isEmpty ? [$0] : $0.subcommands }
    }

    func own(_ command: String) -> [OptionDefinition] {
        let shared = Set(common.map(\.key))
        let options = root.subcommands.first { $0.name == command }?.options ?? []
        return options.filter { $0.kind != .positional && !shared.contains($0.key) }
    }

    func options(_ options: [OptionDefinition]) -> String {
        var lines = [".Bl -tag -width Ds"]
        for option in options {
            var forms = option.shorts.map { "Fl \($0)" } + ["Fl -\(option.key)"]
            if option.kind == .switchable { forms.append("Fl -no-\(option.key)") }
            if option.kind == .value { forms[forms.count - 1] += " Ar \(option.valueName)" }
            lines.append(".It \(forms.joined(separator: " , "))")
            lines += Self.paragraph(option.help)
            if let value = option.defaultValue, option.kind == .value {
                lines.append("The default is \(value).")
            }
        }
        return (lines + [".El"]).joined(separator: "\n")
    }

    var commands: String {
        var lines = [".Bl -tag -width connect"]
        for command in root.subcommands {
            lines.append(".It Cm \(command.name)")
            lines += Self.paragraph(command.abstract)
            lines.append("See ftsl-\(command.name)(1).")
        }
        return (lines + [".El"]).joined(separator: "\n")
    }

    /// The same as a table of the README.
    var commandTable: String {
        let rows = root.subcommands.map { "| `ftsl \($0.name)` | \($0.abstract) |" }
        return (["| | |", "| --- | --- |"] + rows).joined(separator: "\n")
    }

    var exitStatuses: String {
        var lines = [".Bl -tag -width Ds"]
        for explanation in Explanations.statuses {
            lines.append(".It \(explanation.number)")
            lines += Self.paragraph(Self.sentence(explanation.meaning))
        }
        lines += [".It 128 + n", "Ended by signal n.", ".El"]
        return lines.joined(separator: "\n")
    }

    /// Number, name and meaning, with the exit status where a page is about the command.
    func failureCodes(withStatus: Bool) -> String {
        let widths =
            withStatus
            ? "\"00\" \"authentication-failed\" \"000\"" : "\"00\" \"authentication-failed\""
        var lines = [".Bl -column \(widths) \"meaning\""]
        for explanation in Explanations.failures {
            let status = withStatus ? " Ta \(explanation.exitStatus)" : ""
            lines.append(".It \(explanation.number) Ta \(explanation.name)\(status) Ta")
            lines += Self.paragraph(explanation.meaning)
        }
        return (lines + [".El"]).joined(separator: "\n")
    }

    /// What `listen --metrics` serves.
    var metrics: String {
        var lines = [".Bl -tag -width Ds"]
        for name in MetricName.allCases {
            let label = name.label.map { " by \($0)" } ?? ""
            lines.append(".It Va \(name.rawValue) Pq \(name.kind.rawValue)\(label)")
            lines += Self.paragraph(name.help)
        }
        return (lines + [".El"]).joined(separator: "\n")
    }

    private static func sentence(_ clause: String) -> String {
        clause.prefix(1).uppercased() + clause.dropFirst() + "."
    }

    /// Sentences a line each, no line longer than the manual's 78 columns, nothing that roff would
    /// take for its own.
    private static func paragraph(_ text: String) -> [String] {
        var lines: [String] = []
        for sentence in text.split(separator: ". ", omittingEmptySubsequences: true) {
            var line = ""
            let isLast = sentence.endIndex == text.endIndex
            for word in (isLast ? sentence : sentence + ".").split(separator: " ") {
                if !line.isEmpty, line.count + 1 + word.count > 74 {
                    lines.append(line)
                    line = ""
                }
                line += (line.isEmpty ? "" : " ") + word
            }
            lines.append(line)
        }
        return lines.map { line in
            let escaped = line.replacing("\\", with: "\\e").replacing("--", with: "\\-\\-")
            return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
        }
    }
}

/// Text between `BEGIN GENERATED name` and `END GENERATED name` in a file that people write.
enum Marked {
    struct Missing: Error {
        var name: String
    }

    /// The text with the part called `name` replaced.
    static func replacing(_ name: String, in text: String, with part: String) throws -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let begin = lines.firstIndex(where: { isMarker($0, "BEGIN GENERATED", name) }),
            let end = lines.firstIndex(where: { isMarker($0, "END GENERATED", name) }), begin < end
        else { throw Missing(name: name) }
        let before = lines[...begin].joined(separator: "\n")
        return before + "\n" + part + "\n" + lines[end...].joined(separator: "\n")
    }

    private static func isMarker(_ line: Substring, _ word: String, _ name: String) -> Bool {
        let comments = [".\\\" \(word) \(name)", "<!-- \(word) \(name) -->"]
        return comments.contains { line == $0 }
    }
}
