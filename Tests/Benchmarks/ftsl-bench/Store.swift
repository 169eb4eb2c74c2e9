import ArgumentParser
import FTSLCore
import FTSLStore
import Foundation
import NIOCore

/// What a message costs the stores, through the rules and to the disk.
struct Store: ParsableCommand {
    @Argument(help: "A folder on the disk to measure.") var folder = "/var/tmp"
    @Option var count = 400_000
    @Option(help: "Messages of a change.") var batch = 256
    @Option var size = 100

    func run() throws {
        let place = folder + "/ftsl-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        try inbox(place + "/inbox.db")
        try outbox(place + "/outbox.db")
    }

    private func report(_ what: String, _ since: ProcessTime, _ path: String) {
        let nanoseconds = ProcessTime.now().nanoseconds - since.nanoseconds
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let bytes = (attributes?[.size] as? Int) ?? 0
        print(
            what,
            String(
                format: "%.2f µs of CPU a message,", Double(nanoseconds) / 1_000 / Double(count)),
            "\(UInt64(count) * 1_000_000_000 / nanoseconds)/s, file \(bytes / count) bytes a message"
        )
    }

    private var body: ByteBuffer { ByteBuffer(repeating: 0x42, count: size) }

    private func inbox(_ path: String) throws {
        let answers = Answers<InboxReply>()
        let store = try InboxStore(path, InboxOptions()) {
            answers.put($0.map { ($0.id, $0.reply) })
        }
        let producer = ProducerID(high: 1, low: 2)
        let opened = answers.wait { id in
            let open = InboxChange.openLane(
                producer, owner: "bench", .exactlyOnce, oldest: .first, settledBelow: .first)
            store.submit([(id, .change(open))], refused: { _ in })
        }
        guard case .changed(.lane(let cursor, hasRoom: true)) = opened else {
            throw ValidationError("\(opened)")
        }
        let digest = BodyDigest(count: UInt64(size), digest: 7)
        let changes: [InboxChange] = stride(from: 1, through: count, by: batch).map { first in
            .messages(
                producer, cursor.fence,
                (first..<min(first + batch, count + 1)).map {
                    IncomingMessage(
                        sequence: LaneSequence(UInt64($0)),
                        envelope: Envelope(topic: "a.b", created: 1_800_000_000_000),
                        digest: digest, body: .inline(body))
                })
        }
        let start = ProcessTime.now()
        for change in changes {
            answers.start { id in store.submit([(id, .change(change))], refused: { _ in }) }
        }
        answers.drain()
        report("inbox append ", start, path)
        print("  commits", store.statistics.commits)
        let reading = ProcessTime.now()
        var from = InboxIndex.first
        var read = 0
        while read < count {
            let reply = answers.wait { id in
                let fetch = InboxRequest.fetch(
                    from: from, .everything, maxMessages: 1_024, maxBytes: 1 << 20)
                store.submit([(id, fetch)], refused: { _ in })
            }
            guard case .messages(let messages, let scanned) = reply else { break }
            read += messages.count
            from = scanned
        }
        report("inbox fetch  ", reading, path)
        store.close()
        report("  closed     ", start, path)
    }

    private func outbox(_ path: String) throws {
        let answers = Answers<FTSLStore.OutboxReply>()
        let store = try OutboxStore(path) { answers.put($0.map { ($0.id, $0.reply) }) }
        let digest = BodyDigest(count: UInt64(size), digest: 7)
        let messages = (0..<batch).map { _ in
            NewMessage(
                envelope: Envelope(topic: "a.b", created: 1_800_000_000_000), expires: nil,
                digest: digest, body: .inline(body))
        }
        let start = ProcessTime.now()
        for _ in 0..<count / batch {
            answers.start { id in
                let submit = OutboxChange.submit(messages, to: "here")
                store.submit([(id, .change(submit))], refused: { _ in })
            }
        }
        answers.drain()
        report("outbox submit", start, path)
        let delivering = ProcessTime.now()
        var from = LaneSequence.first
        while from.value < UInt64(count / batch * batch) {
            let page = FTSLStore.OutboxRequest.page(
                destination: "here", from: from, maxMessages: 1_024, maxBytes: 1 << 20)
            let reply = answers.wait { id in store.submit([(id, page)], refused: { _ in }) }
            guard case .page(_, let page) = reply, let last = page.last else { break }
            from = last.sequence.next
            let below = from
            answers.start { id in
                let resolved = OutboxChange.resolved(below: below, [], destination: "here")
                store.submit([(id, .change(resolved))], refused: { _ in })
            }
        }
        answers.drain()
        report("outbox deliver", delivering, path)
        store.close()
    }
}

/// What all threads of this process have used: other work of the machine does not count.
struct ProcessTime {
    let nanoseconds: UInt64

    static func now() -> ProcessTime {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        let nanoseconds = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        return ProcessTime(nanoseconds: nanoseconds)
    }

    func microseconds(to later: ProcessTime) -> Double {
        Double(later.nanoseconds - nanoseconds) / 1_000
    }
}

/// Answers by the number of their request.
final class Answers<Reply: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var awaited: UInt64 = 0
    private var reply: Reply?
    private var next: UInt64 = 1
    private var missing = 0

    func put(_ answers: [(StoreRequestID, Reply)]) {
        condition.lock()
        missing -= answers.count
        for answer in answers where answer.0.value == awaited { reply = answer.1 }
        condition.broadcast()
        condition.unlock()
    }

    func start(_ submit: (StoreRequestID) -> Void) {
        condition.lock()
        missing += 1
        next += 1
        let id = StoreRequestID(value: next)
        condition.unlock()
        submit(id)
    }

    func wait(_ submit: (StoreRequestID) -> Void) -> Reply {
        condition.lock()
        awaited = next + 1
        reply = nil
        condition.unlock()
        start(submit)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let reply { return reply }
            condition.wait()
        }
    }

    func drain() {
        condition.lock()
        while missing > 0 { condition.wait() }
        condition.unlock()
    }
}
