import Testing

import FTSLShell

@Suite("Words of a command")
struct CommandWordsTests {
    @Test(
        "Quotes and backslashes work as in a shell",
        arguments: [
            ("send :7000  hello", ["send", ":7000", "hello"]),
            ("a 'b  c' \"d 'e'\"", ["a", "b  c", "d 'e'"]),
            (#"a\ b \' "\"" "\n""#, ["a b", "'", "\"", "\\n"]),
            ("'' \"\"", ["", ""]), ("pre'fix'ed", ["prefixed"]), ("  ", []),
            ("é '漢 字'", ["é", "漢 字"]), ("$HOME * `x`", ["$HOME", "*", "`x`"]),
        ])
    func split(line: String, words: [String]) throws {
        #expect(try CommandWords.split(line) == words)
    }

    @Test("What is not closed is an error", arguments: ["a 'b", "\"", "a\\", "\"a\\\""])
    func malformed(line: String) {
        #expect(throws: CommandWords.Malformed.self) { try CommandWords.split(line) }
    }

    @Test("A quoted word is one word again", arguments: ["", "a b", "it's", "'", "\\ \"", "$x\n"])
    func quoted(word: String) throws {
        #expect(try CommandWords.split(CommandWords.quoted(word)) == [word])
    }
}

@Suite("Typed lines")
struct TypedLineTests {
    @Test(
        "A slash begins a command, two begin a text with one",
        arguments: [
            ("/quit", TypedLine.command("quit")), ("//etc", .text("/etc")), ("///", .text("//")),
            ("hello /quit", .text("hello /quit")), ("", .text("")), ("/", .command("")),
            (" /quit", .text(" /quit")),
        ])
    func one(line: String, meaning: TypedLine) {
        #expect(TypedLine.read(line) == [meaning])
    }

    @Test("A paste is text as a whole unless it begins with a command")
    func paste() {
        #expect(TypedLine.read("a\n/b\n\n//c\n") == ["a", "/b", "", "//c"].map(TypedLine.text))
        #expect(
            TypedLine.read("/connect :1\nhello\n//x")
                == [.command("connect :1"), .text("hello"), .text("/x")])
    }
}
