import FTSLCore
import NIOCore
import Testing

@Suite("Subscriptions over connections that die [FTSL §7.6]")
struct ConsumerCutTests {
    private static let texts = ["a", "", String(repeating: "x", count: 3_000), "d"]

    /// One run: the connection dies after `frames` frames, and again after as many, twice.
    private func run(
        _ kind: MessageFrame.Subscribe.Kind, dyingAfter frames: Int
    ) -> (rig: ConsumerRig, consumer: Consumer) {
        let rig = ConsumerRig()
        for text in Self.texts { rig.inbox.put(text) }
        rig.inbox.putLarge(pattern(600_000))
        rig.host.stored(upTo: rig.inbox.nextIndex)
        let consumer = Consumer(rig, kind) {
            $0.maxMessages = 2
            $0.maxBytes = 100_000
        }
        consumer.member = rig.member(payload: 1_024)
        consumer.answersAtOnce = kind != .ephemeral
        for _ in 0..<3 {
            consumer.framesLeft = frames
            consumer.connect()
        }
        consumer.framesLeft = .max
        for _ in 0..<2 {
            consumer.cut()
            consumer.connect()
        }
        return (rig, consumer)
    }

    @Test(
        "A cut at any frame loses nothing and shows nothing twice",
        arguments: [
            MessageFrame.Subscribe.Kind.ephemeral, .cursor, .group,
        ])
    func everyFrame(_ kind: MessageFrame.Subscribe.Kind) {
        let whole = run(kind, dyingAfter: .max).consumer.framesSeen
        let points = Array(0..<60) + stride(from: 60, to: whole, by: 37)
        for frames in points {
            let (rig, consumer) = run(kind, dyingAfter: frames)
            #expect(consumer.indexes == [1, 2, 3, 4, 5], "cut after \(frames)")
            #expect(Array(consumer.texts.prefix(4)) == Self.texts, "cut after \(frames)")
            #expect(consumer.refusals == [])
            #expect(consumer.port.isSettled)
            guard kind != .ephemeral else { continue }
            #expect(rig.inbox.consumers["c"]?.floor.value == 6, "cut after \(frames)")
            #expect((1...5).allSatisfy { consumer.verdict(on: $0) == .settled })
        }
    }

    @Test("An application that takes nothing is never given more than two windows")
    func bounded() {
        let rig = ConsumerRig()
        for _ in 0..<100 { rig.inbox.put("x") }
        rig.host.stored(upTo: rig.inbox.nextIndex)
        let consumer = Consumer(rig) { $0.maxMessages = 4 }
        consumer.takesAtOnce = false
        for _ in 0..<10 {
            consumer.connect()
            consumer.cut()
        }
        #expect(consumer.texts.count <= 8)
    }

    @Test("Frames that no member may send are violations")
    func violations() {
        let rig = ConsumerRig()
        let member = rig.member()
        member.attached(now: rig.now)
        let settle = MessageFrame.settle(
            .init(index: .first, token: .init(starts: 0, attempt: 1), verdict: .done))
        #expect(
            code { () throws(Failure) in try member.receive(settle, now: rig.now) }
                == .unexpectedFrame)
        #expect(
            code { () throws(Failure) in
                try member.receive(.caughtUp(.first), now: rig.now)
            } == .unexpectedFrame)
    }
}
