import TestSupport
import Testing

@Suite(
    .serialized, .computing,
    .enabled(
        if: Callgrind.isCI || Callgrind.find("valgrind") != nil, "valgrind is not installed"))
struct InstructionTests {
    @Test(
        "A hot path of the core takes no more instructions than it did",
        arguments: InstructionLimits.measured.keys.sorted())
    func limits(path: String) throws {
        let count = try Callgrind.instructionsPerOperation(path, from: 100, to: 1_100)
        if Callgrind.showsCounts { print("        \"\(path)\": \(count),") }
        let limit = InstructionLimits.limit(of: path)
        #expect(count <= limit, "\(path): \(count) instructions, at most \(limit) are allowed")
        #expect(count > limit / 10, "\(path): \(count) instructions; does it still do its work?")
    }
}
