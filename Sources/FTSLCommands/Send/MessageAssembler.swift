internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// What reading messages gives, in order.
enum ReadEvent: Equatable {
    case message(MessageDraft, ByteBuffer)
    /// A message too large to be held begins: its pieces follow, then `end`.
    case begin(MessageDraft)
    case piece(ByteBuffer)
    case end
}

/// Puts bodies together, whole if they are small, and keeps the bounds.
struct MessageAssembler {
    struct Rules {
        /// What the command line says about every message.
        var draft = MessageDraft()
        /// Larger bodies are bad input.
        var maxMessage: UInt64 = 64 << 20
        /// The member of a JSON body that is the message's id.
        var idField: String?
        /// Bodies up to this are events of their own.
        var held = Bound.inlineBody
    }

    let rules: Rules
    private(set) var events: [ReadEvent] = []
    private var body = ByteBuffer()
    private var count: UInt64 = 0
    private var start: UInt64 = 0
    private var isLarge = false

    init(_ rules: Rules) {
        self.rules = rules
    }

    mutating func takeEvents() -> [ReadEvent] {
        defer { events = [] }
        return events
    }

    /// A message begins at this offset of the input.
    mutating func begin(at offset: UInt64) { start = offset }

    /// Something is wrong with the message that began last.
    func bad(_ text: String) -> BadInput { BadInput(offset: start, text: text) }

    /// Refuses a size that a frame announces.
    func check(size: UInt64) throws(BadInput) {
        guard size > rules.maxMessage else { return }
        throw bad(
            "a message of \(size) bytes is larger than --max-message "
                + "\(ByteSize(bytes: rules.maxMessage))")
    }

    mutating func append(_ bytes: ByteBuffer) throws(BadInput) {
        count += UInt64(bytes.readableBytes)
        guard count <= rules.maxMessage else {
            throw bad(
                "the message is larger than --max-message \(ByteSize(bytes: rules.maxMessage))")
        }
        if isLarge {
            events.append(.piece(bytes))
        } else if body.readableBytes == 0 {
            body = bytes
        } else {
            var bytes = bytes
            body.writeBuffer(&bytes)
        }
        // An id that is inside the body is known only when all of it is here.
        if !isLarge, body.readableBytes > rules.held, rules.idField == nil {
            isLarge = true
            events += [.begin(rules.draft), .piece(body)]
            body = ByteBuffer()
        }
    }

    /// The message is complete; `own` is what its frame said about it.
    mutating func end(_ own: MessageDraft? = nil) throws(BadInput) {
        if isLarge {
            events.append(.end)
        } else {
            var draft = own ?? rules.draft
            if let field = rules.idField { draft.id = try id(field) }
            events.append(.message(draft, body))
        }
        body = ByteBuffer()
        count = 0
        isLarge = false
    }

    /// A message that came with an envelope of its own.
    mutating func whole(_ draft: MessageDraft, _ body: ByteBuffer) throws(BadInput) {
        try check(size: UInt64(body.readableBytes))
        self.body = body
        try end(draft)
    }

    private func id(_ field: String) throws(BadInput) -> String {
        let value: JSONValue
        do {
            value = try JSONReader.parse(Array(body.readableBytesView))
        } catch {
            throw bad("--id-from-json: \(error.description)")
        }
        guard case .object(let members) = value, let id = members[field]?.plainText else {
            throw bad("--id-from-json: the message has no text or number '\(field)'")
        }
        if let complaint = EnvelopeRules.complaint(id: id) {
            throw bad("--id-from-json: \(complaint)")
        }
        return id
    }
}
