import Testing

/// A rule of the protocol lives at three addresses: in the manual, in the code that keeps it, in a
/// test.
@Suite("Citations of the protocol")
struct CitationTests {
    /// Sections whose rules no source or test names yet; the lists may only shrink.
    private static let missingInSources: Set<String> = []
    private static let missingInTests: Set<String> = []

    /// `4.3` for every `[M4.3-2]`.
    private static func sections() throws -> Set<String> {
        let manual = try Repository.text("man/ftsl-protocol.7")
        return Set(manual.matches(of: #/\[M([0-9.]+)-\d+\]/#).map { String($0.1) })
    }

    private static func cited(in files: [SourceFile]) -> Set<String> {
        var found: Set<String> = []
        for file in files {
            for line in file.lines {
                for match in line.matches(of: #/\[FTSL §([0-9.]+)\]/#) {
                    found.insert(String(match.1))
                }
            }
        }
        return found
    }

    @Test("Every section with a MUST is cited in the sources")
    func sources() throws {
        let missing = try Self.sections().subtracting(Self.cited(in: Repository.sources))
        #expect(missing == Self.missingInSources)
    }

    @Test("Every section with a MUST is cited in a test")
    func tests() throws {
        let missing = try Self.sections().subtracting(Self.cited(in: Repository.tests))
        #expect(missing == Self.missingInTests)
    }

    @Test("Every citation has a section in the manual")
    func exists() throws {
        let manual = try Repository.text("man/ftsl-protocol.7")
        let headings = Set(manual.matches(of: #/(?m)^\.S[hs] §([0-9.]+)/#).map { String($0.1) })
        for section in Self.cited(in: Repository.sources + Repository.tests) {
            #expect(headings.contains(section), "[FTSL §\(section)]")
        }
    }

    @Test("The numbers of the rules of a section are 1, 2, 3 and so on")
    func numbering() throws {
        let manual = try Repository.text("man/ftsl-protocol.7")
        var numbers: [String: [Int]] = [:]
        for match in manual.matches(of: #/(?m)^\.It \[M([0-9.]+)-(\d+)\]/#) {
            numbers[String(match.1), default: []].append(Int(match.2) ?? 0)
        }
        #expect(!numbers.isEmpty)
        for (section, found) in numbers { #expect(found == Array(1...found.count), "§\(section)") }
    }
}
