import Testing

/// The manual's table of threats names the tests that show each row.
@Suite("Threats")
struct ThreatTests {
    private struct Row {
        var threat: String
        var claims: [String] = []
    }

    private static func rows() throws -> [Row] {
        let manual = try Repository.text("man/ftsl-security.7")
        var rows: [Row] = []
        var isInside = false
        for line in manual.split(separator: "\n") {
            if line.hasPrefix(".\\\" BEGIN threats") { isInside = true }
            if line.hasPrefix(".\\\" END threats") { isInside = false }
            guard isInside else { continue }
            if line.hasPrefix(".It ") { rows.append(Row(threat: String(line.dropFirst(4)))) }
            if line.hasPrefix(".Dl "), !rows.isEmpty {
                let claim = line.dropFirst(4).replacing("\\&", with: "")
                rows[rows.count - 1].claims.append(String(claim))
            }
        }
        return rows
    }

    @Test("Every threat of the manual has a test, and every test that is named exists")
    func named() throws {
        let rows = try Self.rows()
        #expect(rows.count >= 10)
        let tests = Repository.tests.flatMap { file in
            file.lines.joined(separator: "\n")
                .matches(of: #/@Test\(\s*"((?:[^"\\]|\\.)*)"/#).map { String($0.1) }
        }
        for row in rows {
            #expect(!row.claims.isEmpty, "nothing shows '\(row.threat)'")
            for claim in row.claims { #expect(tests.contains(claim), "no test '\(claim)'") }
        }
    }
}
