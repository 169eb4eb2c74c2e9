import FTSLCore
import FTSLTransport
import Foundation
import NIOCore
import Synchronization
import Testing

import FTSLKit

/// Everything that is in an inbox, by a visitor.
func contents(of listener: InboxListener, count: Int) async throws -> [Delivery] {
    let deliveries = try await Inbox(at: listener.address).follow()
    var all: [Delivery] = []
    var iterator = deliveries.makeAsyncIterator()
    while all.count < count, let delivery = try await iterator.next() { all.append(delivery) }
    await deliveries.close()
    return all
}

/// The error that is thrown.
func code(of body: () async throws -> Void) async -> FTSLError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? FTSLError)?.code
    }
}

/// Waits until the inbox has them all.
func accepted(_ receipts: [Receipt]) async throws {
    for receipt in receipts { try await receipt.accepted() }
}

@Suite("Sending with the Swift API", .timeLimit(.minutes(1)))
struct MessengerTests {
    private let folder = TestFolder()

    private func messenger(to listener: InboxListener) async throws -> Messenger {
        try await Messenger(
            to: listener.address, .exactlyOnce(outbox: folder.file("outbox.db")))
    }

    @Test("Every message is stored once, in order, while the listener starts anew")
    func exactlyOnce() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        let messenger = try await messenger(to: listener)
        var receipts: [Receipt] = []
        for number in 0..<300 {
            receipts.append(
                try await messenger.send(Message(topic: "n", text: "\(number)")))
            if number % 100 == 50 {
                try listener.stop()
                try listener.start()
            }
        }
        try await accepted(receipts)
        let found = try await contents(of: listener, count: 300)
        #expect(found.map(\.text) == (0..<300).map(String.init))
        #expect(found.map(\.sequence) == receipts.map(\.sequence))
        #expect(Set(found.map(\.producer)) == [receipts[0].producer])
        await messenger.close()
    }

    @Test("What nobody could deliver is in the outbox, and the next messenger delivers it")
    func storedThenDelivered() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        try listener.stop()
        let first = try await messenger(to: listener)
        let receipt = try await first.send(Message(topic: "n", text: "kept"))
        await first.close()
        #expect(await code { _ = try await receipt.outcome() } == .shuttingDown)
        try listener.start()
        let second = try await messenger(to: listener)
        #expect(try await contents(of: listener, count: 1).map(\.text) == ["kept"])
        await second.close()
    }

    @Test("A message that the inbox refuses is rejected, with the reason")
    func rejected() async throws {
        let only = InboxPermissions(send: TopicFilter(["open.#"]), consume: .everything)
        let listener = try InboxListener(folder.file("inbox.db"), permissions: only)
        let messenger = try await messenger(to: listener)
        let secret = try await messenger.send(Message(topic: "secret", text: "x"))
        #expect(try await secret.outcome() == .rejected(.topicForbidden))
        let refusal = await code {
            try await messenger.send(Message(topic: "secret", text: "y"), until: .accepted)
        }
        #expect(refusal == .topicForbidden)
        try await messenger.send(Message(topic: "open.a", text: "z"), until: .accepted)
        // Asked again, after it was settled, the answer is the same.
        #expect(try await secret.outcome() == .rejected(.topicForbidden))
        await messenger.close()
    }

    @Test("An outcome that is asked for late is the true one")
    func late() async throws {
        let only = InboxPermissions(send: TopicFilter(["open"]), consume: .everything)
        let listener = try InboxListener(folder.file("inbox.db"), permissions: only)
        let messenger = try await messenger(to: listener)
        let secret = try await messenger.send(Message(topic: "secret", text: "x"))
        try await messenger.send(Message(topic: "open", text: "z"), until: .accepted)
        #expect(try await secret.outcome() == .rejected(.topicForbidden))
        await messenger.close()
    }

    @Test("A message with an id is stored once, from whatever outbox it comes")
    func duplicates() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        let one = try await messenger(to: listener)
        let two = try await Messenger(
            to: listener.address, .exactlyOnce(outbox: folder.file("other.db")))
        let message = Message(topic: "orders", id: "4711", text: "teapot")
        #expect(try await one.send(message).outcome() == .accepted)
        #expect(try await two.send(message).outcome() == .duplicate(of: 1))
        // One outbox knows its own ids: it is the same message again.
        #expect(try await one.send(message).outcome() == .accepted)
        await one.close()
        await two.close()
    }

    @Test("A wait that is cancelled leaves the message in the outbox")
    func cancelled() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        try listener.stop()
        let messenger = try await messenger(to: listener)
        let receipt = try await messenger.send(Message(topic: "n", text: "a"))
        let waiting = Task { try await receipt.outcome() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        let sending = Task {
            try await messenger.send(Message(topic: "n", text: "b"), until: .accepted)
        }
        let third = try await messenger.send(Message(topic: "n", text: "c"))
        sending.cancel()
        await #expect(throws: CancellationError.self) { try await sending.value }
        try listener.start()
        try await third.accepted()
        let texts = try await contents(of: listener, count: Int(third.sequence)).map(\.text)
        #expect(texts.first == "a")
        #expect(texts.last == "c")
        await messenger.close()
    }

    @Test("Large bodies arrive whole, from disk and from memory")
    func large() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        let body = Raw.pattern(3 << 20)
        let durable = try await messenger(to: listener)
        let light = try await Messenger(to: listener.address, .atLeastOnce)
        for messenger in [durable, light] {
            try await messenger.send(Message(topic: "blob", body: body), until: .accepted)
        }
        for delivery in try await contents(of: listener, count: 2) {
            #expect(delivery.body == body)
        }
        await durable.close()
        await light.close()
    }

    @Test("In memory, senders wait when too much waits for the inbox")
    func backPressure() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        try listener.stop()
        let messenger = try await Messenger(to: listener.address, .atLeastOnce)
        let body = [UInt8](repeating: 7, count: 1 << 20)
        for _ in 0..<8 { try await messenger.send(Message(topic: "n", body: body)) }
        let ninth = Task { try await messenger.send(Message(topic: "n", text: "nine")) }
        let tenth = Task { try await messenger.send(Message(topic: "n", text: "ten")) }
        tenth.cancel()
        await #expect(throws: CancellationError.self) { try await tenth.value }
        try listener.start()
        try await ninth.value.accepted()
        #expect(try await contents(of: listener, count: 9).last?.text == "nine")
        await messenger.close()
    }

    @Test("A message that breaks a bound is refused by name")
    func malformed() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        let messenger = try await messenger(to: listener)
        for message in [
            Message(topic: "", text: "x"), Message(topic: "a.*", text: "x"),
            Message(topic: "a", id: "", text: "x"),
            Message(topic: "a", headers: [Message.Header("a b", "c")], text: "x"),
        ] {
            #expect(await code { try await messenger.send(message) } == .malformedMessage)
        }
        await messenger.close()
        let closed = await code { try await messenger.send(Message(topic: "a", text: "x")) }
        #expect(closed == .shuttingDown)
    }

    @Test("A closed messenger dials no more, and one that is let go closes itself")
    func letsGo() async throws {
        let listener = try InboxListener(folder.file("inbox.db"))
        try listener.stop()
        for _ in 0..<20 {
            let messenger = try await messenger(to: listener)
            try await messenger.send(Message(topic: "n", text: "x"))
        }
        let closed = try await messenger(to: listener)
        await closed.close()
        try listener.start()
        let last = try await messenger(to: listener)
        try await last.send(Message(topic: "n", text: "last"), until: .accepted)
        let found = try await contents(of: listener, count: 21)
        #expect(found.map(\.sequence) == Array(1...21))
        await last.close()
    }

    @Test("A message that is rejected is never told as accepted, however often the file changes")
    func rejectedWhileWatching() async throws {
        let listener = try InboxListener(
            folder.file("inbox.db"),
            permissions: InboxPermissions(send: TopicFilter(["a"]), consume: .everything))
        let messenger = try await messenger(to: listener)
        let outbox = folder.file("outbox.db")
        let isOver = Atomic(false)
        // As other processes do with which the outbox is shared.
        Thread.detachNewThread {
            while !isOver.load(ordering: .relaxed) { utimensat(AT_FDCWD, outbox, nil, 0) }
        }
        for _ in 0..<200 {
            let told = await code {
                try await messenger.send(Message(topic: "b", text: "x"), until: .accepted)
            }
            #expect(told == .topicForbidden)
        }
        isOver.store(true, ordering: .relaxed)
        await messenger.close()
    }

    @Test("Names of failures are words")
    func names() {
        #expect(FTSLError.Code.outboxRolledBack.name == "outbox-rolled-back")
        #expect(FTSLError.Code.localIO.name == "local-io")
        #expect(FTSLError.Code.fenced.number == 56)
    }

    @Test("A destination that is none, and a file that cannot be, are named errors")
    func unusable() async throws {
        #expect(await code { _ = try await Messenger(to: "a:b:c") } == .hostUnknown)
        let missing = folder.file("missing/outbox.db")
        let failed = await code {
            _ = try await Messenger(to: "localhost:1", .exactlyOnce(outbox: missing))
        }
        #expect(failed == .localIO)
    }
}
