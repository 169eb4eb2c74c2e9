import FTSLCore
import NIOCore
import Testing

@Suite("Messages that need not be read back")
struct RecentMessagesTests {
    private func messages(_ range: ClosedRange<UInt64>, size: Int = 3) -> [OutboxMessage] {
        range.map {
            let body = ByteBuffer(repeating: UInt8(truncatingIfNeeded: $0), count: size)
            return OutboxMessage(
                sequence: LaneSequence($0), envelope: Envelope(topic: "t", created: 5),
                expires: nil, digest: BodyDigest(of: body), body: .inline(body), chain: .empty)
        }
    }

    private func take(
        _ recent: inout RecentMessages, _ from: UInt64, _ count: Int = 100,
        bytes: UInt64 = 1 << 20
    ) -> [UInt64]? {
        recent.take(from: LaneSequence(from), maxMessages: count, maxBytes: bytes)?
            .map(\.sequence.value)
    }

    @Test("They are taken once, in order, so many and so large as is asked for")
    func once() {
        var recent = RecentMessages()
        recent.append(messages(5...8))
        recent.append(messages(9...14))
        #expect(take(&recent, 5, 2) == [5, 6])
        #expect(take(&recent, 7, bytes: 7) == [7, 8, 9])
        #expect(take(&recent, 10) == [10, 11, 12, 13, 14])
        #expect(take(&recent, 15) == nil)
        #expect(recent.count == 0)
    }

    @Test("What lies before them is the disk's to know; what is behind them is forgotten")
    func elsewhere() {
        var recent = RecentMessages()
        recent.append(messages(5...8))
        #expect(take(&recent, 4) == nil)
        #expect(take(&recent, 7) == [7, 8])
        recent.append(messages(20...22))
        #expect(take(&recent, 23) == nil)
        #expect(recent.count == 0)
    }

    @Test("What follows a gap is not kept, until everything before it is gone")
    func gap() {
        var recent = RecentMessages()
        recent.append(messages(5...6))
        recent.append(messages(8...9))
        #expect(take(&recent, 5) == [5, 6])
        #expect(take(&recent, 7) == nil)
        recent.append(messages(10...11))
        #expect(take(&recent, 10) == [10, 11])
    }

    @Test("Neither many messages nor large ones take more than their share of memory")
    func bounded() {
        var recent = RecentMessages()
        let count = UInt64(RecentMessages.maxMessages)
        recent.append(messages(1...count))
        recent.append(messages(count + 1...count + 1))
        #expect(recent.count == RecentMessages.maxMessages)
        #expect(take(&recent, 1, .max)?.count == RecentMessages.maxMessages)
        recent.append(messages(1...4, size: 1 << 20))
        recent.append(messages(5...5, size: 1))
        #expect(take(&recent, 1, bytes: .max) == [1, 2, 3, 4])
    }

    @Test("Only what is marked as sent with its submission is given back")
    func fresh() throws {
        var outbox = MemoryOutbox(producer: producer)
        func submit(_ count: Int, isOffered: Bool) throws -> Submitted? {
            let new = messages(1...UInt64(count)).map {
                NewMessage(
                    envelope: $0.envelope, expires: nil, digest: $0.digest, body: $0.body)
            }
            let result = try OutboxRules.apply(
                .submit(new, to: "there", isOffered: isOffered), in: &outbox)
            guard case .submitted(let submitted) = result else { return nil }
            return submitted
        }
        #expect(try submit(2, isOffered: true)?.fresh.map(\.sequence.value) == [1, 2])
        #expect(try submit(1, isOffered: false)?.fresh == [])
        // One waits before them.
        #expect(try submit(1, isOffered: true)?.fresh == [])
        _ = try OutboxRules.apply(
            .offering(below: LaneSequence(99), destination: "there"), in: &outbox)
        let last = try submit(1, isOffered: true)
        let lane = try #require(outbox.lane("there"))
        #expect(last?.fresh.first == outbox.message(LaneSequence(5), of: lane))
        #expect(last?.fresh.count == 1)
        #expect(last?.offeredBelow == LaneSequence(6))
    }
}
