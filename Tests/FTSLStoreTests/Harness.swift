import Dispatch
import FTSLCore
import FTSLStore
import Foundation
import NIOCore
import Synchronization
import Testing

/// A folder that goes away with the test.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ftsl-store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

/// Waits for a store's answers.
final class Waiter<Reply: Sendable>: Sendable {
    private struct State {
        var replies: [UInt64: Reply] = [:]
        var last: UInt64 = 0
        var calls = 0
    }

    private let state = Mutex(State())
    private let arrived = DispatchSemaphore(value: 0)

    /// How often the store called.
    var calls: Int { state.withLock { $0.calls } }

    func put(_ answers: [(StoreRequestID, Reply)]) {
        state.withLock { state in
            state.calls += 1
            for (id, reply) in answers { state.replies[id.value] = reply }
        }
        for _ in answers { arrived.signal() }
    }

    func ids(_ count: Int) -> [StoreRequestID] {
        state.withLock { state in
            defer { state.last += UInt64(count) }
            return (1...UInt64(count)).map { StoreRequestID(value: state.last + $0) }
        }
    }

    /// Answers of requests that were made one call before.
    func take(_ ids: [StoreRequestID]) throws -> [Reply] {
        for _ in ids {
            try #require(arrived.wait(timeout: .now() + 60) == .success, "no answer came")
        }
        let replies = state.withLock { state in
            ids.map { state.replies.removeValue(forKey: $0.value) }
        }
        return try replies.map { try #require($0) }
    }
}

/// An inbox and a way to ask it.
final class TestInbox {
    let store: InboxStore
    let waiter = Waiter<InboxReply>()

    init(_ path: String, _ options: InboxOptions = InboxOptions()) throws {
        store = try InboxStore(path, options) { [waiter] answers in
            waiter.put(answers.map { ($0.id, $0.reply) })
        }
    }

    deinit { store.close() }

    func ask(_ requests: [InboxRequest]) throws -> [InboxReply] {
        let ids = waiter.ids(requests.count)
        store.submit(zip(ids, requests).map { ($0, $1) }) { [waiter] answers in
            waiter.put(answers.map { ($0.id, $0.reply) })
        }
        return try waiter.take(ids)
    }

    func ask(_ request: InboxRequest) throws -> InboxReply { try ask([request])[0] }

    func change(_ change: InboxChange) throws -> InboxResult {
        let reply = try ask(.change(change))
        guard case .changed(let result) = reply else {
            throw StoreFailure(.misuse, "\(reply)")
        }
        return result
    }

    func open(_ producer: ProducerID, owner: String = "me") throws -> ProducerCursor {
        let result = try change(
            .openLane(
                producer, owner: owner, .exactlyOnce, oldest: .first, settledBelow: .first))
        guard case .lane(let cursor, hasRoom: _) = result else {
            throw StoreFailure(.misuse, "\(result)")
        }
        return cursor
    }

    /// Stores messages of a lane, from its next one on.
    func fill(_ producer: ProducerID, _ count: Int, topic: String = "a.b") throws {
        let cursor = try open(producer)
        let first = cursor.next.value
        for start in stride(from: 0, to: count, by: 4_096) {
            let messages = (start..<min(start + 4_096, count)).map {
                message(first + UInt64($0), topic: topic)
            }
            _ = try change(.messages(producer, cursor.fence, messages))
        }
    }

    func fetch(
        _ from: UInt64, _ filter: TopicFilter = .everything, max: Int = 1_000
    ) throws -> [StoredMessage] {
        let reply = try ask(
            .fetch(from: InboxIndex(from), filter, maxMessages: max, maxBytes: 1 << 30))
        guard case .messages(let messages, _) = reply else {
            throw StoreFailure(.misuse, "\(reply)")
        }
        return messages
    }
}

/// An outbox and a way to ask it.
final class TestOutbox {
    let store: OutboxStore
    let waiter = Waiter<FTSLStore.OutboxReply>()

    init(_ path: String) throws {
        store = try OutboxStore(path) { [waiter] answers in
            waiter.put(answers.map { ($0.id, $0.reply) })
        }
    }

    deinit { store.close() }

    func ask(_ request: FTSLStore.OutboxRequest) throws -> FTSLStore.OutboxReply {
        let ids = waiter.ids(1)
        store.submit([(ids[0], request)]) { [waiter] answers in
            waiter.put(answers.map { ($0.id, $0.reply) })
        }
        return try waiter.take(ids)[0]
    }

    func submit(_ messages: [NewMessage], to destination: String = "there") throws -> (
        producer: ProducerID, sequences: [LaneSequence]
    ) {
        let reply = try ask(.change(.submit(messages, to: destination)))
        guard case .changed(.submitted(let submitted)) = reply else {
            throw StoreFailure(.misuse, "\(reply)")
        }
        return (submitted.producer, submitted.sequences)
    }

    func page(_ from: UInt64 = 1, of destination: String = "there") throws -> [OutboxMessage] {
        let reply = try ask(
            .page(
                destination: destination, from: LaneSequence(from), maxMessages: 1_000,
                maxBytes: 1 << 30))
        guard case .page(_, let messages) = reply else {
            throw StoreFailure(.misuse, "\(reply)")
        }
        return messages
    }
}

func digest(_ body: ByteBuffer) -> BodyDigest {
    let digest = StreamDigest()
    digest.update(body)
    return BodyDigest(count: UInt64(body.readableBytes), digest: digest.value)
}

func message(
    _ sequence: UInt64, topic: String = "a.b", id: String = "", body text: String? = nil
) -> IncomingMessage {
    let body = ByteBuffer(string: text ?? "message \(sequence)")
    return IncomingMessage(
        sequence: LaneSequence(sequence),
        envelope: Envelope(id: id, topic: topic, created: 1_800_000_000_000),
        digest: digest(body), body: .inline(body))
}

func newMessage(_ text: String, id: String = "") -> NewMessage {
    let body = ByteBuffer(string: text)
    return NewMessage(
        envelope: Envelope(
            id: id, topic: "t", headers: [.init(name: "k", value: "v")], created: 5),
        expires: nil, digest: digest(body), body: .inline(body))
}

let someProducer = ProducerID(high: 0x0102_0304_0506_0708, low: 9)

/// The reason that a body fails for.
func reason(_ body: () throws -> Void) -> StoreFailure.Reason? {
    do {
        try body()
        return nil
    } catch {
        return (error as? StoreFailure)?.reason
    }
}
