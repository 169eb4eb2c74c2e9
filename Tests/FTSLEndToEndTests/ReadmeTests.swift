import Foundation
import Testing

/// What people copy from the README first.
@Suite("README", .onStage, .needs("bash", "nc", "python3"))
struct ReadmeTests {
    /// The blocks that a shell can run as they stand.
    static let blocks: [String] = {
        let url = URL(filePath: Tool.tests).deletingLastPathComponent()
        let text = try? String(contentsOf: url.appending(path: "README.md"), encoding: .utf8)
        return (text ?? "").matches(of: #/(?s)```sh\n(.*?)```/#).map { String($0.1) }
    }()

    /// What each of them must print.
    private static let expectations = [
        "tar c": "identical\n", "http.server": "200 OK", "sort -u": "the command said 3\n",
        "explain": "exit status 69, unreachable\n",
    ]

    @Test("There is something to try, and each block is known here")
    func known() {
        #expect(Self.blocks.count == Self.expectations.count)
        for words in Self.expectations.keys {
            #expect(Self.blocks.count { $0.contains(words) } == 1)
        }
    }

    @Test("What the README shows works as it stands", arguments: blocks)
    func works(block: String) throws {
        let expected = try #require(Self.expectations.first { block.contains($0.key) }?.value)
        try ShownScript(text: block, expected: expected).run(on: stage)
    }
}

/// What people copy from the manual.
@Suite("Recipes", .onStage, .needs("bash", "nc", "python3"))
struct RecipeTests {
    /// The blocks of the page with a note of what they print.
    static let recipes: [ShownScript] = {
        let url = URL(filePath: Tool.tests).deletingLastPathComponent()
        let page = try? String(
            contentsOf: url.appending(path: "man/ftsl-recipes.7"), encoding: .utf8)
        let block =
            #/(?s)\.\\" run: (?<prints>[^\n]*)\n\.Bd [^\n]*\n(?<script>.*?)\.Ed\n/#
        return (page ?? "").matches(of: block).map {
            ShownScript(
                text: String($0.output.script).replacing("\\e", with: "\\"),
                expected: String($0.output.prints))
        }
    }()

    @Test("The page has its recipes") func known() { #expect(Self.recipes.count == 9) }

    @Test("A recipe works as it stands", arguments: recipes)
    func works(recipe: ShownScript) throws { try recipe.run(on: stage) }
}

/// A script for bash as a reader sees it, and what it must print.
struct ShownScript: CustomTestStringConvertible {
    var text: String
    var expected: String

    var testDescription: String { expected }

    func run(on stage: Stage) throws {
        var script = text
        // Other tests may hold the ports that are named.
        for name in Set(script.matches(of: #/\b7\d\d\d\b/#).map { String($0.0) }) {
            script = script.replacing(name, with: "\(try Self.freePort(stage))")
        }
        let prelude = """
            cd '\(stage.folder)'; mkdir bin; ln -s '\(Tool.path)' bin/ftsl
            export PATH=$PWD/bin:/usr/bin:/bin
            export XDG_CONFIG_HOME=$PWD XDG_STATE_HOME=$PWD XDG_RUNTIME_DIR=$PWD

            """
        let shell = try stage.start(
            Launch(
                path: "/bin/bash", arguments: ["-c", prelude + script],
                output: .file(stage.path("output"))))
        #expect(try shell.wait(.seconds(60)) == .status(0))
        let output = try String(contentsOfFile: stage.path("output"), encoding: .utf8)
        #expect(output.contains(expected), "\(output) \(shell.errors?.text ?? "")")
    }

    /// A port that nobody had a moment ago.
    private static func freePort(_ stage: Stage) throws -> Int {
        let code = """
            import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])
            """
        let text = try stage.run("python3", ["-c", code])
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
