import FTSLCore
import NIOCore
import Testing

/// A courier with its outbox, an inbox with its host, and two real sessions between them.
final class LanePair {
    let pair = SessionPair()
    var outbox: MemoryOutbox
    var inbox: MemoryInbox
    var limits: InboxLimits
    var host: InboxHost
    var sender: ProducerPort
    var events: [ProducerEvent] = []
    var wallClock: UInt64 = 1_000_000
    /// Bodies of messages that the outbox keeps in pieces.
    var large: [LaneSequence: ByteBuffer] = [:]
    /// Answers of the inbox's store wait.
    var storeIsHeld = false
    /// The store's disk is full.
    var storeFails = false
    /// Changes asked of the inbox's store, in order.
    var changes: [InboxChange] = []
    let destination = "there"

    init(
        mode: DeliveryMode = .exactlyOnce, limits: InboxLimits = InboxLimits(),
        permissions: InboxPermissions = .everything, inbox: MemoryInbox = MemoryInbox(),
        outbox: MemoryOutbox = MemoryOutbox(producer: producer)
    ) throws {
        self.limits = limits
        self.inbox = inbox
        self.outbox = outbox
        host = InboxHost(identity: inbox.identity, limits: limits, queue: InboxQueue())
        _ = try OutboxRules.apply(.submit([], to: destination), in: &self.outbox)
        let lane = try #require(self.outbox.lane(destination))
        sender = ProducerPort(lane: lane, mode: mode, rng: CountingGenerator(seed: 1))
        let port = host.makePort(
            session: pair.right.identity.id, owner: "alice", permissions: permissions)
        pair.left.port = sender
        pair.right.port = port
        sender.attached(now: pair.now)
        port.attached(now: pair.now)
    }

    @discardableResult
    func submit(_ messages: NewMessage...) throws -> OutboxResult {
        let result = try OutboxRules.apply(.submit(messages, to: destination), in: &outbox)
        sender.submitted(upTo: lane.end)
        return result
    }

    func submitLarge(_ body: ByteBuffer) throws {
        let digest = BodyDigest(of: body)
        large[lane.end] = body
        try submit(
            NewMessage(
                envelope: Envelope(topic: "t", created: 5), expires: nil, digest: digest,
                body: .pieces(digest)))
    }

    var lane: OutboxLane { outbox.lane(destination) ?? sender.lane }

    func outcome(_ sequence: UInt64) -> MessageOutcome {
        let sequence = LaneSequence(sequence)
        guard sequence < lane.settledBelow else { return .queued }
        return outbox.exception(sequence, of: lane).map { .resolved($0) } ?? .accepted
    }

    // MARK: The stores

    /// True when anything was asked.
    @discardableResult
    func serveOutbox() throws -> Bool {
        var wasAsked = false
        while let (id, request) = sender.nextRequest() {
            let reply: OutboxReply =
                switch request {
                case .change(let change):
                    .changed(try OutboxRules.apply(change, in: &outbox))
                case .fetch(let first, let maxMessages, let maxBytes):
                    .messages(
                        outbox.messages(
                            from: first, of: lane, maxMessages: maxMessages, maxBytes: maxBytes),
                        wallClock: wallClock)
                case .fetchPiece(let sequence, let offset, let maxBytes):
                    .piece(try #require(piece(sequence, Int(offset), maxBytes)))
                }
            sender.reply(id, reply, now: pair.now)
            wasAsked = true
        }
        while let event = sender.nextEvent() { events.append(event) }
        return wasAsked
    }

    private func piece(_ sequence: LaneSequence, _ offset: Int, _ maxBytes: Int) -> ByteBuffer? {
        guard let body = large[sequence] else { return nil }
        return body.getSlice(at: offset, length: min(maxBytes, body.readableBytes - offset))
    }

    @discardableResult
    func serveInbox() throws -> Bool {
        guard !storeIsHeld else { return false }
        var wasAsked = false
        while let (id, request) = host.nextRequest() {
            guard case .change(let change) = request else {
                Issue.record("a lane reads nothing")
                continue
            }
            changes.append(change)
            wasAsked = true
            if storeFails {
                host.reply(
                    id, .failed(Failure(.local, .localInputOutput, "disk full")), now: pair.now)
                continue
            }
            let result = try InboxRules.apply(change, in: &inbox, limits: limits)
            host.reply(id, .changed(result), now: pair.now)
        }
        _ = host.takeAwake()
        return wasAsked
    }

    // MARK: The wire

    /// Moves bytes until nothing moves any more, at most so many both ways; true at that end.
    @discardableResult
    func run(bytes: Int = .max) throws -> Bool {
        var left = bytes
        while true {
            pair.drain()
            try serveOutbox()
            try serveInbox()
            let up = pair.said(by: pair.left)
            let down = pair.said(by: pair.right)
            if up.readableBytes + down.readableBytes == 0 {
                // Saying nothing may have asked for something.
                let wasAsked = [try serveOutbox(), try serveInbox()]
                if wasAsked.contains(true) { continue }
                return true
            }
            for (bytes, session) in [(up, pair.right), (down, pair.left)] {
                let count = min(left, bytes.readableBytes)
                left -= count
                if let slice = bytes.getSlice(at: bytes.readerIndex, length: count), count > 0 {
                    session.receive(slice, now: pair.now)
                }
            }
            if left == 0 { return false }
        }
    }

    func cut() throws {
        pair.cut()
        pair.resume()
    }

    /// The sender's process dies and begins again from its outbox.
    func restartSender() {
        pair.cut()
        sender = ProducerPort(lane: lane, mode: sender.mode, rng: CountingGenerator(seed: 2))
        pair.left.port = sender
        pair.resume()
    }

    func pass(_ time: Duration) {
        pair.now = pair.now + time
        pair.left.handleTimeout(now: pair.now)
        pair.right.handleTimeout(now: pair.now)
    }

    var violations: [FailureCode] {
        pair.leftEvents.detachCodes + pair.rightEvents.detachCodes
    }

    var ending: FailureCode? {
        events.compactMap { if case .ended(let failure) = $0 { failure.code } else { nil } }.first
    }

    var refusals: [FailureCode] {
        events.compactMap { if case .waiting(let failure) = $0 { failure.code } else { nil } }
    }
}
