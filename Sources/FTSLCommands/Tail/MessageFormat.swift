internal import ArgumentParser
internal import FTSLCore
internal import FoundationEssentials
internal import NIOCore

/// A piece of `--format`.
enum FormatItem: Equatable {
    case text(String)
    case topic, index, id, producer, sequence, time, body, attempt, reason
    case header(String)
}

/// `--format`: percent signs and backslashes resolved once.
struct FormatArgument: ExpressibleByArgument, Equatable {
    var items: [FormatItem]

    init?(argument: String) {
        guard let items = Self.parse(argument) else { return nil }
        self.items = items
    }

    private static func parse(_ text: String) -> [FormatItem]? {
        var items: [FormatItem] = []
        var literal = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "%":
                guard let item = item(&rest) else { return nil }
                if case .text(let text) = item {
                    literal += text
                } else {
                    if !literal.isEmpty { items.append(.text(literal)) }
                    literal = ""
                    items.append(item)
                }
            case "\\":
                guard let next = rest.popFirst(), let meant = escapes[next] else { return nil }
                literal += meant
            default: literal.append(character)
            }
        }
        if !literal.isEmpty { items.append(.text(literal)) }
        return items
    }

    private static let escapes: [Character: String] = [
        "n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\",
    ]

    /// What follows a percent sign.
    private static func item(_ rest: inout Substring) -> FormatItem? {
        switch rest.popFirst() {
        case "%": return .text("%")
        case "t": return .topic
        case "x": return .index
        case "i": return .id
        case "p": return .producer
        case "s": return .sequence
        case "T": return .time
        case "b": return .body
        case "a": return .attempt
        case "r": return .reason
        case "h":
            guard rest.popFirst() == "{", let end = rest.firstIndex(of: "}") else { return nil }
            let name = rest[..<end]
            rest = rest[rest.index(after: end)...]
            return name.isEmpty ? nil : .header(String(name))
        default: return nil
        }
    }
}

/// How `tail` writes messages.
enum MessageFormat: Equatable {
    case json
    /// Followed by `end`, unless the format ends a line itself.
    case items([FormatItem], end: UInt8)

    /// The bytes of one message.
    func bytes(_ message: TailMessage, _ body: ByteBuffer) -> ByteBuffer {
        switch self {
        case .json: return ByteBuffer(string: Self.object(message, body).line)
        case .items(let items, let end):
            var output = Self.render(items, message, body)
            Self.close(items, end, &output)
            return output
        }
    }

    private static func close(_ items: [FormatItem], _ end: UInt8, _ output: inout ByteBuffer) {
        if case .text(let text)? = items.last, text.hasSuffix("\n") || text.hasSuffix("\0") {
            return
        }
        output.writeInteger(end)
    }

    private static func render(
        _ items: some Sequence<FormatItem>, _ message: TailMessage, _ body: ByteBuffer
    ) -> ByteBuffer {
        var output = ByteBuffer()
        for item in items {
            switch item {
            case .text(let text): output.writeString(text)
            case .topic: output.writeString(message.envelope.topic)
            case .index: output.writeString("\(message.index)")
            case .id: output.writeString(message.id)
            case .producer: output.writeString("\(message.producer)")
            case .sequence: output.writeString("\(message.sequence)")
            case .time: output.writeString(Timestamp.text(milliseconds: message.stored))
            case .body: output.writeImmutableBuffer(body)
            case .attempt: output.writeString("\(message.attempt)")
            case .reason: output.writeString(Log.harmless(message.reason ?? ""))
            case .header(let name):
                let value = message.envelope.headers.first { $0.name == name }?.value
                output.writeString(value ?? "")
            }
        }
        return output
    }

    private static func object(_ message: TailMessage, _ body: ByteBuffer) -> JSONValue {
        var headers: [String: JSONValue] = [:]
        for header in message.envelope.headers {
            let value = JSONValue.string(header.value)
            switch headers[header.name] {
            case nil: headers[header.name] = value
            // A name that comes again has a list of values.
            case .array(let values): headers[header.name] = .array(values + [value])
            case let first?: headers[header.name] = .array([first, value])
            }
        }
        var object: [String: JSONValue] = [
            "index": .integer(message.index), "id": .string(message.id),
            "topic": .string(message.envelope.topic), "headers": .object(headers),
            "time": .string(Timestamp.text(milliseconds: message.stored)),
            "created": .string(Timestamp.text(milliseconds: message.envelope.created)),
            "producer": .string("\(message.producer)"), "sequence": .integer(message.sequence),
            "attempt": .integer(UInt64(message.attempt)),
        ]
        if let reason = message.reason { object["reason"] = .string(reason) }
        if let text = String(validating: body.readableBytesView, as: UTF8.self) {
            object["text"] = .string(text)
        } else {
            object["base64"] = .string(Data(body.readableBytesView).base64EncodedString())
        }
        return .object(object)
    }
}
