package import NIOCore

/// The small frames of an attached session; DATA is streamed and has its own path. [FTSL §5]
package enum StreamFrame: Hashable, Sendable {
    case fin(ChannelNumber, position: UInt64, digest: UInt64)
    case ack(ChannelNumber, acknowledged: UInt64, credit: UInt64)
    case blocked(ChannelNumber, position: UInt64)
    case heartbeat
    case stop(ChannelNumber, taken: UInt64)
    case abort(Abort)
    case exit(ExitReport)
    case bye
    case superseded
    /// Where the session can be found if this host is lost; nothing is to be done now.
    indirect case endpoints(SignedTarget)
    /// The session lives there now.
    indirect case redirect(SignedTarget)
    /// The initiator's terminal, as EXTENSION.
    indirect case terminal(TerminalState)
    case `extension`(type: UInt16)

    /// An end gave up; data below the positions is still delivered. [FTSL §5.6]
    package struct Abort: Hashable, Sendable {
        package struct Row: Hashable, Sendable {
            package var channel: ChannelNumber
            package var position: UInt64
        }
        package var code: UInt16
        package var positions: [Row]
        package var text: String
    }

    /// A target in the words of a host that knows the session's secret. [FTSL §10.7]
    package struct SignedTarget: Hashable, Sendable {
        package var target: MoveTarget
        package var mac: [UInt8]

        package init(target: MoveTarget, mac: [UInt8]) {
            self.target = target
            self.mac = mac
        }
    }
}

extension StreamFrame {
    package func encode(into buffer: inout ByteBuffer) {
        switch self {
        case .fin(let channel, let position, let digest):
            Self.write(.fin, body: 17, &buffer) {
                $0.put(channel.value)
                $0.put(position)
                $0.put(digest)
            }
        case .ack(let channel, let acknowledged, let credit):
            Self.write(.ack, body: 17, &buffer) {
                $0.put(channel.value)
                $0.put(acknowledged)
                $0.put(credit)
            }
        case .blocked(let channel, let position):
            Self.write(.blocked, body: 9, &buffer) {
                $0.put(channel.value)
                $0.put(position)
            }
        case .heartbeat: Self.write(.heartbeat, body: 0, &buffer)
        case .stop(let channel, let taken):
            Self.write(.stop, body: 9, &buffer) {
                $0.put(channel.value)
                $0.put(taken)
            }
        case .abort(let abort): Self.encode(abort, into: &buffer)
        case .exit(let report):
            Self.write(.exit, body: 2, &buffer) {
                switch report {
                case .status(let value):
                    $0.put(UInt8(0))
                    $0.put(value)
                case .signal(let value):
                    $0.put(UInt8(1))
                    $0.put(value)
                }
            }
        case .bye: Self.write(.bye, body: 0, &buffer)
        case .superseded: Self.write(.superseded, body: 0, &buffer)
        case .endpoints(let signed): Self.encode(signed, as: .endpoints, into: &buffer)
        case .redirect(let signed): Self.encode(signed, as: .redirect, into: &buffer)
        case .terminal(let state): Self.encode(state, into: &buffer)
        case .extension(let type): Self.write(.extension, body: 2, &buffer) { $0.put(type) }
        }
    }

    private static func encode(_ abort: Abort, into buffer: inout ByteBuffer) {
        var body = ByteBuffer()
        body.writeInteger(abort.code)
        body.writeInteger(UInt8(abort.positions.count))
        for row in abort.positions {
            body.writeInteger(row.channel.value)
            body.writeInteger(row.position)
        }
        body.writeShortText(abort.text)
        buffer.writeInteger(UInt32(1 + body.readableBytes))
        buffer.writeInteger(FrameKind.abort.rawValue)
        buffer.writeBuffer(&body)
    }

    private static func encode(_ state: TerminalState, into buffer: inout ByteBuffer) {
        var body = ByteBuffer()
        body.writeInteger(TerminalState.extensionType)
        state.encode(into: &body)
        buffer.writeInteger(UInt32(1 + body.readableBytes))
        buffer.writeInteger(FrameKind.extension.rawValue)
        buffer.writeBuffer(&body)
    }

    private static func encode(
        _ signed: SignedTarget, as kind: FrameKind, into buffer: inout ByteBuffer
    ) {
        var body = ByteBuffer()
        body.write(signed.target)
        body.writeBytes(signed.mac)
        buffer.writeInteger(UInt32(1 + body.readableBytes))
        buffer.writeInteger(kind.rawValue)
        buffer.writeBuffer(&body)
    }

    private static func signed(from body: inout ByteBuffer) throws(Failure) -> SignedTarget {
        SignedTarget(
            target: try body.needTarget(),
            mac: try body.need(bytes: HandshakeMessage.macLength))
    }

    /// Length, kind, and a body of a size known beforehand.
    @inline(__always)
    private static func write(
        _ kind: FrameKind, body: Int, _ buffer: inout ByteBuffer,
        fields: (inout FieldWriter) -> Void = { _ in }
    ) {
        buffer.writeFields(5 + body) {
            $0.put(UInt32(1 + body))
            $0.put(kind.rawValue)
            fields(&$0)
        }
    }

    /// The header of a DATA frame; the payload follows in a buffer of its own, uncopied.
    package static func dataHeader(
        _ channel: ChannelNumber, position: UInt64, count: Int, into buffer: inout ByteBuffer
    ) {
        buffer.writeFields(4 + Bound.dataHeader) {
            $0.put(UInt32(Bound.dataHeader + count))
            $0.put(FrameKind.data.rawValue)
            $0.put(channel.value)
            $0.put(position)
        }
    }

    package init(kind: FrameKind, body: ByteBuffer) throws(Failure) {
        var body = body
        switch kind {
        case .fin:
            self = .fin(
                ChannelNumber(try body.need()), position: try body.need(),
                digest: try body.need())
        case .ack:
            self = .ack(
                ChannelNumber(try body.need()), acknowledged: try body.need(),
                credit: try body.need())
        case .blocked:
            self = .blocked(ChannelNumber(try body.need()), position: try body.need())
        case .heartbeat: self = .heartbeat
        case .stop: self = .stop(ChannelNumber(try body.need()), taken: try body.need())
        case .abort: self = .abort(try Self.abort(from: &body))
        case .exit: self = .exit(try Self.exit(from: &body))
        case .bye: self = .bye
        case .superseded: self = .superseded
        case .endpoints: self = .endpoints(try Self.signed(from: &body))
        case .redirect: self = .redirect(try Self.signed(from: &body))
        case .extension:
            let type: UInt16 = try body.need()
            if type == TerminalState.extensionType {
                self = .terminal(try TerminalState(from: &body))
            } else {
                self = .extension(type: type)
                body.moveReaderIndex(to: body.writerIndex)
            }
        case .open, .opened, .confirm, .resume, .resumed, .proof, .verdict:
            throw .violation(.unexpectedFrame, "a handshake frame in an attached session")
        case .data:
            preconditionFailure("DATA is decoded as it streams in")
        case .lane, .ready, .message, .accepted, .recorded, .skip, .refused, .watch, .processed,
            .subscribe, .subscribed, .delivery, .settle, .settled, .grant, .caughtUp, .return:
            preconditionFailure("a MessageFrame is no frame of a stream")
        }
        try body.needEnd()
    }

    static func abort(from body: inout ByteBuffer) throws(Failure) -> Abort {
        let code: UInt16 = try body.need()
        var positions: [Abort.Row] = []
        for _ in 0..<(try body.need(UInt8.self)) {
            positions.append(
                Abort.Row(channel: ChannelNumber(try body.need()), position: try body.need()))
        }
        return Abort(code: code, positions: positions, text: try body.needText())
    }

    static func exit(from body: inout ByteBuffer) throws(Failure) -> ExitReport {
        let kind: UInt8 = try body.need()
        let value: UInt8 = try body.need()
        switch kind {
        case 0: return .status(value)
        case 1: return .signal(value)
        default: throw .violation(.malformedFrame, "an unknown kind of EXIT")
        }
    }
}
