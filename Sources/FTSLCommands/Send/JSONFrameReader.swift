internal import FTSLCore
internal import FTSLKit
internal import FoundationEssentials
internal import NIOCore

/// A sequence of JSON objects, a line each or not, as `ftsl tail --json` writes them.
struct JSONFrameReader: FrameReader {
    /// What `tail --json` says beyond what can be sent.
    private static let ignored: Set<String> = [
        "index", "time", "created", "producer", "sequence", "attempt", "attempts", "reason",
    ]

    private var position: UInt64 = 0
    private var object = ByteBuffer()
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    mutating func read(
        _ bytes: ByteBuffer, into assembler: inout MessageAssembler
    ) throws(BadInput) {
        var bytes = bytes
        while bytes.readableBytes > 0 {
            let (count, isComplete) = try scan(bytes, &assembler)
            guard var part = bytes.readSlice(length: count) else { return }
            position += UInt64(count)
            guard depth > 0 || isComplete else { continue }
            object.writeBuffer(&part)
            // Escapes and base64 make a body longer than it is.
            let limit = 2 * assembler.rules.maxMessage + 64 << 10
            guard object.readableBytes <= limit else {
                throw assembler.bad("the object is larger than --max-message allows")
            }
            if isComplete {
                try message(&assembler)
                object = ByteBuffer()
            }
        }
    }

    /// Up to the end of the space before an object, of an object, or of what is here.
    private mutating func scan(
        _ bytes: ByteBuffer, _ assembler: inout MessageAssembler
    ) throws(BadInput) -> (count: Int, isComplete: Bool) {
        let view = bytes.readableBytesView
        if depth == 0 {
            let space = view.prefix { [0x20, 0x09, 0x0A, 0x0D].contains($0) }.count
            if space > 0 { return (space, false) }
            assembler.begin(at: position)
            guard view.first == UInt8(ascii: "{") else {
                throw assembler.bad("expected a JSON object")
            }
        }
        for (offset, byte) in view.enumerated() {
            guard isInString else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if depth == 0 { return (offset + 1, true) }
                default: break
                }
                continue
            }
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            // Found at once, not at the end of a stream that may have none.
            if byte == 0x0A { throw assembler.bad("a string ends on its line") }
        }
        return (view.count, false)
    }

    mutating func finish(into assembler: inout MessageAssembler) throws(BadInput) {
        if depth > 0 { throw assembler.bad("the input ends inside an object") }
    }

    // MARK: One object

    private func message(_ assembler: inout MessageAssembler) throws(BadInput) {
        let value: JSONValue
        do {
            value = try JSONReader.parse(Array(object.readableBytesView))
        } catch {
            throw assembler.bad(error.description)
        }
        guard case .object(let members) = value else {
            throw assembler.bad("expected a JSON object")
        }
        var draft = assembler.rules.draft
        var body: ByteBuffer?
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            switch (key, value) {
            case ("topic", .string(let text)): draft.topic = text
            case ("id", _) where value.plainText != nil: draft.id = value.plainText ?? ""
            case ("headers", .object(let headers)):
                draft.headers = try Self.headers(headers, assembler) + draft.headers
            case ("text", .string(let text)) where body == nil: body = ByteBuffer(string: text)
            case ("base64", .string(let text)) where body == nil:
                guard let data = Data(base64Encoded: text) else {
                    throw assembler.bad("'base64' is not base64")
                }
                body = ByteBuffer(bytes: data)
            case ("text", .string), ("base64", .string):
                throw assembler.bad("'text' and 'base64' exclude each other")
            case _ where Self.ignored.contains(key): break
            case ("topic", _), ("id", _), ("headers", _), ("text", _), ("base64", _):
                throw assembler.bad("'\(key)' has the wrong type")
            default: throw assembler.bad("unknown key '\(key)'")
            }
        }
        guard let body else { throw assembler.bad("neither 'text' nor 'base64'") }
        if let complaint = EnvelopeRules.complaint(draft) { throw assembler.bad(complaint) }
        try assembler.whole(draft, body)
    }

    private static func headers(
        _ members: [String: JSONValue], _ assembler: MessageAssembler
    ) throws(BadInput) -> [Envelope.Header] {
        var headers: [Envelope.Header] = []
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            // A name may have several values.
            var values = [value]
            if case .array(let several) = value { values = several }
            for value in values {
                guard let text = value.plainText else {
                    throw assembler.bad("header '\(name)' has the wrong type")
                }
                headers.append(Envelope.Header(name: name, value: text))
            }
        }
        return headers
    }
}
