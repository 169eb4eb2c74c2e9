import FTSLCore
import NIOCore
import Testing

struct MessageFrameTests {
    typealias Frame = MessageFrame

    static let envelope = Envelope(
        id: "order-7", topic: "größe.a",
        headers: [
            Envelope.Header(name: "k", value: "v"), Envelope.Header(name: "", value: ""),
        ], created: 1_700_000_000_000, remaining: 5_000)
    static let inbox = InboxID(high: 3, low: 4)
    static let token = Frame.LeaseToken(starts: 7, attempt: 2)
    static let credit = Frame.DeliveryCredit(messages: 10, bytes: 1 << 40)

    static let progress = Frame.Progress(
        next: LaneSequence(50),
        exceptions: [
            LaneException(sequence: LaneSequence(3), resolution: .rejected(.messageTooLarge)),
            LaneException(sequence: LaneSequence(4), resolution: .duplicate(of: InboxIndex(9))),
            LaneException(sequence: LaneSequence(49), resolution: .skipped(.cancelled)),
        ], sequenceLimit: LaneSequence(8_242), byteLimit: 1 << 23)

    static let lane: [Frame] = [
        .lane(
            Frame.Lane(
                producer: ProducerID(high: 1, low: 2), mode: .exactlyOnce, inbox: nil,
                generation: .first, oldestRetained: .first, settledBelow: .first)),
        .lane(
            Frame.Lane(
                producer: ProducerID(high: .max, low: .max), mode: .atMostOnce, inbox: inbox,
                generation: Generation(moves: 1, starts: 2), oldestRetained: LaneSequence(8),
                settledBelow: LaneSequence(7))),
        .ready(
            Frame.Ready(
                inbox: inbox, generation: .first, chain: ChainValue(77), progress: progress,
                partial: Frame.Partial(sequence: LaneSequence(50), bytes: 8_192, digest: 5))),
        .ready(
            Frame.Ready(
                inbox: inbox, generation: .first, chain: .empty, progress: progress, partial: nil)),
        .message(
            Frame.Fragment(
                sequence: LaneSequence(50),
                head: Frame.Head(
                    envelope: envelope, digest: BodyDigest(count: 900, digest: 6)),
                offset: 0, bytes: pattern(600))),
        .message(
            Frame.Fragment(
                sequence: LaneSequence(50), head: nil, offset: 600, bytes: pattern(300))),
        .message(
            Frame.Fragment(
                sequence: .first,
                head: Frame.Head(
                    envelope: Envelope(topic: "t", created: 0),
                    digest: BodyDigest(count: 0, digest: digest())), offset: 0,
                bytes: ByteBuffer())),
        .accepted(progress), .recorded(LaneSequence(50)),
        .skip(LaneSequence(2), .expired, ChainValue(9)),
        .refused(.lane, .inboxUnavailable, text: "the disk is full"), .watch(watch("")),
        .watch(watch("billing")),
        .processed(Frame.Processed(floor: LaneSequence(4), ranges: [6...6, 8...20])),
        .processed(
            Frame.Processed(
                floor: LaneSequence(9), ranges: [], dead: [LaneSequence(2), LaneSequence(8)])),
    ]

    static let subscription: [Frame] = [
        .subscribe(
            Frame.Subscribe(
                kind: .group, cursor: "billing", start: .last(10),
                filter: TopicFilter(["a.*", "b/#"]), inbox: inbox, generation: .first,
                credit: credit, maxAttempts: 5)),
        .subscribed(
            Frame.Subscribed(
                inbox: inbox, generation: .first, floor: .first, end: InboxIndex(100))),
        .delivery(
            Frame.Delivery(
                index: InboxIndex(9), token: token,
                head: Frame.DeliveryHead(
                    producer: ProducerID(high: 5, low: 6), sequence: LaneSequence(4), stored: 12,
                    envelope: envelope, digest: BodyDigest(count: 900, digest: 6), reason: "why"),
                offset: 0, bytes: pattern(900))),
        .delivery(
            Frame.Delivery(
                index: InboxIndex(9), token: token, head: nil, offset: 3, bytes: pattern(2))),
        .settle(Frame.Settlement(index: InboxIndex(9), token: token, verdict: .done)),
        .settle(
            Frame.Settlement(
                index: InboxIndex(9), token: token, verdict: .retry(after: .milliseconds(1_500)))),
        .settle(
            Frame.Settlement(
                index: InboxIndex(9), token: token, verdict: .dead(reason: "no such order"))),
        .settled(InboxIndex(9), token, .fenced), .grant(credit), .caughtUp(InboxIndex(100)),
        .return(cursor: "billing", InboxIndex(9)),
    ]

    private func encoded(_ frame: Frame) -> ByteBuffer {
        var out = ByteBuffer()
        frame.encode(into: &out)
        return out
    }

    private func reading(_ kind: FrameKind, _ body: ByteBuffer) -> FailureCode? {
        code { () throws(Failure) in _ = try Frame(kind: kind, body: body) }
    }

    /// [FTSL §3.2]
    @Test("However a message frame is cut, it is read back whole", arguments: lane + subscription)
    func roundTrip(_ frame: Frame) throws {
        let whole = encoded(frame)
        for count in 0..<whole.readableBytes {
            var decoder = FrameDecoder(maxPayload: 1_024)
            decoder.append(try #require(whole.getSlice(at: 0, length: count)))
            #expect(try decoder.next() == nil)
            decoder.append(
                try #require(whole.getSlice(at: count, length: whole.readableBytes - count)))
            #expect(try decoder.next() == .message(frame))
            #expect(try decoder.next() == nil)
        }
    }

    @Test("A body that ends before its fields do is malformed", arguments: lane + subscription)
    func short(_ frame: Frame) throws {
        let whole = encoded(frame)
        var fields = ByteBuffer()
        switch frame {
        case .message(var fragment):
            fragment.bytes = ByteBuffer()
            Frame.message(fragment).encode(into: &fields)
        case .delivery(var delivery):
            delivery.bytes = ByteBuffer()
            Frame.delivery(delivery).encode(into: &fields)
        default: fields = whole
        }
        for count in 0..<fields.readableBytes - 5 {
            let body = try #require(whole.getSlice(at: 5, length: count))
            #expect(reading(frame.kind, body) == .malformedFrame, "\(count) bytes")
        }
        switch frame {
        case .message, .delivery: break
        default:
            var long = try #require(whole.getSlice(at: 5, length: whole.readableBytes - 5))
            long.writeInteger(UInt8(0))
            #expect(reading(frame.kind, long) == .malformedFrame)
        }
    }

    static let malformed: [(String, Frame)] = [
        ("sequence 0", .recorded(LaneSequence(0))),
        ("a sequence beyond 2^63", .recorded(LaneSequence(1 << 63))),
        (
            "exceptions out of order",
            .accepted(
                Frame.Progress(
                    next: LaneSequence(9), exceptions: progress.exceptions.reversed(),
                    sequenceLimit: .first, byteLimit: 0))
        ),
        (
            "an exception that is not below next",
            .accepted(
                Frame.Progress(
                    next: LaneSequence(49), exceptions: progress.exceptions, sequenceLimit: .first,
                    byteLimit: 0))
        ),
        (
            "bytes beyond the body",
            .message(
                Frame.Fragment(
                    sequence: .first,
                    head: Frame.Head(
                        envelope: envelope, digest: BodyDigest(count: 5, digest: 0)),
                    offset: 1, bytes: pattern(5)))
        ),
        (
            "an empty part",
            .message(Frame.Fragment(sequence: .first, head: nil, offset: 1, bytes: ByteBuffer()))
        ),
        (
            "an offset that overflows",
            .message(Frame.Fragment(sequence: .first, head: nil, offset: .max, bytes: pattern(1)))
        ),
        ("ranges below the floor", .processed(Frame.Processed(floor: .first, ranges: [0...3]))),
        (
            "ranges that overlap",
            .processed(Frame.Processed(floor: .first, ranges: [3...5, 5...6]))
        ),
        ("a long cursor name", .watch(watch(String(repeating: "x", count: 65)))),
    ]

    @Test("Fields that contradict each other are malformed", arguments: malformed.indices)
    func contradictions(_ index: Int) throws {
        let (name, frame) = Self.malformed[index]
        let whole = encoded(frame)
        let body = try #require(whole.getSlice(at: 5, length: whole.readableBytes - 5))
        #expect(reading(frame.kind, body) == .malformedFrame, "\(name)")
    }

    @Test("An envelope beyond its bounds is malformed")
    func envelopeBounds() throws {
        func reading(_ headers: [Envelope.Header]) -> FailureCode? {
            let head = Frame.Head(
                envelope: Envelope(topic: "t", headers: headers, created: 0),
                digest: BodyDigest(count: 1, digest: 0))
            let whole = encoded(
                .message(
                    Frame.Fragment(sequence: .first, head: head, offset: 0, bytes: pattern(1))))
            return self.reading(.message, ByteBuffer(bytes: whole.readableBytesView.dropFirst(5)))
        }
        func header(_ count: Int) -> Envelope.Header {
            Envelope.Header(name: "n", value: String(repeating: "v", count: count))
        }
        #expect(reading([header(Bound.headerValue)]) == nil)
        #expect(reading([header(Bound.headerValue + 1)]) == .malformedFrame)
        #expect(reading(.init(repeating: header(0), count: Bound.headers)) == nil)
        #expect(
            reading(.init(repeating: header(0), count: Bound.headers + 1)) == .malformedFrame)
        #expect(reading(.init(repeating: header(4_000), count: 4)) == nil)
        #expect(reading(.init(repeating: header(4_096), count: 4)) == .malformedFrame)
    }

    /// [FTSL §7]
    @Test("A name that is no UTF-8 is malformed: repaired, it would be another name")
    func notUTF8() throws {
        let before = [UInt8](repeating: 1, count: 24)
        var body = ByteBuffer(bytes: before + [2, 0xC3, 0x28])
        #expect(reading(.watch, body) == .malformedFrame)
        body = ByteBuffer(bytes: before + [2, 0xC3, 0xA4])
        #expect(reading(.watch, body) == nil)
    }

    @Test("A large body leaves as the slice it is, a small one with its header")
    func slices() throws {
        func pieces(_ count: Int) -> [ByteBuffer] {
            let pair = SessionPair()
            let port = SpeakingPort([
                .message(
                    Frame.Fragment(sequence: .first, head: nil, offset: 9, bytes: pattern(count)))
            ])
            pair.left.port = port
            var out: [ByteBuffer] = []
            pair.left.transmit(into: &out, limit: 1 << 20, now: pair.now)
            return out
        }
        #expect(pieces(1_024).count == 1)
        #expect(pieces(1_025).count == 2)
        #expect(pieces(1_025).last == pattern(1_025))
    }

    /// [FTSL §7]
    @Test("A message frame in a session without a port is a violation; with one, it is the port's")
    func routing() throws {
        let pair = SessionPair()
        let port = SpeakingPort([.recorded(.first), .watch(watch(""))])
        pair.left.port = port
        let heard = SpeakingPort([])
        pair.right.port = heard
        pair.exchange()
        #expect(heard.heard == [.recorded(.first), .watch(watch(""))])

        let other = SessionPair()
        other.left.port = SpeakingPort([.recorded(.first)])
        other.exchange()
        #expect(other.rightEvents.detachCodes == [.unexpectedFrame])
    }
}

/// Says what it is told to, once, and remembers what it hears.
final class SpeakingPort: MessagePort {
    private var frames: [MessageFrame]
    private(set) var heard: [MessageFrame] = []

    init(_ frames: [MessageFrame]) { self.frames = frames }

    func attached(now: Instant) {}
    func detached(now: Instant) {}
    func receive(_ frame: MessageFrame, now: Instant) { heard.append(frame) }
    func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        for frame in frames { writer.write(frame) }
        frames = []
    }
    var deadline: Instant { .distantFuture }
    func handleTimeout(now: Instant) {}
}

private func watch(_ cursor: String) -> MessageFrame.Watch {
    MessageFrame.Watch(producer: ProducerID(high: 3, low: 4), from: LaneSequence(5), cursor: cursor)
}
