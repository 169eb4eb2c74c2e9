import FTSLCore
import NIOCore
import Testing

@testable import FTSLCommands

@Suite("Framings of messages")
struct FramingTests {
    struct Example: CustomTestStringConvertible, Sendable {
        var framing: Framing
        var input: [UInt8]
        var messages: [String]
        var testDescription: String { "\(framing)" }

        init(_ framing: Framing, _ input: String, _ messages: [String]) {
            self.framing = framing
            self.input = Array(input.utf8)
            self.messages = messages
        }
    }

    static let examples = [
        Example(.whole, "one\ntwo\n", ["one\ntwo\n"]),
        Example(.whole, "", [""]),
        Example(.lines, "one\n\ntwo\r\nthree", ["one", "", "two\r", "three"]),
        Example(.lines, "", []),
        Example(.lines, "\n", [""]),
        Example(.null, "one\n\0\0two", ["one\n", "", "two"]),
        Example(.frames(.len32), "\0\0\0\u{3}one\0\0\0\0\0\0\0\u{2}to", ["one", "", "to"]),
        Example(.frames(.netstring), "3:one,0:,12:hello, world,", ["one", "", "hello, world"]),
        Example(
            .frames(.json),
            #" {"text":"o\u006ee"}{"base64":"AAE="}"# + "\n{\n \"text\": \"{[\\\"\"\n}\n",
            ["one", "\0\u{1}", "{[\""]),
    ]

    @Test("A cut at any byte gives the same messages", arguments: examples)
    func cuts(example: Example) {
        for cut in 0...example.input.count {
            let parts = [Array(example.input[..<cut]), Array(example.input[cut...])]
            let reading = Reading(parts.filter { !$0.isEmpty }, example.framing)
            #expect(reading.texts == example.messages, "cut at \(cut)")
            #expect(reading.ending == nil)
        }
    }

    @Test("A byte at a time gives the same messages", arguments: examples)
    func bytes(example: Example) {
        let reading = Reading(example.input.map { [$0] }, example.framing)
        #expect(reading.texts == example.messages)
        #expect(reading.ending == nil)
    }

    @Test("Messages that are not held whole are the same", arguments: examples)
    func pieces(example: Example) {
        for cut in 0...example.input.count {
            let parts = [Array(example.input[..<cut]), Array(example.input[cut...])]
            let reading = Reading(
                parts.filter { !$0.isEmpty }, example.framing, .most(64 << 20, held: 2))
            #expect(reading.texts == example.messages)
        }
    }

    struct Malformed: CustomTestStringConvertible, Sendable {
        var framing: Framing
        var input: String
        var good: Int
        var offset: UInt64
        var testDescription: String { "\(framing): \(input.debugDescription)" }

        init(_ framing: Framing, _ input: String, good: Int, at offset: UInt64) {
            self.framing = framing
            self.input = input
            self.good = good
            self.offset = offset
        }
    }

    @Test(
        "What is malformed is named with its place; all before it is good, nothing after",
        arguments: [
            Malformed(.frames(.len32), "\0\0\0\u{1}a\0\0", good: 1, at: 5),
            Malformed(.frames(.len32), "\0\0\0\u{1}a\0\0\0\u{2}b", good: 1, at: 5),
            Malformed(.frames(.len32), "\u{7f}\0\0\0", good: 0, at: 0),
            Malformed(.frames(.netstring), "1:a,x1:b,", good: 1, at: 4),
            Malformed(.frames(.netstring), "1:a,2:b,", good: 1, at: 4),
            Malformed(.frames(.netstring), "1:a,2:bbb1:c,", good: 1, at: 4),
            Malformed(.frames(.netstring), "1:a,01:b,", good: 1, at: 4),
            Malformed(.frames(.netstring), "1:a,:,1:b,", good: 1, at: 4),
            Malformed(.frames(.netstring), "1:a,-1:b,", good: 1, at: 4),
            Malformed(.frames(.netstring), "1:a,1", good: 1, at: 4),
            Malformed(.frames(.netstring), "9999999999999999999:", good: 0, at: 0),
            Malformed(.frames(.json), "{\"text\":\"a\"}\n\"text\"", good: 1, at: 13),
            Malformed(.frames(.json), "{\"text\":\"a\"} {\"text\":\"b}\n{}", good: 1, at: 13),
            Malformed(.frames(.json), "{\"text\":\"a\"} {\"text\":", good: 1, at: 13),
            Malformed(.frames(.json), "{\"text\":\"a\"} {\"text\":1}", good: 1, at: 13),
            Malformed(.frames(.json), "{\"text\":\"a\"} {\"txt\":\"b\"}", good: 1, at: 13),
            Malformed(.frames(.json), "{\"text\":\"a\"} {}{\"text\":\"b\"}", good: 1, at: 13),
            Malformed(.frames(.json), "{\"text\":\"a\",\"base64\":\"\"}", good: 0, at: 0),
            Malformed(.frames(.json), "{\"base64\":\"?\"}", good: 0, at: 0),
            Malformed(.frames(.json), "{\"text\":\"\",\"topic\":\"\"}", good: 0, at: 0),
            Malformed(.frames(.json), "{\"text\":\"\",\"headers\":{\"\":\"x\"}}", good: 0, at: 0),
            Malformed(.frames(.json), "[1]", good: 0, at: 0),
            Malformed(.frames(.json), "{\"text\":\"\"]", good: 0, at: 0),
        ])
    func malformed(example: Malformed) {
        let input = Array(example.input.utf8)
        for chunks in [[input], input.map { [$0] }] {
            let reading = Reading(chunks, example.framing)
            #expect(reading.bodies.count == example.good)
            #expect(reading.ending?.status == 65)
            let sentence = reading.ending?.sentence ?? ""
            #expect(sentence.hasPrefix("bad input at byte \(example.offset): "), "\(sentence)")
        }
    }

    @Test(
        "A message larger than allowed is refused before it is complete",
        arguments: [
            (Framing.lines, "ok\nhello\nok\n", UInt64(3)), (.null, "ok\0hello\0", 3),
            (.frames(.len32), "\0\0\0\u{2}ok\0\0\0\u{5}hello", 6),
            (.frames(.netstring), "2:ok,5:hello,", 5), (.whole, "hello", 0),
            (.frames(.json), "{\"text\":\"ok\"}{\"text\":\"hello\"}", 13),
        ])
    func oversized(framing: Framing, input: String, offset: UInt64) {
        for held in [1, 1 << 20] {
            let reading = Reading(input, framing, .most(4, held: held))
            #expect(reading.texts == (framing == .whole ? [] : ["ok"]))
            #expect(
                reading.events.count { $0 == .end }
                    == (held == 1 && offset > 0
                        && framing != .frames(.json) ? 1 : 0))
            #expect(reading.ending?.status == 65)
            #expect(reading.ending?.sentence?.hasPrefix("bad input at byte \(offset): ") == true)
        }
    }

    @Test("A message of exactly the limit is allowed")
    func limit() {
        #expect(Reading("hello\n", .lines, .most(5)).texts == ["hello"])
        #expect(Reading("5:hello,", .frames(.netstring), .most(5)).texts == ["hello"])
    }

    @Test("A large body is handed on in pieces while it is read, a small one whole")
    func memory() {
        let chunk = [UInt8](repeating: 7, count: 300_000)
        let reading = Reading(Array(repeating: chunk, count: 10), .whole)
        #expect(reading.bodies == [[UInt8](repeating: 7, count: 3_000_000)])
        #expect(reading.events.first == .begin(MessageDraft()))
        let largest = reading.events.map {
            if case .piece(let bytes) = $0 { bytes.readableBytes } else { 0 }
        }.max()
        #expect((largest ?? 0) <= Bound.inlineBody + 16 << 10)
    }

    @Test("An input that cannot be read is 74, after what was good")
    func unreadable() {
        let failure = Failure(.local, .localInputOutput, "cannot read the input")
        let reading = Reading([Array("one\ntw".utf8)], .lines, failure: failure)
        #expect(reading.texts == ["one"])
        #expect(reading.ending?.status == 74)
    }
}

@Suite("Envelopes of messages that are read")
struct ReadEnvelopeTests {
    @Test("A JSON object says more about its message than the command line")
    func json() {
        var rules = MessageAssembler.Rules()
        rules.draft = MessageDraft(topic: "t", headers: [.init(name: "a", value: "1")])
        let reading = Reading(
            #"{"topic":"x.y","id":7,"headers":{"k":"v","n":[1,"2"]},"text":""}{"text":"b"}"#,
            .frames(.json), rules)
        #expect(
            reading.drafts == [
                MessageDraft(
                    topic: "x.y", id: "7",
                    headers: [
                        .init(name: "k", value: "v"), .init(name: "n", value: "1"),
                        .init(name: "n", value: "2"), .init(name: "a", value: "1"),
                    ]),
                rules.draft,
            ])
    }

    @Test("What tail --json writes can be sent on")
    func again() {
        let message = TailMessage(
            index: 3, producer: ProducerID(high: 1, low: 2), sequence: 9, attempt: 1,
            envelope: Envelope(
                topic: "t", headers: [.init(name: "k", value: "v")], created: 1_000),
            stored: 2_000)
        let line = MessageFormat.json.bytes(message, ByteBuffer(bytes: [0xFF]))
        let reading = Reading([Array(line.readableBytesView)], .frames(.json))
        #expect(reading.ending == nil)
        #expect(reading.bodies == [[0xFF]])
        #expect(
            reading.drafts == [
                MessageDraft(topic: "t", id: message.id, headers: message.envelope.headers)
            ])
    }

    @Test("The id may be a member of the body")
    func idFromBody() {
        var rules = MessageAssembler.Rules()
        rules.idField = "order"
        rules.held = 1
        let reading = Reading("{\"order\":17}\n{\"order\":\"x\"}\n", .lines, rules)
        #expect(reading.drafts.map(\.id) == ["17", "x"])
        #expect(reading.texts == [#"{"order":17}"#, #"{"order":"x"}"#])
    }

    @Test(
        "A body without a usable id is bad input, with its place",
        arguments: [
            "{}", "[]", "x", "{\"order\":{}}", "{\"order\":\"\"}", "{\"order\":\"a\\nb\"}",
        ])
    func noID(body: String) {
        var rules = MessageAssembler.Rules()
        rules.idField = "order"
        let reading = Reading("{\"order\":1}\n\(body)\n", .lines, rules)
        #expect(reading.texts.count == 1)
        #expect(reading.ending?.status == 65)
        #expect(reading.ending?.sentence?.contains("byte 12: --id-from-json") == true)
    }
}
