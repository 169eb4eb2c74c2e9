import ArgumentParser
import Foundation
import Testing

@testable import FTSLCommands

/// Files that hold what the program already knows are made from it, checked in, and compared here.
///
/// `FTSL_REGENERATE=1 swift test --filter GeneratedFiles` writes them anew.
@Suite("Generated files")
struct GeneratedFilesTests {
    private static let manual = ManualText()

    /// A file, and how its content follows from what is there now.
    struct Generated: CustomTestStringConvertible, Sendable {
        var path: String
        var content: @Sendable (_ current: String) throws -> String
        var testDescription: String { path }
    }

    private static func page(_ path: String, _ parts: [String: String]) -> Generated {
        Generated(path: path) { current in
            try parts.reduce(current) { text, part in
                try Marked.replacing(part.key, in: text, with: part.value)
            }
        }
    }

    private static func completion(_ path: String, _ shell: CompletionShell) -> Generated {
        Generated(path: path) { _ in RootCommand.completionScript(for: shell) + "\n" }
    }

    static let files: [Generated] = [
        page("README.md", ["commands": manual.commandTable]),
        page(
            "man/ftsl.1",
            [
                "commands": manual.commands, "common-options": manual.options(manual.common),
                "exit-statuses": manual.exitStatuses,
            ]),
        page(
            "man/ftsl-listen.1",
            ["options": manual.options(manual.own("listen")), "metrics": manual.metrics]),
        page("man/ftsl-connect.1", ["options": manual.options(manual.own("connect"))]),
        page("man/ftsl-send.1", ["options": manual.options(manual.own("send"))]),
        page("man/ftsl-tail.1", ["options": manual.options(manual.own("tail"))]),
        page("man/ftsl-migrate.1", ["options": manual.options(manual.own("migrate"))]),
        page("man/ftsl-shell.1", ["options": manual.options(manual.own("shell"))]),
        page("man/ftsl-status.1", ["options": manual.options(manual.own("status"))]),
        page("man/ftsl-selftest.1", ["options": manual.options(manual.own("selftest"))]),
        page(
            "man/ftsl-explain.1",
            [
                "options": manual.options(manual.own("explain")),
                "failure-codes": manual.failureCodes(withStatus: true),
            ]),
        page(
            "man/ftsl-protocol.7", ["failure-codes": manual.failureCodes(withStatus: false)]),
        completion("completions/ftsl.bash", .bash),
        completion("completions/_ftsl", .zsh),
        completion("completions/ftsl.fish", .fish),
    ]

    @Test("What is checked in is what the program says", arguments: files)
    func current(file: Generated) throws {
        let url = Repository.url(file.path)
        let current = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
        let wanted = try file.content(current)
        if ProcessInfo.processInfo.environment["FTSL_REGENERATE"] == "1" {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try wanted.write(to: url, atomically: true, encoding: .utf8)
            return
        }
        let isCurrent = current == wanted
        #expect(
            isCurrent, "FTSL_REGENERATE=1 swift test --filter GeneratedFiles writes \(file.path)")
    }

    @Test("Every command has a manual page")
    func pages() {
        for command in Self.manual.root.subcommands {
            #expect(Repository.exists("man/ftsl-\(command.name).1"))
        }
    }
}

@Suite("Manual pages")
struct ManualPageTests {
    static let pages = Repository.files(in: "man")

    @Test("mandoc finds nothing to complain about", arguments: pages)
    func lint(page: String) throws {
        let result = try Tool.run("mandoc", ["-T", "lint", Repository.url(page).path])
        guard let result else { return }  // No mandoc here; CI has it.
        #expect(result.output == "", "\(result.output)")
    }

    @Test("Every page that is referred to exists", arguments: pages)
    func references(page: String) throws {
        let text = try Repository.text(page)
        for match in text.matches(of: #/\b(ftsl[a-z.-]*)\((\d)\)/#) {
            #expect(Repository.exists("man/\(match.1).\(match.2)"), "\(match.0)")
        }
    }

    @Test("Options in the text of a page exist", arguments: pages.filter { $0.hasSuffix(".1") })
    func options(page: String) throws {
        let root = OptionCatalog.load()
        var known = Set(root.allOptions.map(\.key)).union(["help", "version"])
        for option in root.allOptions where option.kind == .switchable {
            known.insert("no-\(option.key)")
        }
        for match in try Repository.text(page).matches(of: #/\bFl -([a-z][a-z-]+)/#) {
            #expect(known.contains(String(match.1)), "\(match.0) in \(page)")
        }
    }

    @Test("The example of ftsl.json(5) is a configuration")
    func configuration() throws {
        let text = try Repository.text("man/ftsl.json.5")
        let parts = try #require(
            text.firstMatch(of: #/(?s)BEGIN EXAMPLE config\n\.Bd[^\n]*\n(.*?)\.Ed/#))
        let file = try ConfigurationFile(
            path: "config.json", bytes: Array(parts.1.utf8), root: OptionCatalog.load())
        #expect(file.contexts.keys.sorted() == ["work"])
        let settings = Settings(root: OptionCatalog.load(), file: file)
        let applied = try settings.applied(to: ["connect", "--context", "work"])
        _ = try RootCommand.parseAsRoot(applied.arguments)
        #expect(applied.arguments.contains("gate.example.org:7022"))
    }
}
