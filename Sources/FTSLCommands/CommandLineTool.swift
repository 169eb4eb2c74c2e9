internal import ArgumentParser
internal import FTSLKit

/// The `ftsl` command: parses, runs, and turns every error into a sentence and a status.
public enum CommandLineTool {
    /// What `--version` says; also the version of the package.
    public static let version = "0.1.0"

    /// Runs the command that this process's arguments name, and ends the process with its status.
    public static func main() -> Never {
        if Array(CommandLine.arguments.dropFirst()) == [Successor.question] { ImageCheck.run() }
        var arguments = Self.rewritten(Array(CommandLine.arguments.dropFirst()))
        // Alone on a terminal: somebody wants to look around.
        if arguments.isEmpty, ShellTerminal.isThere { arguments = ["shell"] }
        do {
            let applied = try settings(for: arguments)
            var command = try parse(applied?.arguments ?? arguments, applied)
            try command.run()
            ProcessEnd.with(.success, nil)
        } catch let ending as Ending {
            ProcessEnd.with(ending, log(for: arguments))
        } catch {
            end(parsing: error, of: arguments)
        }
    }

    /// The command of a line in a shell, with the settings that hold for it.
    static func command(for arguments: [String]) throws(Ending) -> any ParsableCommand {
        let arguments = rewritten(arguments)
        let applied = try settings(for: arguments)
        do {
            return try parse(applied?.arguments ?? arguments, applied)
        } catch {
            if let ending = error as? Ending { throw ending }
            let name = arguments.first ?? ""
            throw Ending(.usage, clause(RootCommand.message(for: error)), see: "/help \(name)")
        }
    }

    /// How a command is to be used, in one line.
    static func usage(of name: String) -> String {
        let type = RootCommand.configuration.subcommands.first { $0._commandName == name }
        let text = type.map { RootCommand.usageString(for: $0) } ?? "ftsl <subcommand>"
        let lines = text.split(whereSeparator: \.isNewline).map { String($0).trimmedSpace }
        return "usage: \(lines.joined(separator: " "))"
    }

    /// The log for errors that come before the options are known.
    private static func log(for arguments: [String]) -> Log {
        let flag = arguments.firstIndex(of: "--log-format").map { arguments[($0 + 1)...].first }
        let isJSON =
            arguments.contains("--log-format=json") || flag == "json"
            || SettingsEnvironment.read()["FTSL_LOG_FORMAT"] == "json"
        return Log(threshold: .error, format: isJSON ? .json : .text)
    }

    /// Options from the environment and from config.json; nil where there are none.
    private static func settings(for arguments: [String]) throws(Ending) -> AppliedSettings? {
        // Help and explanations are what one needs when the configuration is broken.
        let isHelp = ["-h", "--help", "--version"].contains { arguments.contains($0) }
        guard let word = arguments.first, word != "help", !isHelp else { return nil }
        let asksForContext = arguments.contains { $0.hasPrefix("--context") }
        do {
            return try Settings.load(needed: asksForContext)?.applied(to: arguments)
        } catch {
            guard word == "explain" else { throw error }
            return nil
        }
    }

    /// Says which setting is to blame where the user's own words are not.
    private static func parse(
        _ arguments: [String], _ applied: AppliedSettings?
    ) throws -> any ParsableCommand {
        if let command = directly(arguments) { return command }
        do {
            return try RootCommand.parseAsRoot(arguments)
        } catch {
            guard let culprit = applied?.culprit(complaint) else { throw error }
            throw culprit.source.ending(clause(RootCommand.message(for: error)))
        }
    }

    /// The command that the first word names, parsed without looking at all the others: that takes
    /// half the time of a start. Nil where there is more to say: an error, a question for help.
    private static func directly(_ arguments: [String]) -> (any ParsableCommand)? {
        guard let word = arguments.first,
            let type = RootCommand.configuration.subcommands.first(where: {
                $0.configuration.commandName == word
            }), type.configuration.subcommands.isEmpty,
            !["-h", "--help", "--version"].contains(where: { arguments.contains($0) }),
            let command = try? type.parseAsRoot(Array(arguments.dropFirst()))
        else { return nil }
        return Swift.type(of: command) == type ? command : nil
    }

    /// What the parser says about arguments; nil when it accepts them.
    private static func complaint(_ arguments: [String]) -> String? {
        do {
            _ = try RootCommand.parseAsRoot(arguments)
            return nil
        } catch {
            return RootCommand.message(for: error)
        }
    }

    /// A sentence of the parser's, to stand after a colon.
    private static func clause(_ message: String) -> String {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: "; ")
        return line.prefix(1).lowercased() + line.dropFirst()
    }

    /// In `connect`, `-q` followed by a number is nc's, alone it is everybody's.
    static func rewritten(_ arguments: [String]) -> [String] {
        guard arguments.first == "connect", let index = arguments.firstIndex(of: "-q"),
            index + 1 < arguments.count, Int(arguments[index + 1]) != nil
        else { return arguments }
        var result = arguments
        // nc takes a negative number as "never".
        if let seconds = Int(arguments[index + 1]), seconds < 0 {
            result.removeSubrange(index...(index + 1))
        } else {
            result[index] = "--quit-after"
        }
        return result
    }

    /// For a word in the place of a command that names none; the parser would only call it
    /// unexpected.
    static func unknownCommand(in arguments: [String]) -> Ending? {
        var command: any ParsableCommand.Type = RootCommand.self
        var path = "ftsl"
        for word in arguments.first == "help" ? arguments.dropFirst() : arguments[...] {
            let commands = command.configuration.subcommands
            guard !commands.isEmpty, !word.hasPrefix("-") else { return nil }
            guard let next = commands.first(where: { $0._commandName == word }) else {
                let hint = NearestName.hint(word, among: commands.map { $0._commandName })
                return Ending(.usage, "there is no command '\(word)'\(hint)", see: "\(path) --help")
            }
            command = next
            path += " \(word)"
        }
        return nil
    }

    private static func end(parsing error: any Error, of arguments: [String]) -> Never {
        if let ending = unknownCommand(in: arguments) {
            ProcessEnd.with(ending, log(for: arguments))
        }
        let code = RootCommand.exitCode(for: error)
        let text = RootCommand.fullMessage(for: error)
        if code == .success {
            RawOutput.write(text + "\n", to: 1)
            ProcessEnd.with(.success, nil)
        }
        let names = RootCommand.configuration.subcommands.map { $0._commandName }
        let command = names.contains { $0 == arguments.first } ? "ftsl \(arguments[0])" : "ftsl"
        ProcessEnd.with(
            Ending(
                .usage, clause(RootCommand.message(for: error)), see: "\(command) --help"),
            log(for: arguments))
    }
}

struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ftsl",
        abstract: "Fault-tolerant messaging over TCP.",
        version: "ftsl \(CommandLineTool.version)",
        subcommands: [
            ListenCommand.self, ConnectCommand.self, SendCommand.self, TailCommand.self,
            MigrateCommand.self, StatusCommand.self, KeyCommand.self, ShellCommand.self,
            SelftestCommand.self, ExplainCommand.self,
        ])
}
