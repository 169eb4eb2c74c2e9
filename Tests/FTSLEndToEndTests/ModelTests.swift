import Testing

/// Small models in Python of the rules that are hard to see through: opening, closing, lanes,
/// leases, credit, and migration.
@Suite("Models", .needs("/usr/bin/python3"), .onStage(weight: 2))
struct ModelTests {
    @Test("In all states within their bounds the rules hold, and without one a fault is found")
    func models() throws {
        let result = try stage.python("Models/run.py", [], .seconds(600))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
        #expect(result.output.hasSuffix(" s, 0 not as expected\n"), "\(result.output)")
        print("models: \(result.output.split(separator: "\n").last ?? "")")
    }
}
