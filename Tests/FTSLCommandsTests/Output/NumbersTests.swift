import Testing

@testable import FTSLCommands

@Suite("Numbers for people")
struct NumbersTests {
    @Test(
        "Bytes have three digits or so and a binary unit",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1536, "1.50 KiB"),
            (10 << 20, "10.0 MiB"), (3 << 30, "3.00 GiB"), (5 << 40, "5.00 TiB"),
            (5000 << 40, "5000.0 TiB"),
        ] as [(UInt64, String)])
    func bytes(count: UInt64, text: String) {
        #expect(Numbers.bytes(count) == text)
    }

    @Test(
        "Seconds become minutes and hours when there are many",
        arguments: [
            (0, "0.0 s"), (0.44, "0.4 s"), (99.94, "99.9 s"), (100, "01:40"), (3723, "1:02:03"),
        ] as [(Double, String)])
    func seconds(seconds: Double, text: String) {
        #expect(Numbers.seconds(seconds) == text)
    }

    @Test(
        "A fixed number of decimals is rounded, padded and signed",
        arguments: [
            (1.0, 2, "1.00"), (0.005, 2, "0.01"), (0.05, 3, "0.050"), (-0.5, 1, "-0.5"),
            (2.5, 0, "3"), (12.999, 1, "13.0"),
        ] as [(Double, Int, String)])
    func fixed(value: Double, decimals: Int, text: String) {
        #expect(Numbers.fixed(value, decimals) == text)
    }
}

@Suite("JSON lines")
struct JSONValueTests {
    @Test("A line is one line with sorted keys, whatever the text")
    func line() {
        let value = JSONValue.object([
            "b": .integer(.max), "a": .string("x\n\"y\"/\u{1F600}"),
            "c": .array([.null, .bool(true)]),
        ])
        #expect(
            value.line
                == "{\"a\":\"x\\n\\\"y\\\"/\u{1F600}\",\"b\":18446744073709551615,\"c\":[null,true]}\n"
        )
    }

    @Test("What is written is read back the same")
    func roundTrip() throws {
        let value = JSONValue.object([
            "s": .string("\u{7}\t\\ \u{0}"), "n": .number(-1.5), "i": .integer(0),
            "o": .object(["k": .array([])]), "t": .bool(false), "z": .null,
        ])
        #expect(try JSONReader.parse(Array(value.line.utf8)) == value)
    }
}
