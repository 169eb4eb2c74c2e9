internal import ArgumentParser
internal import FTSLCore

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "What an error or exit status means and what to do.",
        discussion: """
            Codes are exit statuses, such as 76, and failure codes, such as digest-mismatch or 21. \
            Without a code all are listed.
            """)

    @Argument(help: "Exit status, or number or name of a failure code.")
    var code: String?

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let explanations = try chosen()
        let text: String
        if json {
            text = explanations.map { JSONValue.object($0.object).line }.joined()
        } else if code == nil {
            text = ExplanationText.list
        } else {
            text = explanations.map(ExplanationText.whole).joined(separator: "\n")
        }
        // A reader that has seen enough is no failure.
        guard RawOutput.write(text, to: 1) else { throw Ending(.brokenPipe) }
    }

    func chosen() throws(Ending) -> [Explanation] {
        guard let code else { return Explanations.statuses + Explanations.failures }
        let found = Explanations.lookup(code)
        guard found.isEmpty else { return found }
        throw Ending(
            .usage,
            "there is no code '\(code)'\(NearestName.hint(code, among: Explanations.names))",
            see: "ftsl explain")
    }
}

/// Explanations as people read them.
enum ExplanationText {
    static func whole(_ explanation: Explanation) -> String {
        var title = "\(explanation.kind) \(explanation.number), \(explanation.name)"
        if case .failure = explanation.subject {
            title += " (exit status \(explanation.exitStatus))"
        }
        var lines = [title, "    \(sentence(explanation.meaning))", "", "Likely causes"]
        lines += explanation.causes.map { "  - \($0)" }
        lines += ["", "What to do", "    \(sentence(explanation.action))"]
        return lines.joined(separator: "\n") + "\n"
    }

    static var list: String {
        var lines = ["Exit statuses"]
        lines += Explanations.statuses.map(line)
        lines += ["    128+n  ended by signal n", "", "Failure codes"]
        lines += Explanations.failures.map(line)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ explanation: Explanation) -> String {
        "\(padded("\(explanation.number)", -7)) \(padded(explanation.name, 22))"
            + " \(explanation.meaning)"
    }

    private static func sentence(_ clause: String) -> String {
        clause.prefix(1).uppercased() + clause.dropFirst() + "."
    }

    /// Filled up with spaces: to the right, or with a negative width to the left.
    private static func padded(_ text: String, _ width: Int) -> String {
        let space = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width < 0 ? space + text : text + space
    }
}

extension Explanation {
    /// The same for programs.
    var object: [String: JSONValue] {
        [
            "kind": .string(kind), "number": .integer(UInt64(number)), "name": .string(name),
            "exit_status": .integer(UInt64(exitStatus)), "meaning": .string(meaning),
            "causes": .array(causes.map { .string($0) }), "action": .string(action),
        ]
    }
}
