import Testing

@Suite("Texts")
struct TextTests {
    /// Written in pieces, so that this file does not contain what it forbids.
    private static let forbidden = [
        ".." + "/shared", "/wo" + "rk/", "contract" + "-check", "field" + "-notes",
        "issues " + "show",
    ]

    @Test("Nothing refers to a place outside the project", arguments: Repository.everything)
    func references(path: String) throws {
        guard let text = try? Repository.text(path) else { return }
        for word in Self.forbidden { #expect(!text.contains(word), "\(path) mentions \(word)") }
    }

    @Test("The README's map has every module")
    func map() throws {
        let readme = try Repository.text("README.md")
        let modules = Repository.files(below: "Sources").map { $0.split(separator: "/")[1] }
        for module in Set(modules) {
            #expect(readme.contains(module), "\(module)")
        }
    }

    @Test("Every public declaration is documented", arguments: Repository.sources)
    func documentation(file: SourceFile) {
        let pattern = #/^\s*(?:@\w+ )*public (?!import|private|internal)/#
        for (index, line) in file.lines.enumerated() where line.contains(pattern) {
            var above = index - 1
            while above >= 0, file.lines[above].contains(#/^\s*@/#) { above -= 1 }
            let isDocumented = above >= 0 && file.lines[above].contains(#/^\s*///#)
            #expect(isDocumented, "\(file.path):\(index + 1): \(line)")
        }
    }
}
