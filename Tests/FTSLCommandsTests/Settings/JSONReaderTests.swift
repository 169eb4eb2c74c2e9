import Testing

@testable import FTSLCommands

@Suite("JSON that people write")
struct JSONReaderTests {
    private func parse(_ text: String) throws(JSONReader.SyntaxError) -> JSONValue {
        try JSONReader.parse(Array(text.utf8))
    }

    @Test("Every kind of value is read")
    func values() throws {
        let value = try parse(
            #" { "a" : [ 1, -2.5, 1e3, true, false, null ], "b": {}, "c": "x\"\\\/\b\f\n\r\t" } "#)
        #expect(
            value
                == .object([
                    "a": .array([
                        .integer(1), .number(-2.5), .number(1000), .bool(true), .bool(false), .null,
                    ]),
                    "b": .object([:]), "c": .string("x\"\\/\u{8}\u{c}\n\r\t"),
                ]))
    }

    @Test("Escapes and surrogate pairs become characters")
    func escapes() throws {
        #expect(try parse(#""\u00e9\uD83D\uDE00é""#) == .string("é😀é"))
    }

    @Test(
        "A mistake is named with its line and column",
        arguments: [
            ("", 1, 1), ("{", 1, 2), ("{\n \"a\": x}", 2, 7), ("{\"a\":1,}", 1, 8),
            ("{'a':1}", 1, 2), ("{\"a\":1}\n\n}", 3, 1), ("[1,2", 1, 5), ("{\"é\": 01}", 1, 7),
            ("{\"a\" 1}", 1, 6), ("\"a\nb\"", 1, 3), ("\"abc", 1, 1), ("-", 1, 1),
            ("1.", 1, 1), ("tru", 1, 1), ("[1 2]", 1, 4),
        ])
    func positions(text: String, line: Int, column: Int) {
        let error = #expect(throws: JSONReader.SyntaxError.self) { try parse(text) }
        #expect(error?.line == line)
        #expect(error?.column == column)
    }

    @Test(
        "What is not JSON is refused",
        arguments: [
            #""\q""#, #""\u12g4""#, #""\uD83D""#, #""\uDE00""#, "+1", ".5", "1e", "NaN", "// c\n1",
            #"{"a":1,"a":2}"#, String(repeating: "[", count: 10_000),
        ])
    func refused(text: String) {
        #expect(throws: JSONReader.SyntaxError.self) { try parse(text) }
    }

    @Test("Invalid UTF-8 is refused")
    func encoding() {
        #expect(throws: JSONReader.SyntaxError.self) {
            try JSONReader.parse([0x22, 0xFF, 0x22])
        }
    }
}

@Suite("The nearest name")
struct NearestNameTests {
    @Test(
        "A slip is recognised, something else is not",
        arguments: [
            ("bufer", "buffer"), ("bufefr", "buffer"), ("heart-beat", "heartbeat"),
            ("liner", "linger"), ("zzz", nil), ("", nil),
        ])
    func slips(name: String, meant: String?) {
        #expect(NearestName.of(name, among: ["buffer", "heartbeat", "linger"]) == meant)
    }
}
