internal import FTSLCore
internal import NIOCore

/// Stream frames as an adversary would write them: well-formed, with numbers of the input's choice.
enum Craft {
    static func frame(from input: inout FuzzInput, near known: [UInt64]) -> ByteBuffer {
        var buffer = ByteBuffer()
        let channel = ChannelNumber(UInt8(input.choice(3)))
        switch input.choice(13) {
        case 0, 1: data(channel, &input, known, &buffer)
        case 2:
            let (position, digest) = (input.number(near: known), input.number(near: known))
            StreamFrame.fin(channel, position: position, digest: digest).encode(into: &buffer)
        case 3:
            let (acknowledged, credit) = (input.number(near: known), input.number(near: known))
            StreamFrame.ack(channel, acknowledged: acknowledged, credit: credit)
                .encode(into: &buffer)
        case 4:
            StreamFrame.blocked(channel, position: input.number(near: known))
                .encode(into: &buffer)
        case 5: StreamFrame.heartbeat.encode(into: &buffer)
        case 6:
            StreamFrame.stop(channel, taken: input.number(near: known)).encode(into: &buffer)
        case 7: buffer = abort(&input, known)
        case 8: StreamFrame.exit(.status(input.byte())).encode(into: &buffer)
        case 9: StreamFrame.exit(.signal(input.byte())).encode(into: &buffer)
        case 10: StreamFrame.bye.encode(into: &buffer)
        case 11: StreamFrame.superseded.encode(into: &buffer)
        default: StreamFrame.extension(type: input.word()).encode(into: &buffer)
        }
        return buffer
    }

    private static func data(
        _ channel: ChannelNumber, _ input: inout FuzzInput, _ known: [UInt64],
        _ buffer: inout ByteBuffer
    ) {
        let position = input.number(near: known)
        let count = 1 + Int(input.word()) % 5_000
        StreamFrame.dataHeader(channel, position: position, count: count, into: &buffer)
        buffer.writeRepeatingByte(0x42, count: count)
    }

    private static func abort(_ input: inout FuzzInput, _ known: [UInt64]) -> ByteBuffer {
        let rows = UInt8(input.choice(4))
        var body = ByteBuffer()
        body.writeInteger(input.word())
        body.writeInteger(rows)
        for channel in 0..<rows {
            body.writeInteger(channel)
            body.writeInteger(input.number(near: known))
        }
        body.writeBytes([3] + Array("why".utf8))
        return frame(.abort, body)
    }

    /// A frame of any kind, true or not.
    static func frame(
        _ kind: FrameKind, _ body: ByteBuffer, isFirst: Bool = false
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        if isFirst { buffer.writeBytes(Preface.bytes) }
        buffer.writeInteger(UInt32(1 + body.readableBytes))
        buffer.writeInteger(kind.rawValue)
        buffer.writeImmutableBuffer(body)
        return buffer
    }

    /// A verdict with the MAC of somebody who knows no secret.
    static func verdict(_ input: inout FuzzInput) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeInteger(1 + UInt8(input.choice(5)))
        body.writeInteger(input.word())
        body.writeInteger(UInt32(input.word()))
        body.writeBytes([2] + Array("no".utf8) + [0, 0])
        body.writeRepeatingByte(input.byte() % 2, count: HandshakeMessage.macLength)
        return frame(.verdict, body, isFirst: input.byte() % 4 != 0)
    }

    /// A RESUME for somebody else's session.
    static func resume(_ id: SessionID, _ host: HostIdentity, _ input: inout FuzzInput)
        -> ByteBuffer
    {
        var body = ByteBuffer()
        body.writeInteger(UInt16(1))
        body.writeInteger(id.high)
        body.writeInteger(id.low)
        body.writeInteger(UInt64(input.byte()))
        body.writeInteger(host.generation.moves)
        body.writeInteger(host.generation.starts)
        body.writeInteger(host.instance)
        body.writeRepeatingByte(7, count: HandshakeMessage.nonceLength)
        body.writeBytes([0, 0, 0])
        body.writeRepeatingByte(input.byte(), count: HandshakeMessage.macLength)
        return frame(.resume, body, isFirst: true)
    }

    /// Positions that matter to a session: an adversary knows them from what it was told.
    static func positions(of session: Session?) -> [UInt64] {
        guard let session else { return [] }
        return session.sendingChannels.flatMap { [$0.end, $0.acknowledged, $0.credit, $0.next] }
            + session.receivingChannels.flatMap {
                [$0.received, $0.taken, $0.acknowledged, $0.window, $0.report.digest]
            }
    }
}

/// An application that does what the input says, and never more than it may.
final class FuzzApplication {
    let session: Session
    private var held: [ChannelNumber: Int] = [:]
    private var ended: Set<ChannelNumber> = []
    private let takesAtOnce: Bool
    private(set) var outcomes = 0

    init(_ session: Session, takesAtOnce: Bool) {
        self.session = session
        self.takesAtOnce = takesAtOnce
    }

    /// Passes the events on; the driver's business is given back.
    func drain(now: Instant) throws(Broken) -> [Failure] {
        var detaches: [Failure] = []
        while let event = session.nextEvent() {
            switch event {
            case .data(let channel, let bytes): held[channel, default: 0] += bytes.readableBytes
            case .finished(let channel): ended.insert(channel)
            case .detach(let failure): detaches.append(failure)
            case .settled: outcomes += 1
            case .stopped, .room, .exited, .terminal, .over: break
            }
        }
        try hold(outcomes <= 1, "an outcome was told twice")
        if takesAtOnce { takeAll(now: now) }
        return detaches
    }

    private func takeAll(now: Instant) {
        for (channel, count) in held where count > 0 {
            held[channel] = 0
            session.took(count, from: channel, now: now)
        }
        for channel in ended { session.tookEnd(channel) }
        ended = []
    }

    func act(_ input: inout FuzzInput, now: Instant) {
        let channel = ChannelNumber(UInt8(input.choice(2)))
        switch input.choice(8) {
        case 0, 1:
            let count = min(session.room(on: channel), Int(input.word()))
            if count > 0 { session.write(ByteBuffer(repeating: 0x37, count: count), to: channel) }
        case 2: session.finish(channel)
        case 3, 4: takeAll(now: now)
        case 5:
            held[channel] = 0
            session.stopReading(channel, unread: UInt64(input.byte()), now: now)
        case 6:
            session.abort(
                Failure(.local, .applicationFailed, "as the input said"),
                keepingData: input.byte() % 2 == 0)
        default: session.exit(.status(input.byte()))
        }
    }
}
