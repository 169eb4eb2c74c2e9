package import NIOCore

/// Reads the frames of a handshake and keeps the transcript that every MAC covers. [FTSL §4.5]
package struct HandshakeReader {
    package struct Frame {
        package var kind: FrameKind
        package var message: HandshakeMessage
        package var mac: [UInt8]
        /// All handshake bytes of both directions before `mac`.
        package var transcript: ByteBuffer
    }

    private var pending = ByteBuffer()
    private var transcript = ByteBuffer()
    private var prefaceSeen = false

    package init() {}

    /// Bytes of this side, in the order in which they are sent.
    package mutating func sent(_ bytes: ByteBuffer) { transcript.writeImmutableBuffer(bytes) }

    /// Everything both sides have said so far, for computing a MAC.
    package var transcriptSoFar: ByteBuffer { transcript }

    package mutating func append(_ bytes: ByteBuffer) { pending.writeImmutableBuffer(bytes) }

    /// What arrived after the handshake's last frame: the first stream frames.
    package mutating func takeRest() -> ByteBuffer {
        defer { pending = ByteBuffer() }
        return pending
    }

    package var hasBytes: Bool { prefaceSeen || pending.readableBytes > 0 }

    /// The next complete frame, or nil when more bytes are needed.
    package mutating func next() throws(Failure) -> Frame? {
        if !prefaceSeen {
            if let foreign = Preface.foreign(pending) {
                throw .violation(.notFTSL, "the peer speaks \(foreign), not FTSL")
            }
            guard let preface = pending.readSlice(length: Preface.bytes.count) else { return nil }
            transcript.writeImmutableBuffer(preface)
            prefaceSeen = true
        }
        let start = pending.readerIndex
        guard let length: UInt32 = pending.getInteger(at: start) else { return nil }
        guard length >= 1, length <= Bound.handshakeFrame else {
            throw .violation(.frameTooLarge, "a handshake frame of \(length) bytes")
        }
        guard pending.readableBytes >= 4 + Int(length) else { return nil }
        return try frame(length: Int(length))
    }

    private mutating func frame(length: Int) throws(Failure) -> Frame {
        let start = pending.readerIndex
        guard let raw: UInt8 = pending.getInteger(at: start + 4),
            let kind = FrameKind(rawValue: raw)
        else { throw .violation(.unknownKind, "a handshake frame of unknown kind") }
        guard kind.isHandshake else {
            throw .violation(.unexpectedFrame, "a stream frame before the handshake")
        }
        let macLength = kind == .open ? 0 : HandshakeMessage.macLength
        let bodyLength = length - 1 - macLength
        guard bodyLength >= 0, let head = pending.readSlice(length: 5),
            let body = pending.readSlice(length: bodyLength),
            let mac = pending.readBytes(length: macLength)
        else { throw .shortFrame }
        transcript.writeImmutableBuffer(head)
        transcript.writeImmutableBuffer(body)
        let covered = transcript
        transcript.writeBytes(mac)
        return Frame(
            kind: kind, message: try HandshakeMessage(kind: kind, body: body), mac: mac,
            transcript: covered)
    }
}

extension HandshakeReader {
    /// Encodes a message of this side, completes it with its MAC, and adds it to the transcript.
    ///
    /// Without a secret (OPEN, or a verdict for a stranger) the MAC is 32 zero bytes or absent.
    package mutating func compose(
        _ message: HandshakeMessage, as role: Role, secret: SessionSecret?, first: Bool
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        if first { bytes.writeBytes(Preface.bytes) }
        bytes.writeImmutableBuffer(message.encoded())
        var covered = transcript
        covered.writeImmutableBuffer(bytes)
        if message.hasMAC {
            let mac = secret?.mac(by: role, kind: message.kind, transcript: covered)
            bytes.writeBytes(mac ?? [UInt8](repeating: 0, count: HandshakeMessage.macLength))
        }
        sent(bytes)
        return bytes
    }
}
