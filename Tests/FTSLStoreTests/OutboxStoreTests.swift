import Dispatch
import FTSLCore
import FTSLStore
import Foundation
import NIOCore
import Synchronization
import Testing

@Suite("The outbox's store")
struct OutboxStoreTests {
    private let folder: Folder
    private var path: String { folder.file("outbox.db") }

    init() throws { folder = try Folder() }

    @Test("What was submitted is there after reopening, and its outcome after it is settled")
    func submitting() throws {
        let new = newMessage("hello", id: "mine")
        let producer: ProducerID
        do {
            let outbox = try TestOutbox(path)
            let submitted = try outbox.submit([new, newMessage("two")])
            #expect(submitted.sequences.map(\.value) == [1, 2])
            producer = submitted.producer
        }
        let outbox = try TestOutbox(path)
        let page = try outbox.page()
        #expect(page.map(\.envelope.id) == ["mine", ""])
        #expect(page.first?.envelope == new.envelope && page.first?.body == new.body)
        let inspection = try OutboxInspection(path)
        #expect(try inspection.lanes().map(\.queued) == [2])
        #expect(try inspection.lanes().first?.oldest == 5)
        let rejected = LaneException(sequence: .first, resolution: .rejected(.inboxFull))
        _ = try outbox.ask(
            .change(.resolved(below: LaneSequence(3), [rejected], destination: "there")))
        #expect(
            try outbox.ask(.outcome(producer, .first))
                == .outcome(.resolved(.rejected(.inboxFull))))
        #expect(try outbox.ask(.outcome(producer, LaneSequence(2))) == .outcome(.accepted))
        #expect(try outbox.ask(.outcome(producer, LaneSequence(3))) == .outcome(nil))
        #expect(try outbox.page().isEmpty)
        #expect(try inspection.places(ofID: "mine").map(\.sequence) == [.first])
        #expect(try inspection.lanes().map(\.bytes) == [0])
        #expect(try inspection.verify().isEmpty)
    }

    @Test("An id stays with its body after the message was accepted and is gone")
    func reusedID() throws {
        let outbox = try TestOutbox(path)
        let first = newMessage("body", id: "mine")
        _ = try outbox.submit([first])
        _ = try outbox.ask(.change(.resolved(below: LaneSequence(2), [], destination: "there")))
        #expect(try outbox.page().isEmpty)
        #expect(try outbox.submit([first]).sequences == [.first])
        // Another body is for the inbox to reject, and takes the id from nobody.
        #expect(
            try outbox.submit([newMessage("another", id: "mine")]).sequences == [LaneSequence(2)])
        #expect(try outbox.page().map(\.sequence.value) == [2])
        #expect(try outbox.submit([first, first]).sequences == [.first, .first])
    }

    @Test("Several processes submit to one lane, and no sequence is given twice")
    func sharing() throws {
        let outboxes = try (0..<4).map { _ in try TestOutbox(path) }
        let all = Mutex<[UInt64]>([])
        let shared = Unchecked(outboxes)
        DispatchQueue.concurrentPerform(iterations: 4) { which in
            for number in 0..<50 {
                let text = newMessage("\(which) \(number)")
                guard let submitted = try? shared.value[which].submit([text]) else { continue }
                all.withLock { $0.append(contentsOf: submitted.sequences.map(\.value)) }
            }
        }
        #expect(all.withLock { $0.sorted() } == Array(1...200))
        #expect(try outboxes[0].page().count == 200)
    }

    @Test("A lane has one courier at a time")
    func couriers() throws {
        let (one, two) = (try TestOutbox(path), try TestOutbox(path))
        do {
            let lock = try one.store.becomeCourier(of: "there", idKeep: .max)
            #expect(
                reason { _ = try two.store.becomeCourier(of: "there", idKeep: .max) }
                    == .locked(by: getpid()))
            let other = try two.store.becomeCourier(of: "elsewhere", idKeep: .max)
            withExtendedLifetime((lock, other)) {}
        }
        _ = try two.store.becomeCourier(of: "there", idKeep: .max)
    }

    @Test("A commit of another process wakes who watches")
    func watching() throws {
        let (one, two) = (try TestOutbox(path), try TestOutbox(path))
        let woken = DispatchSemaphore(value: 0)
        let watch = try OutboxStore.watch(path) { woken.signal() }
        _ = try two.submit([newMessage("x")])
        #expect(woken.wait(timeout: .now() + 10) == .success)
        #expect(try one.page().count == 1)
        withExtendedLifetime(watch) {}
    }

    @Test("A large body is kept once, in pieces, until its last message is settled")
    func largeBodies() throws {
        let outbox = try TestOutbox(path)
        let bytes = ByteBuffer(repeating: 7, count: 3 << 20)
        let body = try OutboxBody(path)
        for offset in 0..<3 {
            try body.append(try #require(bytes.getSlice(at: offset << 20, length: 1 << 20)))
        }
        try body.finish(digest(bytes))
        let new = NewMessage(
            envelope: Envelope(topic: "t", created: 1), expires: nil, digest: digest(bytes),
            body: .pieces(digest(bytes)))
        let submitted = try outbox.submit([new, new])
        try body.release()
        #expect(try outbox.page().map(\.body) == [new.body, new.body])
        let piece = try outbox.ask(
            .piece(
                submitted.producer, LaneSequence(2), offset: 3 << 20 - 5, maxBytes: 100))
        #expect(piece == .piece(ByteBuffer(repeating: 7, count: 5)))
        let database = try Database(path, .reading)
        for (below, left): (UInt64, Int64) in [(2, 3), (3, 0)] {
            _ = try outbox.ask(
                .change(.resolved(below: LaneSequence(below), [], destination: "there")))
            #expect(try database.integer("SELECT count(*) FROM piece") == left)
        }
    }

    @Test("A body that no message took goes with its writer")
    func unusedBodies() throws {
        let outbox = try TestOutbox(path)
        let body = try OutboxBody(path)
        try body.append(ByteBuffer(string: "half"))
        try body.release()
        let database = try Database(path, .reading)
        #expect(try database.integer("SELECT count(*) FROM large") == 0)
        #expect(try outbox.page().isEmpty)
    }

    @Test("A renewed lane has its unsettled messages under a new producer, from 1 on")
    func renewing() throws {
        let outbox = try TestOutbox(path)
        let old = try outbox.submit((1...5).map { newMessage("\($0)", id: "id \($0)") })
        _ = try outbox.ask(.change(.resolved(below: LaneSequence(3), [], destination: "there")))
        let fresh = ProducerID(high: 1, low: 1)
        _ = try outbox.ask(.change(.renew(destination: "there", producer: fresh)))
        #expect(try outbox.page().map(\.envelope.id) == ["id 3", "id 4", "id 5"])
        #expect(try outbox.page().map(\.sequence.value) == [1, 2, 3])
        #expect(try outbox.ask(.outcome(old.producer, LaneSequence(2))) == .outcome(.accepted))
        #expect(try outbox.ask(.outcome(old.producer, LaneSequence(3))) == .outcome(nil))
        #expect(try outbox.ask(.outcome(fresh, .first)) == .outcome(.queued))
        #expect(try outbox.submit([newMessage("6")]).sequences == [LaneSequence(4)])
    }

    @Test("What never left can be cancelled at once, and expires by itself; the rest was sent")
    func offering() throws {
        let outbox = try TestOutbox(path)
        let producer = try outbox.submit((1...4).map { newMessage("\($0)") }).producer
        var late = newMessage("5")
        late.expires = 1
        _ = try outbox.submit([late])
        let offering = OutboxChange.offering(below: LaneSequence(3), destination: "there")
        guard case .changed(.lane(let lane)) = try outbox.ask(.change(offering)) else {
            Issue.record("no lane")
            return
        }
        #expect(lane.offeredBelow == LaneSequence(3))
        func cancel(_ sequence: UInt64) throws -> FTSLStore.OutboxReply {
            try outbox.ask(.change(.cancel(LaneSequence(sequence), destination: "there")))
        }
        let cancelled = MessageOutcome.resolved(.skipped(.cancelled))
        #expect(try cancel(2) == .changed(.done))
        #expect(try cancel(3) == .changed(.known(cancelled)))
        #expect(try cancel(3) == .changed(.known(cancelled)))
        let outcomes = try (1...5).map {
            try outbox.ask(.outcome(producer, LaneSequence($0)))
        }
        #expect(
            outcomes
                == [.sent, .sent, cancelled, .queued, .resolved(.skipped(.expired))]
                .map { FTSLStore.OutboxReply.outcome($0) })
        #expect(try outbox.page().map(\.skipped) == [nil, nil, .cancelled, nil, nil])
    }
}

/// Lets threads of a test share what each uses alone.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
