import ArgumentParser
import Testing

@testable import FTSLCommands

@Suite("Options of an inbox")
struct InboxOptionsTests {
    @Test("Capitals are sizes, small letters times, bare numbers counts")
    func keep() throws {
        let keep = try #require(KeepArgument(argument: "7d,10G,1000"))
        #expect(keep.age == .seconds(7 * 86_400))
        #expect(keep.bytes == 10 << 30)
        #expect(keep.count == 1_000)
        #expect("\(keep)" == "7d,10G,1000")
        #expect(KeepArgument(argument: "1m")?.age == .seconds(60))
        #expect(KeepArgument(argument: "1M")?.bytes == 1 << 20)
    }

    @Test("What is no limit is refused", arguments: ["", "7d,", "7d,8d", "1,2", "x", "-1", "1X"])
    func refused(text: String) {
        #expect(KeepArgument(argument: text) == nil)
    }

    @Test("What belongs to an inbox needs one", arguments: [["--keep", "7d"], ["--inbox", ""]])
    func needed(arguments: [String]) {
        #expect(throws: (any Error).self) { try RootCommand.parseAsRoot(["listen"] + arguments) }
    }
}
