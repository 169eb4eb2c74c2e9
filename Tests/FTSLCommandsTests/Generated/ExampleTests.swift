import ArgumentParser
import Foundation
import Testing

@testable import FTSLCommands

/// The examples that people copy.
@Suite("Examples")
struct ExampleTests {
    /// One fenced or literal block: its language and its text.
    struct Block: CustomTestStringConvertible, Sendable {
        var page: String
        var language: String
        var text: String
        var testDescription: String { "\(page): \(text.prefix(60))" }
    }

    private static func readme(_ languages: Set<String>) -> [Block] {
        let text = (try? Repository.text("README.md")) ?? ""
        return text.matches(of: #/(?s)```(\w+)\n(.*?)```/#).compactMap { match in
            let language = String(match.1)
            guard languages.contains(language) else { return nil }
            return Block(page: "README.md", language: language, text: String(match.2))
        }
    }

    private static func manual() -> [Block] {
        Repository.files(in: "man").flatMap { page in
            let text = (try? Repository.text(page)) ?? ""
            return text.matches(of: #/(?s)\.Bd -literal[^\n]*\n(.*?)\.Ed/#).map {
                Block(page: page, language: "console", text: String($0.1))
            }
        }
    }

    /// Every `ftsl …` in a block, up to what ends a command for the shell.
    private static func commands(in text: String) -> [[String]] {
        // Redirections go first, their descriptor's number with them.
        text.replacing(#/\d?[<>] ?\S+/#, with: "")
            .matches(
                of: #/\bftsl (listen|connect|send|tail|shell|status|selftest|explain)([^|&;#\n]*)/#
            ).map {
                match in
                var words: [String] = []
                var word = ""
                var quote: Character?
                // A quote that is open where the command begins closes it: ProxyCommand='ftsl …'.
                for character in match.2 {
                    if character == quote {
                        quote = nil
                    } else if quote == nil, character == "'" || character == "\"" {
                        if word.isEmpty { quote = character } else { break }
                    } else if character == " ", quote == nil {
                        if !word.isEmpty { words.append(word) }
                        word = ""
                    } else {
                        word.append(character)
                    }
                }
                if !word.isEmpty { words.append(word) }
                let plain = words.map {
                    $0.replacing("%h", with: "host").replacing("$?", with: "69")
                }
                return [String(match.1)] + plain
            }
    }

    @Test(
        "Every command in README and manual is accepted",
        arguments: readme(["sh", "console"]) + manual())
    func accepted(block: Block) {
        for command in Self.commands(in: block.text) {
            #expect(throws: Never.self, "\(command)") {
                _ = try RootCommand.parseAsRoot(CommandLineTool.rewritten(command))
            }
        }
    }
}
