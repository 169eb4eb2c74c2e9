import Foundation

/// The files of this repository, wherever it was cloned to.
enum Repository {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Paths of the files below a folder, without what is hidden or built.
    static func files(below folder: String, suffix: String = "") -> [String] {
        let start = root.appending(path: folder)
        let options: FileManager.DirectoryEnumerationOptions = [.skipsHiddenFiles]
        let found = FileManager.default.enumerator(
            at: start, includingPropertiesForKeys: [.isRegularFileKey], options: options)
        var paths: [String] = []
        while let url = found?.nextObject() as? URL {
            let isFile = (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile
            guard isFile == true, url.path.hasSuffix(suffix) else { continue }
            paths.append(String(url.path.dropFirst(root.path.count + 1)))
        }
        return paths.sorted()
    }

    static let sources = files(below: "Sources", suffix: ".swift").map(SourceFile.init)
    static let tests = files(below: "Tests", suffix: ".swift").map(SourceFile.init)

    /// Everything that people read: what git would list, near enough.
    static let everything: [String] =
        ["Sources", "Tests", "man", "completions", "packaging", ".ci"].flatMap { files(below: $0) }
        + ["Package.swift", "Makefile", "README.md", ".gitignore", ".swift-format"]
}

/// A Swift file by lines.
struct SourceFile: CustomStringConvertible, Sendable {
    let path: String
    let lines: [Substring]

    init(path: String) {
        self.path = path
        let text = (try? Repository.text(path)) ?? ""
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    var description: String { path }

    /// `FTSLCore` for `Sources/FTSLCore/…`.
    var module: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    /// The lines with their numbers, comments taken out.
    var code: [(number: Int, text: Substring)] {
        lines.enumerated().compactMap { index, line in
            let text = line.drop { $0 == " " }
            if text.hasPrefix("//") { return nil }
            let end = line.range(of: "  //")?.lowerBound ?? line.endIndex
            return (index + 1, line[..<end])
        }
    }

    /// The modules it imports, each with its line.
    var imports: [(number: Int, module: String)] {
        code.compactMap { number, text in
            guard let match = text.firstMatch(of: Self.importPattern) else { return nil }
            return (number, String(match.1))
        }
    }

    private static var importPattern: Regex<(Substring, Substring)> {
        #/^\s*(?:@\w+ )*(?:(?:internal|package|public|private|fileprivate) )?import (?:\w+ (?=\w+\.))?(\w+)/#
    }

    /// Functions with the number of lines from their first to their closing brace.
    var functions: [(number: Int, lines: Int)] {
        var found: [(Int, Int)] = []
        for (index, line) in lines.enumerated() {
            guard line.contains(#/^\s*(?:[@\w() ]+ )?(?:func |init[?(<])/#),
                !line.drop(while: { $0 == " " }).hasPrefix("//")
            else { continue }
            let indentation = line.prefix { $0 == " " }
            let end = lines[index...].firstIndex { $0 == indentation + "}" }
            // A one-line body, or a requirement of a protocol, ends before the next declaration.
            guard let end, !line.hasSuffix("}") else { continue }
            let isBody = lines[index..<end].dropFirst().allSatisfy {
                $0.isEmpty || $0.hasPrefix(indentation + " ") || $0.hasPrefix(indentation + ")")
                    || $0.hasPrefix(indentation + "{")
            }
            if isBody { found.append((index + 1, end - index + 1)) }
        }
        return found
    }
}
