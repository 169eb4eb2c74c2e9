import ArgumentParser
import FTSLCore
import NIOCore

/// The core's hot paths alone, for counting their instructions: `valgrind --tool=callgrind
/// ftsl-bench hot-paths …`.
struct HotPaths: ParsableCommand {
    enum Path: String, ExpressibleByArgument, CaseIterable {
        case nothing, bulk, small, replay, encode, decode, acknowledge
    }

    @Argument var path: Path
    @Option var count = 200

    func run() throws {
        var pair = SessionPair()
        switch path {
        case .nothing: break
        case .bulk:
            // Encode, decode and acknowledge 64 KiB frames.
            let chunk = ByteBuffer(repeating: 0x42, count: 64 << 10)
            for _ in 0..<count { pair.pass(chunk) }
        case .small:
            // The same for messages of 64 bytes, each acknowledged on its way back.
            let message = ByteBuffer(repeating: 0x42, count: 64)
            for _ in 0..<count { pair.echo(message) }
        case .replay:
            // Everything sent once into the void, then again after a resume.
            let chunk = ByteBuffer(repeating: 0x42, count: 16 << 10)
            for _ in 0..<count { pair.replay(chunk) }
        case .encode: Codec.encode(count)
        case .decode: Codec.decode(count)
        case .acknowledge: Codec.acknowledge(count)
        }
        precondition(pair.isHealthy, "the sessions do not agree")
    }
}

/// The smallest pieces, without a session around them.
enum Codec {
    /// An acknowledgement and the header of a DATA frame.
    static func encode(_ count: Int) {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(64)
        for index in 0..<UInt64(count) {
            buffer.clear()
            StreamFrame.ack(.main, acknowledged: index, credit: index + 1).encode(into: &buffer)
            StreamFrame.dataHeader(.main, position: index, count: 64, into: &buffer)
        }
        precondition(buffer.readableBytes == 36)
    }

    /// A DATA frame of 64 bytes and an acknowledgement.
    static func decode(_ count: Int) {
        var frames = ByteBuffer()
        StreamFrame.dataHeader(.main, position: 7, count: 64, into: &frames)
        frames.writeRepeatingByte(0x42, count: 64)
        StreamFrame.ack(.main, acknowledged: 8, credit: 9).encode(into: &frames)
        var decoder = FrameDecoder(maxPayload: 65_536)
        var elements = 0
        for _ in 0..<count {
            decoder.append(frames)
            while let _ = try? decoder.next() { elements += 1 }
        }
        precondition(elements == 2 * count)
    }

    /// Retain 64 bytes, hand them out, let them go.
    static func acknowledge(_ count: Int) {
        var channel = SendChannel(number: .main, window: 1 << 40)
        let message = ByteBuffer(repeating: 0x42, count: 64)
        for _ in 0..<count {
            channel.append(message)
            let taken = channel.take(limit: 65_536)
            precondition(taken?.bytes.readableBytes == 64)
            let isNew = try? channel.acknowledge(channel.end, credit: 1 << 40)
            precondition(isNew == true)
        }
    }
}

/// Two ends of a session without anything between them.
struct SessionPair {
    private let left: Session
    private let right: Session
    private var now = Instant(nanoseconds: 1)
    private var attachment = AttachmentNumber.opening
    private var passed: UInt64 = 0

    init() {
        func end(_ role: Role) -> Session {
            Session(
                identity: .init(
                    role: role, id: SessionID(high: 1, low: 2),
                    secret: SessionSecret(bytes: [UInt8](repeating: 7, count: 32)), version: 1,
                    flags: [], limits: AgreedLimits(own: SessionLimits(), peer: SessionLimits()),
                    maxWindow: 64 << 20),
                host: HostIdentity(generation: .first, instance: 1),
                budget: SharedBudget(capacity: 1 << 30), now: Instant(nanoseconds: 0))
        }
        left = end(.initiator)
        right = end(.acceptor)
        left.attach(.opening, reports: [], now: now)
        right.attach(.opening, reports: [], now: now)
    }

    mutating func pass(_ bytes: ByteBuffer) {
        left.write(bytes, to: .main)
        carry(from: left, to: right)
        take(at: right)
        carry(from: right, to: left)
        passed += UInt64(bytes.readableBytes)
    }

    mutating func echo(_ bytes: ByteBuffer) {
        left.write(bytes, to: .main)
        carry(from: left, to: right)
        take(at: right)
        right.write(bytes, to: .main)
        carry(from: right, to: left)
        take(at: left)
        passed += UInt64(bytes.readableBytes)
    }

    mutating func replay(_ bytes: ByteBuffer) {
        left.write(bytes, to: .main)
        var lost: [ByteBuffer] = []
        left.transmit(into: &lost, limit: 1 << 20, now: now)
        attachment = attachment.next
        left.detach(now: now)
        right.detach(now: now)
        let (leftReports, rightReports) = (left.reports, right.reports)
        left.attach(attachment, reports: rightReports, now: now)
        right.attach(attachment, reports: leftReports, now: now)
        carry(from: left, to: right)
        take(at: right)
        carry(from: right, to: left)
        passed += UInt64(bytes.readableBytes)
    }

    var isHealthy: Bool {
        right.receivingChannels[0].taken == passed && left.outcome == nil && right.outcome == nil
    }

    private mutating func carry(from: Session, to: Session) {
        now = now + .microseconds(10)
        var out: [ByteBuffer] = []
        from.transmit(into: &out, limit: 1 << 20, now: now)
        for bytes in out { to.receive(bytes, now: now) }
    }

    private func take(at end: Session) {
        while let event = end.nextEvent() {
            if case .data(let channel, let bytes) = event {
                end.took(bytes.readableBytes, from: channel, now: now)
            }
        }
    }
}
