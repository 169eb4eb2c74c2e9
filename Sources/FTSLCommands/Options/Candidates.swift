internal import ArgumentParser
internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import FoundationEssentials

/// What Tab in a shell offers that is only known when it is pressed.
///
/// What cannot be read offers nothing: completion has nowhere to complain.
enum Candidates {
    private static let most = 1_000

    /// Names of this user's listeners.
    static let listeners = CompletionKind.custom { _, _, _ in names }

    /// Where somebody was called before.
    static let endpoints = CompletionKind.custom { _, _, _ in ShellHistory.places }

    /// As `endpoints`, and files.
    static let inboxes = CompletionKind.custom { words, _, word in
        ShellHistory.places + files(like: word, in: words)
    }

    /// As `listeners`, and places and files.
    static let subjects = CompletionKind.custom { words, _, word in
        names + ShellHistory.places + files(like: word, in: words)
    }

    /// Of the inbox whose file is among the words.
    static let cursors = CompletionKind.custom { words, _, _ in
        look(into: words) { try $0.cursors(limit: most).map(\.cursor.name) }
    }

    /// Of the inbox whose file is among the words.
    static let topics = CompletionKind.custom { words, _, _ in
        look(into: words) { try $0.topics(limit: most) }
    }

    /// Of config.json.
    static let contexts = CompletionKind.custom { _, _, _ in
        let path = ConfigurationFile.standardPath { ChildProcess.environment[$0] }
        guard let path, let bytes = try? ConfigurationFile.read(path),
            case .object(let top)? = try? JSONReader.parse(bytes),
            case .object(let contexts)? = top["contexts"]
        else { return [] }
        return contexts.keys.sorted()
    }

    private static var names: [String] { (try? ControlFolder.names()) ?? [] }

    private static func look(
        into words: [String], _ body: (InboxInspection) throws -> [String]
    ) -> [String] {
        for word in words.dropFirst() where FileStatus.exists(word) {
            if let found = try? body(InboxInspection(word)) { return found }
        }
        return []
    }

    /// Shells older than fish 4 do not say what was typed of the word: then the last one is it.
    private static func files(like word: String, in words: [String]) -> [String] {
        let typed = word.isEmpty ? words.last ?? "" : word
        let slash = typed.lastIndex(of: "/")
        let folder = slash.map { String(typed[...$0]) } ?? ""
        let place = folder.isEmpty ? "." : folder
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
        let found = names.lazy.filter { !$0.hasPrefix(".") }.map { folder + $0 }
            .filter { $0.hasPrefix(typed) }.prefix(most)
        return found.sorted().map { path in
            var isFolder = false
            _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            return isFolder ? path + "/" : path
        }
    }
}
