import Testing

@Suite("Sizes")
struct SizeTests {
    /// Files that are longer for now; the list may only shrink.
    private static let longSources: Set<String> = []

    @Test("A source file has at most 350 lines, a test 700")
    func files() {
        let long = Repository.sources.filter { $0.lines.count > 351 }.map(\.path)
        #expect(Set(long) == Self.longSources)
        for file in Repository.tests { #expect(file.lines.count <= 701, "\(file.path)") }
    }

    @Test("Half of all source files have at most 150 lines")
    func median() {
        let sizes = Repository.sources.map(\.lines.count).sorted()
        #expect(sizes[sizes.count / 2] <= 150)
    }

    @Test("A function has at most 60 lines", arguments: Repository.sources)
    func functions(file: SourceFile) {
        for (number, lines) in file.functions {
            #expect(lines <= 60, "\(file.path):\(number) has \(lines) lines")
        }
    }

    @Test("A line has at most 100 columns, comments too", arguments: Repository.sources)
    func columns(file: SourceFile) {
        for (index, line) in file.lines.enumerated() {
            #expect(line.count <= 100, "\(file.path):\(index + 1) has \(line.count) columns")
        }
    }
}
