import FTSLCore
import NIOCore
import Testing

@testable import FTSLCommands

@Suite("Formats of messages")
struct MessageFormatTests {
    private let message = TailMessage(
        index: 42, producer: ProducerID(high: 0, low: 1), sequence: 7, attempt: 2,
        envelope: Envelope(
            topic: "a.b", headers: [.init(name: "k", value: "v"), .init(name: "k", value: "w")],
            created: 1_500),
        stored: 1_764_109_705_123)
    private let name = "00000000000000000000000000000001"

    private func text(_ format: String, _ body: String = "hi") throws -> String {
        let items = try #require(FormatArgument(argument: format)).items
        let output = MessageFormat.items(items, end: 0x0A).bytes(message, ByteBuffer(string: body))
        return String(buffer: output)
    }

    @Test("Every sign stands for what the contract says")
    func signs() throws {
        #expect(try text("%t|%x|%i|%p|%s") == "a.b|42|\(name)-7|\(name)|7\n")
        #expect(try text("%T %b %h{k}%h{none}") == "2025-11-25T22:28:25.123Z hi v\n")
        #expect(try text(#"100%%\t%b\\"#) == "100%\thi\\\n")
    }

    @Test("A format that ends its line itself gets no second end")
    func ends() throws {
        #expect(try text(#"%b\n"#) == "hi\n")
        #expect(try text(#"%b\0"#) == "hi\0")
        #expect(try text("%b", "hi\n") == "hi\n\n", "a body is what it is")
        #expect(try text("") == "\n")
    }

    @Test(
        "What means nothing is refused",
        arguments: ["%", "%q", "%h", "%h{", "%h{}", "%hk", "\\", "\\q"])
    func refused(format: String) {
        #expect(FormatArgument(argument: format) == nil)
    }

    @Test("A dead letter says how often and why it failed")
    func dead() throws {
        var message = message
        message.reason = "exit status 1"
        let items = try #require(FormatArgument(argument: "%a %r")).items
        let output = MessageFormat.items(items, end: 0).bytes(message, ByteBuffer())
        #expect(String(buffer: output) == "2 exit status 1\0")
    }

    @Test("JSON holds everything, the body as text or else as base64")
    func json() throws {
        let line = String(buffer: MessageFormat.json.bytes(message, ByteBuffer(string: "hé")))
        #expect(line.hasSuffix("}\n"))
        #expect(
            try JSONReader.parse(Array(line.utf8))
                == .object([
                    "index": .integer(42), "id": .string("\(name)-7"), "topic": .string("a.b"),
                    "headers": .object(["k": .array([.string("v"), .string("w")])]),
                    "time": .string("2025-11-25T22:28:25.123Z"),
                    "created": .string("1970-01-01T00:00:01.500Z"),
                    "producer": .string(name), "sequence": .integer(7), "attempt": .integer(2),
                    "text": .string("hé"),
                ]))
        let binary = String(
            buffer: MessageFormat.json.bytes(message, ByteBuffer(bytes: [0, 0xFF])))
        #expect(binary.contains(#""base64":"AP8=""#))
        #expect(!binary.contains(#""text""#))
    }

    @Test("A message with an id of its own shows it")
    func ownID() {
        var message = message
        message.envelope.id = "order-1"
        #expect(message.id == "order-1")
    }
}
