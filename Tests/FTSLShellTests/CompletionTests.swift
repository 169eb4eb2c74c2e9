import Testing

import FTSLShell

@Suite("Completion")
struct CompletionTests {
    private let vocabulary = Vocabulary(
        options: [
            "connect": ["--timeout", "--tls-ca"], "send": ["--topic"], "switch": [], "help": [],
            "set": [], "tail": ["--from"],
        ],
        values: ["--from": ["beginning", "end"], "set": ["history"]],
        endpoints: ["host:7000", "host:7001"], sessions: ["host:7000"], topics: ["news.local"])

    /// The candidates at the end of a line.
    private func candidates(_ line: String) -> Completion {
        let word = line.split(separator: " ", omittingEmptySubsequences: false).last ?? ""
        let end = line.utf8.count
        return vocabulary.completion(of: line, from: end - word.utf8.count, to: end)
    }

    @Test(
        "What is offered fits where the cursor is",
        arguments: [
            ("/s", ["/send", "/set", "/switch"]), ("hel", []), ("hello /s", []),
            ("/connect --t", ["--timeout", "--tls-ca"]),
            ("/connect ho", ["host:7000", "host:7001"]),
            ("/connect nowhere", []), ("/switch ", ["host:7000"]),
            ("/send host:7000 é -t n", ["news.local"]),
            ("/tail host:7000 --from ", ["beginning", "end"]),
            ("/set h", ["history"]), ("/help co", ["connect"]), ("/nothing x", []),
        ])
    func words(line: String, expected: [String]) {
        #expect(candidates(line) == .words(expected))
    }

    @Test(
        "Where a file may stand, files are offered", arguments: ["/tail ./in", "/send host:7000 "])
    func files(line: String) { #expect(candidates(line) == .files) }
}
