import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("ftsl explain")
struct ExplainTests {
    private static let all = Explanations.statuses + Explanations.failures

    @Test("Every failure code is explained, once, in order of its number [FTSL §8]")
    func failureCodes() {
        let explained = Explanations.failures.map(\.number)
        #expect(explained == FailureCode.allCases.map { Int($0.rawValue) })
    }

    @Test("Every exit status is explained, once, in order")
    func exitStatuses() {
        let explained = Explanations.statuses.map(\.number)
        #expect(explained == Status.allCases.map { Int($0.rawValue) })
    }

    @Test("Every explanation has a meaning, a cause and something to do")
    func contents() {
        for explanation in Self.all {
            #expect(!explanation.meaning.isEmpty && !explanation.meaning.hasSuffix("."))
            #expect(!explanation.causes.isEmpty)
            #expect(!explanation.action.isEmpty && !explanation.action.hasSuffix("."))
        }
    }

    @Test("A failure code is found by number and by name", arguments: FailureCode.allCases)
    func lookup(code: FailureCode) {
        let explanation = Explanations.of(code)
        #expect(Explanations.lookup("\(code.rawValue)").contains(explanation))
        #expect(Explanations.lookup(explanation.name) == [explanation])
        #expect(Explanations.lookup(explanation.name.uppercased()) == [explanation])
    }

    @Test("Names are kebab-case and no two failures share one")
    func names() {
        let names = Explanations.failures.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names {
            #expect(name.allSatisfy { $0.isLowercase || $0 == "-" })
        }
    }

    @Test("An exit status is found by its number", arguments: Status.allCases)
    func status(status: Status) {
        let found = Explanations.lookup("\(status.rawValue)")
        #expect(found.first?.subject == .status(status))
    }

    @Test("130 is a signal; nonsense is nothing")
    func others() {
        #expect(Explanations.lookup("130").map(\.subject) == [.signal(2)])
        #expect(Explanations.lookup("999").isEmpty)
        #expect(Explanations.lookup("nonsense").isEmpty)
        #expect(Explanations.lookup("").isEmpty)
    }

    @Test("An unknown code is a usage error that names the nearest")
    func unknown() throws {
        var command = ExplainCommand()
        command.code = "digest-mismtch"
        let ending = #expect(throws: Ending.self) { try command.chosen() }
        #expect(ending?.status == 64)
        #expect(ending?.sentence?.contains("'digest-mismatch'") == true)
    }

    @Test("JSON holds no less than the text")
    func json() throws {
        for explanation in Self.all {
            let line = JSONValue.object(explanation.object).line
            #expect(line.last == "\n" && line.dropLast().allSatisfy { $0 != "\n" })
            let whole = ExplanationText.whole(explanation)
            #expect(whole.lowercased().contains(explanation.meaning.lowercased()))
            guard case .object(let object) = try JSONReader.parse(Array(line.utf8)) else {
                Issue.record("not an object")
                continue
            }
            #expect(object["name"] == .string(explanation.name))
            #expect(object["causes"] == .array(explanation.causes.map { .string($0) }))
        }
    }

    @Test("The list fits 100 columns and names every code")
    func list() {
        let lines = ExplanationText.list.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 100 })
        for explanation in Self.all {
            #expect(lines.contains { $0.contains(" \(explanation.number) \(explanation.name) ") })
        }
    }
}
