internal import ArgumentParser

/// The `ftsl` command: parses, runs, and turns every error into a sentence and a status.
public enum CommandLineTool {
    public static let version = "0.1.0"

    public static func main() -> Never {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            var command = try RootCommand.parseAsRoot(Self.rewritten(arguments))
            try command.run()
            ProcessEnd.with(.success, nil)
        } catch let ending as Ending {
            ProcessEnd.with(ending, nil)
        } catch {
            end(parsing: error)
        }
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

    private static func end(parsing error: any Error) -> Never {
        let code = RootCommand.exitCode(for: error)
        let text = RootCommand.fullMessage(for: error)
        if code == .success {
            RawOutput.write(text + "\n", to: 1)
            ProcessEnd.with(.success, nil)
        }
        StandardError.write(text + "\n")
        ProcessEnd.with(Ending(.usage), nil)
    }
}

struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ftsl",
        abstract: "Fault-tolerant messaging over TCP.",
        version: "ftsl \(CommandLineTool.version)",
        subcommands: [ListenCommand.self, ConnectCommand.self])
}
