internal import FTSLCore
internal import NIOCore

/// A message as a program wants it sent.
///
/// Topic, id and headers have at most 16 KiB together. [FTSL §7.4]
public struct Message: Hashable, Sendable {
    /// A name and a value that travel with the body.
    public struct Header: Hashable, Sendable {
        /// 1 to 255 bytes, without spaces, `=` and control characters.
        public var name: String
        /// At most 4096 bytes, without NUL.
        public var value: String

        /// Bounds are judged when the message is sent.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Levels separated by `.` or `/`; 1 to 255 bytes.
    public var topic: String
    /// Your own name of the message: the inbox stores it once under this name, whoever sends it
    /// again and however often; nil: the message is one of its own.
    public var id: String?
    /// At most 64.
    public var headers: [Header]
    /// After this, what has not been sent is not sent any more; nil: it waits for ever.
    public var timeToLive: Duration?
    /// Any bytes.
    public var body: [UInt8]

    /// A message with any bytes.
    public init(
        topic: String, id: String? = nil, headers: [Header] = [], timeToLive: Duration? = nil,
        body: some Sequence<UInt8>
    ) {
        self.topic = topic
        self.id = id
        self.headers = headers
        self.timeToLive = timeToLive
        self.body = Array(body)
    }

    /// A message with text as its body, in UTF-8.
    public init(
        topic: String, id: String? = nil, headers: [Header] = [], timeToLive: Duration? = nil,
        text: String
    ) {
        self.init(
            topic: topic, id: id, headers: headers, timeToLive: timeToLive, body: text.utf8)
    }
}

extension Message {
    /// As an outbox takes it, when it keeps the bounds.
    func checked() throws(FTSLError) -> NewMessage {
        let headers = headers.map { Envelope.Header(name: $0.name, value: $0.value) }
        let complaint =
            EnvelopeRules.complaint(topic: topic, id: id ?? "", headers: headers)
            ?? id.flatMap { EnvelopeRules.complaint(id: $0) }
        if let complaint { throw FTSLError(.malformedMessage, complaint) }
        let now = WallClock.milliseconds
        let life = timeToLive.map { UInt64(max(0, $0 / .milliseconds(1))) }
        let bytes = ByteBuffer(bytes: body)
        return NewMessage(
            envelope: Envelope(
                id: id ?? "", topic: topic, headers: headers, created: now, remaining: life),
            expires: life.map { now &+ $0 }, digest: BodyDigest(of: bytes), body: .inline(bytes))
    }
}
