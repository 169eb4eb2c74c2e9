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
}

extension StreamFrame {
    package func encode(into buffer: inout ByteBuffer) {
        switch self {
        case .fin(let channel, let position, let digest):
            Self.header(.fin, body: 17, &buffer)
            buffer.writeMultipleIntegers(channel.value, position, digest)
        case .ack(let channel, let acknowledged, let credit):
            Self.header(.ack, body: 17, &buffer)
            buffer.writeMultipleIntegers(channel.value, acknowledged, credit)
        case .blocked(let channel, let position):
            Self.header(.blocked, body: 9, &buffer)
            buffer.writeMultipleIntegers(channel.value, position)
        case .heartbeat: Self.header(.heartbeat, body: 0, &buffer)
        case .stop(let channel, let taken):
            Self.header(.stop, body: 9, &buffer)
            buffer.writeMultipleIntegers(channel.value, taken)
        case .abort(let abort): Self.encode(abort, into: &buffer)
        case .exit(let report):
            Self.header(.exit, body: 2, &buffer)
            switch report {
            case .status(let value): buffer.writeMultipleIntegers(UInt8(0), value)
            case .signal(let value): buffer.writeMultipleIntegers(UInt8(1), value)
            }
        case .bye: Self.header(.bye, body: 0, &buffer)
        case .superseded: Self.header(.superseded, body: 0, &buffer)
        case .extension(let type):
            Self.header(.extension, body: 2, &buffer)
            buffer.writeInteger(type)
        }
    }

    private static func encode(_ abort: Abort, into buffer: inout ByteBuffer) {
        var body = ByteBuffer()
        body.writeInteger(abort.code)
        body.writeInteger(UInt8(abort.positions.count))
        for row in abort.positions {
            body.writeMultipleIntegers(row.channel.value, row.position)
        }
        body.writeShortText(abort.text)
        header(.abort, body: body.readableBytes, &buffer)
        buffer.writeBuffer(&body)
    }

    private static func header(_ kind: FrameKind, body: Int, _ buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(UInt32(1 + body), kind.rawValue)
    }

    /// The header of a DATA frame; the payload follows in a buffer of its own, uncopied.
    package static func dataHeader(
        _ channel: ChannelNumber, position: UInt64, count: Int, into buffer: inout ByteBuffer
    ) {
        buffer.writeMultipleIntegers(
            UInt32(Bound.dataHeader + count), FrameKind.data.rawValue, channel.value, position)
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
        case .extension:
            self = .extension(type: try body.need())
            body.moveReaderIndex(to: body.writerIndex)
        case .open, .opened, .confirm, .resume, .resumed, .proof, .verdict:
            throw .violation(.unexpectedFrame, "a handshake frame in an attached session")
        case .data:
            preconditionFailure("DATA is decoded as it streams in")
        }
        try body.needEnd()
    }

    private static func abort(from body: inout ByteBuffer) throws(Failure) -> Abort {
        let code: UInt16 = try body.need()
        var positions: [Abort.Row] = []
        for _ in 0..<(try body.need(UInt8.self)) {
            positions.append(
                Abort.Row(channel: ChannelNumber(try body.need()), position: try body.need()))
        }
        return Abort(code: code, positions: positions, text: try body.needText())
    }

    private static func exit(from body: inout ByteBuffer) throws(Failure) -> ExitReport {
        let kind: UInt8 = try body.need()
        let value: UInt8 = try body.need()
        switch kind {
        case 0: return .status(value)
        case 1: return .signal(value)
        default: throw .violation(.malformedFrame, "an unknown kind of EXIT")
        }
    }
}
