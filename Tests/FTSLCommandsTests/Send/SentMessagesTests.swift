import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("What became of what was sent")
struct SentMessagesTests {
    private func sent(_ count: UInt64, processing: Bool = false) -> SentMessages {
        var sent = SentMessages(awaitsProcessing: processing)
        _ = sent.stored(
            ProducerID(high: 0, low: 1), (1...count).map { LaneSequence($0) },
            ids: (1...count).map { "m\($0)" })
        return sent
    }

    @Test("All accepted is a success, and only then complete")
    func accepted() {
        var sent = sent(2)
        #expect(sent.resolved(LaneSequence(1), .accepted)?.name == "m1")
        #expect(!sent.isComplete)
        #expect(sent.resolved(LaneSequence(1), .accepted) == nil, "told once")
        _ = sent.resolved(LaneSequence(2), .resolved(.duplicate(of: InboxIndex(7))))
        #expect(sent.isComplete)
        #expect(sent.ending == .success)
    }

    @Test("One that fails among many is 82 and named; a forbidden topic alone is 77")
    func rejected() {
        var many = sent(2)
        _ = many.resolved(LaneSequence(1), .accepted)
        _ = many.resolved(LaneSequence(2), .resolved(.rejected(.topicForbidden)))
        #expect(many.ending.status == 82)
        #expect(many.ending.sentence?.contains("m2") == true)
        var one = sent(1)
        _ = one.resolved(LaneSequence(1), .resolved(.rejected(.topicForbidden)))
        #expect(one.ending.status == 77)
        var late = sent(1)
        _ = late.resolved(LaneSequence(1), .resolved(.skipped(.expired)))
        #expect(late.ending.status == 82)
    }

    @Test("Processing is awaited for what was accepted, in any order")
    func processed() {
        var sent = sent(4, processing: true)
        for number: UInt64 in 1...3 { _ = sent.resolved(LaneSequence(number), .accepted) }
        _ = sent.resolved(LaneSequence(4), .resolved(.rejected(.idReused)))
        #expect(!sent.isComplete)
        sent.processed(MessageFrame.Processed(floor: LaneSequence(2), ranges: [3...3]))
        #expect(sent.takeProcessed().map(\.name) == ["m1", "m3"])
        #expect(sent.unprocessedCount == 1)
        sent.processed(MessageFrame.Processed(floor: LaneSequence(4), ranges: []))
        #expect(sent.takeProcessed().map(\.state) == [.processed])
        #expect(sent.isComplete)
    }

    @Test("A consumer may be faster than our own disk")
    func processedEarly() {
        var sent = sent(2, processing: true)
        sent.processed(MessageFrame.Processed(floor: LaneSequence(3), ranges: []))
        #expect(sent.takeProcessed().isEmpty)
        sent.accepted(1...2)
        #expect(!sent.isComplete)
        #expect(sent.takeProcessed().map(\.name) == ["m1", "m2"])
        #expect(sent.isComplete && sent.ending == .success)
    }

    @Test("A dead letter is no success: 82, by its name")
    func dead() {
        var sent = sent(300, processing: true)
        sent.accepted(1...300)
        let dead = (1...256).map { LaneSequence($0) }
        sent.processed(MessageFrame.Processed(floor: LaneSequence(257), ranges: [], dead: dead))
        #expect(sent.takeProcessed().allSatisfy { $0.state == .dead })
        #expect(sent.deadLettersMissing == LaneSequence(257))
        sent.processed(MessageFrame.Processed(floor: LaneSequence(301), ranges: []))
        #expect(sent.takeProcessed().count == 44)
        #expect(sent.isComplete && sent.deadLettersMissing == nil)
        #expect(sent.ending.status == 82 && sent.badCount == 256)
        #expect(sent.ending.sentence?.contains("m1") == true)
    }
}
