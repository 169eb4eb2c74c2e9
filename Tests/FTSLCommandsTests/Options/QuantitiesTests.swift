import Testing

@testable import FTSLCommands

@Suite("Sizes and durations")
struct QuantitiesTests {
    @Test(
        "A size is digits and at most one unit, each a power of 1024",
        arguments: [
            ("0", 0), ("1", 1), ("64K", 65_536), ("64k", 65_536), ("1M", 1 << 20),
            ("2G", 2 << 30), ("1T", 1 << 40),
        ] as [(String, UInt64)])
    func sizes(text: String, bytes: UInt64) {
        #expect(ByteSize(argument: text)?.bytes == bytes)
    }

    @Test(
        "What is not a size is refused, and nothing overflows",
        arguments: [
            "", "K", "1.5M", "-1", "+1", " 1", "1 K", "1KB", "0x10", "18446744073709551616",
            "9999999999999T", "4194304T",
        ])
    func badSizes(text: String) {
        #expect(ByteSize(argument: text) == nil)
    }

    @Test("A size is shown as it would be typed", arguments: ["1", "1000", "64K", "64M", "3G"])
    func sizeRoundTrip(text: String) {
        #expect(ByteSize(argument: text)?.description == text)
    }

    @Test(
        "A duration takes ms, s, m, h and d; a bare number is seconds",
        arguments: [
            ("500ms", .milliseconds(500)), ("3s", .seconds(3)), ("3", .seconds(3)),
            ("0.5", .milliseconds(500)), ("2m", .seconds(120)), ("1.5h", .seconds(5400)),
            ("1d", .seconds(86_400)), ("0", .zero),
        ] as [(String, Duration)])
    func durations(text: String, duration: Duration) {
        #expect(TimeSpan(argument: text)?.duration == duration)
    }

    @Test(
        "What is not a duration is refused",
        arguments: ["", "s", "-1s", "1 s", "1w", "1e3", "nan", "inf", "1.2.3", "101000d"])
    func badDurations(text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }

    @Test(
        "A duration is shown in its largest whole unit",
        arguments: [("90s", "90s"), ("120s", "2m"), ("24h", "1d"), ("1500ms", "1500ms")])
    func durationText(text: String, shown: String) {
        #expect(TimeSpan(argument: text)?.description == shown)
    }
}

@Suite("nc's -q")
struct RewrittenTests {
    @Test("After connect, -q and a number is nc's")
    func number() {
        #expect(
            CommandLineTool.rewritten(["connect", "a:1", "-q", "5"])
                == ["connect", "a:1", "--quit-after", "5"])
    }

    @Test("A negative number means never, as in nc")
    func negative() {
        #expect(CommandLineTool.rewritten(["connect", "-q", "-1", "a:1"]) == ["connect", "a:1"])
    }

    @Test(
        "Without a number, or for another command, -q is everybody's",
        arguments: [
            ["connect", "a:1", "-q"], ["connect", "-q", "a:1"], ["listen", "-q", "5"], ["-q"], [],
        ])
    func quiet(arguments: [String]) {
        #expect(CommandLineTool.rewritten(arguments) == arguments)
    }
}
