import FTSLCore
import FTSLStore
import Foundation
import NIOCore
import Testing

@Suite("The inbox's store")
struct InboxStoreTests {
    private let folder: Folder
    private var path: String { folder.file("inbox.db") }

    init() throws { folder = try Folder() }

    @Test("What was answered is there after reopening, envelope and all")
    func reopening() throws {
        let body = ByteBuffer(string: "body")
        let envelope = Envelope(
            id: "i", topic: "a/b", headers: [.init(name: "k", value: "v")], created: 77,
            remaining: 1_000_000)
        do {
            let inbox = try TestInbox(path)
            let lane = try inbox.open(someProducer)
            let result = try inbox.change(
                .messages(
                    someProducer, lane.fence,
                    [
                        IncomingMessage(
                            sequence: .first, envelope: envelope, digest: digest(body),
                            body: .inline(body))
                    ]))
            #expect(
                result
                    == .progress(
                        next: LaneSequence(2), exceptions: [], hasRoom: true,
                        end: InboxIndex(2)))
        }
        let inbox = try TestInbox(path)
        let found = try #require(try inbox.fetch(1).first)
        #expect(found.envelope.headers == envelope.headers)
        #expect(found.envelope.id == "i" && found.envelope.topic == "a/b")
        #expect(found.envelope.created == 77)
        #expect(try #require(found.envelope.remaining) <= 1_000_000)
        #expect(found.body == .inline(body) && found.digest == digest(body))
        #expect(found.producer == someProducer && found.sequence == .first)
        #expect(try inbox.open(someProducer).next == LaneSequence(2))
        #expect(inbox.store.identity.generation.starts == 2)
    }

    @Test("Many changes share a commit and their answers one call")
    func groupCommit() throws {
        let inbox = try TestInbox(path)
        let lane = try inbox.open(someProducer)
        let before = inbox.store.statistics
        let calls = inbox.waiter.calls
        let replies = try inbox.ask(
            (1...1_000).map { .change(.messages(someProducer, lane.fence, [message($0)])) })
        #expect(replies.count == 1_000)
        #expect(inbox.store.statistics.changes - before.changes == 1_000)
        #expect(inbox.store.statistics.commits - before.commits <= 2)
        #expect(inbox.waiter.calls - calls <= 2)
    }

    @Test("A refused change leaves the rest of its transaction alone")
    func refusal() throws {
        let inbox = try TestInbox(path)
        let lane = try inbox.open(someProducer)
        let replies = try inbox.ask([
            .change(.messages(someProducer, lane.fence, [message(1)])),
            .change(.messages(someProducer, LaneFence(99), [message(2)])),
            .change(.messages(someProducer, lane.fence, [message(2)])),
        ])
        guard case .changed(.refused) = replies[1] else {
            Issue.record("\(replies[1])")
            return
        }
        #expect(try inbox.fetch(1).map(\.sequence.value) == [1, 2])
    }

    @Test("A filter lets through what it should, and says how far it looked")
    func filters() throws {
        let inbox = try TestInbox(path)
        try inbox.fill(someProducer, 5, topic: "a.b")
        try inbox.fill(someProducer, 5, topic: "c")
        #expect(try inbox.fetch(1, TopicFilter(["c"])).map(\.index.value) == [6, 7, 8, 9, 10])
        let reply = try inbox.ask(
            .fetch(from: .first, TopicFilter(["none"]), maxMessages: 10, maxBytes: 10))
        #expect(reply == .messages([], scanned: InboxIndex(11)))
    }

    @Test("A body in pieces is read from any offset, and its pieces go with it")
    func pieces() throws {
        var options = InboxOptions()
        options.keep = InboxKeep(messages: 0)
        let inbox = try TestInbox(path, options)
        let lane = try inbox.open(someProducer)
        let body = ByteBuffer(bytes: (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for offset in stride(from: 0, to: 300_000, by: 100_000) {
            // A piece that was cut off is sent again from where READY says.
            for start in [offset, offset + 40_000] {
                let part = try #require(body.getSlice(at: start, length: offset + 100_000 - start))
                _ = try inbox.change(
                    .piece(someProducer, lane.fence, .first, at: UInt64(start), part))
            }
        }
        var whole = message(1)
        whole.digest = digest(body)
        whole.body = .pieces(whole.digest)
        _ = try inbox.change(.subscribe(name: "c", isGroup: false, .everything, .beginning))
        _ = try inbox.change(.messages(someProducer, lane.fence, [whole]))
        #expect(try inbox.fetch(1).first?.body == .pieces(whole.digest))
        for (offset, count) in [(0, 300_000), (99_999, 2), (139_990, 100_000), (299_999, 5)] {
            let reply = try inbox.ask(
                .fetchPiece(.first, offset: UInt64(offset), maxBytes: UInt64(count)))
            let expected = body.getSlice(at: offset, length: min(count, 300_000 - offset))
            #expect(reply == .piece(try #require(expected)), "\(offset)")
        }
        _ = try inbox.change(.finish(cursor: "c", .first))
        try wait { try inbox.fetch(1).isEmpty }
        let database = try Database(path, .reading)
        #expect(try database.integer("SELECT count(*) FROM piece") == 0)
        #expect(try InboxInspection(path).summary().bytes == 0)
    }

    @Test("A topic that no message has is not searched for in all of them")
    func absentTopic() throws {
        let inbox = try TestInbox(path)
        try inbox.fill(someProducer, 25_000)
        let wanted = InboxRequest.fetch(
            from: .first, TopicFilter(["none"]), maxMessages: 10, maxBytes: 1 << 20)
        #expect(try inbox.ask(wanted) == .messages([], scanned: InboxIndex(25_001)))
    }

    @Test("Processed is what every cursor has finished, in the producer's numbers")
    func processed() throws {
        let inbox = try TestInbox(path)
        try inbox.fill(ProducerID(high: 7, low: 7), 3)
        try inbox.fill(someProducer, 6)
        #expect(
            try inbox.ask(.fetchProcessed(.init(producer: someProducer, cursor: ""), owner: nil))
                == .processed(.init(floor: .first, ranges: [])))
        _ = try inbox.change(
            .subscribe(name: "c", isGroup: true, .everything, .index(InboxIndex(4))))
        for index: UInt64 in [4, 6, 7, 9] {
            _ = try inbox.change(.finish(cursor: "c", InboxIndex(index)))
        }
        for name in ["c", ""] {
            #expect(
                try inbox.ask(
                    .fetchProcessed(.init(producer: someProducer, cursor: name), owner: nil))
                    == .processed(.init(floor: LaneSequence(2), ranges: [3...4, 6...6])))
        }
        for index: UInt64 in [5, 8] {
            let letter = DeadLetter(
                cursor: "c", index: InboxIndex(index), attempts: 1, reason: "no", died: 0)
            _ = try inbox.change(.bury(letter))
        }
        for (from, dead): (UInt64, [UInt64]) in [(1, [2, 5]), (3, [5]), (6, [])] {
            let wanted = MessageFrame.Watch(
                producer: someProducer, from: LaneSequence(from), cursor: "c")
            #expect(
                try inbox.ask(.fetchProcessed(wanted, owner: nil))
                    == .processed(
                        .init(
                            floor: LaneSequence(7), ranges: [], dead: dead.map { LaneSequence($0) })
                    ))
        }
    }

    @Test("What is passed and had its time goes, but not what a cursor or a dead letter needs")
    func retention() throws {
        var options = InboxOptions()
        options.keep = InboxKeep(messages: 10)
        let inbox = try TestInbox(path, options)
        _ = try inbox.change(.subscribe(name: "c", isGroup: true, .everything, .beginning))
        _ = try inbox.change(
            .subscribe(name: "never", isGroup: true, TopicFilter(["none"]), .beginning))
        try inbox.fill(someProducer, 5_000)
        #expect(try inbox.fetch(1).first?.index == .first)
        _ = try inbox.change(
            .bury(
                DeadLetter(cursor: "c", index: InboxIndex(1), attempts: 5, reason: "r", died: 0)))
        for index: UInt64 in 2...4_000 {
            let reply = try inbox.change(.finish(cursor: "c", InboxIndex(index)))
            #expect(reply == .done)
        }
        let inspection = try InboxInspection(path)
        try wait { try inspection.summary().messages == 1_001 }
        #expect(try inbox.fetch(1).prefix(2).map(\.index.value) == [1, 4_001])
        #expect(try inspection.message(of: someProducer, LaneSequence(4_500))?.index.value == 4_500)
        #expect(try inspection.cursors(limit: 10).first?.lag == 1_000)
        #expect(try InboxAdministration.dropCursor("c", at: path))
        try wait { try inspection.summary().messages == 10 }
        #expect(try inspection.verify().isEmpty)
    }

    @Test("A user's decision from another connection reaches a running host")
    func administration() throws {
        let inbox = try TestInbox(path)
        try inbox.fill(someProducer, 3)
        #expect(try InboxInspection(path).producers(limit: 9).map(\.cursor.next.value) == [4])
        #expect(try InboxAdministration.retire(someProducer, at: path))
        #expect(try !InboxAdministration.retire(someProducer, at: path))
        #expect(try inbox.open(someProducer).next == .first)
    }

    @Test("A thousand cursors and ten thousand producers are quick to open and to list")
    func many() throws {
        let inbox = try TestInbox(path)
        let lanes = (1...10_000).map {
            InboxRequest.change(
                .openLane(
                    ProducerID(high: 1, low: $0), owner: "o", .exactlyOnce, oldest: .first,
                    settledBelow: .first))
        }
        _ = try inbox.ask(lanes)
        let cursors = (1...1_000).map {
            InboxRequest.change(
                .subscribe(name: "cursor-\($0)", isGroup: false, .everything, .end))
        }
        _ = try inbox.ask(cursors)
        let summary = try InboxInspection(path).summary()
        #expect(summary.producers == 10_000 && summary.cursors == 1_000)
        #expect(try InboxInspection(path).producers(limit: 20_000).count == 10_000)
        #expect(inbox.store.statistics.commits < 40)
    }

    @Test(
        "A full disk fails what did not fit, and the store goes on when there is room",
        .enabled(if: geteuid() == 0, "only root may mount a small disk"))
    func fullDisk() throws {
        let disk = folder.file("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try #require(run("mount", "-t", "tmpfs", "-o", "size=2m", "ftsl-test", disk))
        defer { _ = run("umount", "-l", disk) }
        let inbox = try TestInbox(disk + "/inbox.db")
        let lane = try inbox.open(someProducer)
        let large = String(repeating: "x", count: 100_000)
        var stored: UInt64 = 0
        var failure: Failure?
        while failure == nil, stored < 100 {
            let reply = try inbox.ask(
                .change(
                    .messages(someProducer, lane.fence, [message(stored + 1, body: large)])))
            switch reply {
            case .changed(.progress): stored += 1
            case .failed(let reason): failure = reason
            default: Issue.record("\(reply)")
            }
        }
        #expect(failure?.code == .inboxUnavailable)
        #expect(try inbox.fetch(1).count == Int(stored))
        #expect(run("mount", "-o", "remount,size=8m", disk))
        let again = try inbox.change(
            .messages(someProducer, lane.fence, [message(stored + 1, body: large)]))
        #expect(
            again
                == .progress(
                    next: LaneSequence(stored + 2), exceptions: [], hasRoom: true,
                    end: InboxIndex(stored + 2)))
        #expect(try InboxInspection(disk + "/inbox.db").verify().isEmpty)
    }

    @Test("A million messages do not slow a start or a look")
    func startUp() throws {
        do {
            let inbox = try TestInbox(path)
            try inbox.fill(someProducer, 1)
        }
        let count: UInt64 = 1_000_000
        try Database(path, .writing).execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO message SELECT i, topic, sender, i, stored, age, digest, NULL, NULL, body
            FROM n, (SELECT * FROM message WHERE idx = 1);
            UPDATE state SET messages = \(count), next = \(count + 1);
            UPDATE producer SET next = \(count + 1); UPDATE run SET last = \(count);
            """)
        let start = ContinuousClock.now
        let inbox = try TestInbox(path)
        #expect(try inbox.fetch(count / 2, max: 1).first?.index.value == count / 2)
        #expect(try InboxInspection(path).summary().messages == count)
        _ = try inbox.change(.subscribe(name: "c", isGroup: false, .everything, .last(10)))
        #expect(ContinuousClock.now - start < .milliseconds(500))
    }
}

/// Waits for what happens after a commit, without a sign to wait for.
func wait(until condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(30)
    while try !condition() {
        try #require(ContinuousClock.now < end, "it did not happen")
        usleep(5_000)
    }
}

func run(_ command: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}
