import ArgumentParser
import FTSLCore
import NIOCore

/// The core's hot paths alone, for counting their instructions: `valgrind --tool=callgrind ftsl-bench hot-paths …`.
struct HotPaths: ParsableCommand {
    enum Path: String, ExpressibleByArgument, CaseIterable {
        case nothing, bulk, small, replay
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
        }
        precondition(pair.isHealthy, "the sessions do not agree")
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
