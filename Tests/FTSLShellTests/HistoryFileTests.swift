import Foundation
import Testing

import FTSLShell

@Suite("History files")
struct HistoryFileTests {
    private let folder = FileManager.default.temporaryDirectory
        .appending(path: "history-\(UUID().uuidString)")

    private func makePath() throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.appending(path: "peer").path
    }

    private func cleanUp() { try? FileManager.default.removeItem(at: folder) }

    @Test("What one shell adds, another sees, and its own lines only once")
    func shared() throws {
        let path = try makePath()
        defer { cleanUp() }
        let (one, two) = (HistoryFile(path: path), HistoryFile(path: path))
        #expect(try one.news() == [])
        #expect(try one.append("a") == [])
        #expect(try two.append("b") == ["a"])
        #expect(try one.news() == ["b"])
        #expect(try one.news() == [])
        #expect(try HistoryFile(path: path).news() == ["a", "b"])
    }

    @Test("The file is its user's alone, also when it was not before")
    func mode() throws {
        let path = try makePath()
        defer { cleanUp() }
        _ = FileManager.default.createFile(
            atPath: path, contents: Data("old\n".utf8), attributes: [.posixPermissions: 0o644])
        #expect(try HistoryFile(path: path).append("new") == ["old"])
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
    }

    @Test("A line after a space is not kept, nor an empty one")
    func kept() throws {
        let path = try makePath()
        defer { cleanUp() }
        for line in [" secret", "", "\tsecret"] { _ = try HistoryFile(path: path).append(line) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("Above a MiB the older half goes, and the newest line stays")
    func bounded() throws {
        let path = try makePath()
        defer { cleanUp() }
        let file = HistoryFile(path: path)
        let filler = String(repeating: "x", count: 100_000)
        for number in 0..<11 { _ = try file.append("\(number)\(filler)") }
        let left = try HistoryFile(path: path).news()
        #expect(left.count < 7)
        #expect(left.last?.hasPrefix("10x") == true)
        #expect(left.allSatisfy { $0.count > filler.count })
        #expect(try file.news() == [])
    }

    @Test(
        "A file's name is a peer's and nothing else's",
        arguments: ["127.0.0.1:7000", "unix:/run/x/y", ".hidden", "[::1]:7", "a,b:1"])
    func names(peer: String) {
        let name = HistoryFile.name(for: peer)
        #expect(!name.contains("/") && !name.hasPrefix("."))
        #expect(HistoryFile.peer(named: name) == peer)
    }
}
