import Testing

@testable import FTSLCommands

@Suite("Words in the place of a command")
struct UnknownCommandTests {
    @Test(
        "One that names none is told with the nearest that does",
        arguments: [
            ("lisen :7000", "there is no command 'lisen' (did you mean 'listen'?)", "ftsl --help"),
            ("help sned", "there is no command 'sned' (did you mean 'send'?)", "ftsl --help"),
            ("key shw", "there is no command 'shw' (did you mean 'show'?)", "ftsl key --help"),
            ("nc localhost 80", "there is no command 'nc'", "ftsl --help"),
        ])
    func unknown(_ line: String, _ sentence: String, _ see: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let ending = try #require(CommandLineTool.unknownCommand(in: words))
        #expect(ending.status == ExitStatus.usage.rawValue)
        #expect(ending.sentence == sentence)
        #expect(ending.see == see)
    }

    @Test(
        "Everything else is the parser's business",
        arguments: [
            "", "help", "help listen", "--help", "listen --forwrd", "send x y z", "key show",
        ])
    func known(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        #expect(CommandLineTool.unknownCommand(in: words) == nil)
    }
}
