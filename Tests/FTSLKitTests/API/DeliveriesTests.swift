import FTSLCore
import FTSLStore
import FTSLTransport
import Foundation
import NIOCore
import Testing

import FTSLKit

/// The next delivery; tasks of a test share it.
private func take(_ deliveries: Deliveries) async throws -> Delivery {
    var iterator = deliveries.makeAsyncIterator()
    return try #require(try await iterator.next())
}

/// A Unix socket where somebody opens once, says nothing, and is gone.
private final class UnixDoor: @unchecked Sendable {
    private let path: String
    private let listening: CInt

    init(_ path: String) throws {
        self.path = path
        listening = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listening, $0, size) }
        }
        guard code == 0, listen(listening, 1) == 0 else { throw SystemTrouble(call: "listen") }
    }

    deinit { close(listening) }

    /// Returns when somebody has come; the door is gone then.
    func knock() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                let visitor = accept(listening, nil, nil)
                unlink(path)
                close(visitor)
                continuation.resume()
            }
        }
    }
}

@Suite("Following with the Swift API", .timeLimit(.minutes(1)))
struct DeliveriesTests {
    private let folder = TestFolder()
    private let listener: InboxListener

    init() throws { listener = try InboxListener(folder.file("inbox.db")) }

    private var inbox: Inbox { Inbox(at: listener.address) }

    private func fill(_ texts: [String], topic: String = "t") async throws {
        let messenger = try await Messenger(to: listener.address, .atLeastOnce)
        for text in texts {
            try await messenger.send(Message(topic: topic, text: text), until: .accepted)
        }
        await messenger.close()
    }

    @Test("What is done never comes again, also over a restart of the listener; the rest does")
    func done() async throws {
        try await fill(["a", "b", "c"])
        let first = try await inbox.follow(as: .cursor("c"))
        for expected in ["a", "b"] {
            let delivery = try await take(first)
            #expect(delivery.text == expected)
            try await delivery.done()
        }
        #expect(try await take(first).text == "c")
        await first.close()
        try listener.stop()
        try listener.start()
        let second = try await inbox.follow(as: .cursor("c"))
        let last = try await take(second)
        #expect(last.text == "c")
        try await last.done()
        #expect(await code { try await last.done() } == .fenced)
        await second.close()
        #expect(await code { try await last.retry() } == .fenced)
    }

    @Test(
        "A delivery that is in hand while the listener starts anew comes again: its answer is late")
    func doneAfterRestart() async throws {
        try await fill(["a", "b"])
        let deliveries = try await inbox.follow(as: .cursor("c"))
        let held = try await take(deliveries)
        try listener.stop()
        try listener.start()
        #expect(await code { try await held.done() } == .fenced)
        // What was in hand comes again, before or after the other one; of that, what came before
        // may still have been here.
        var texts: Set<String> = []
        while texts != ["a", "b"] {
            let next = try await take(deliveries)
            do {
                try await next.done()
                texts.insert(next.text)
            } catch let error as FTSLError where error.code == .fenced {}
        }
        await deliveries.close()
    }

    @Test("A retry comes again with the next attempt, and is dead when they are used up")
    func retry() async throws {
        try await fill(["bad", "good"])
        var limits = Inbox.Limits()
        limits.attempts = 2
        limits.inHand = 1
        let deliveries = try await inbox.follow(as: .cursor("c"), limits: limits)
        let first = try await take(deliveries)
        #expect(first.text == "bad")
        #expect(first.attempt == 1)
        try await first.retry(after: .milliseconds(1))
        var seen: [(String, Int)] = []
        while seen.count < 2 {
            let delivery = try await take(deliveries)
            seen.append((delivery.text, delivery.attempt))
            if delivery.text == "bad" {
                try await delivery.retry()
            } else {
                try await delivery.done()
            }
        }
        #expect(seen.contains { $0 == ("bad", 2) })
        #expect(seen.contains { $0 == ("good", 1) })
        try await fill(["after"])
        let after = try await take(deliveries)
        #expect(after.text == "after")
        try await after.done()
        await deliveries.close()
    }

    @Test("What is dead is not delivered again")
    func dead() async throws {
        try await fill(["poison", "fine"])
        let first = try await inbox.follow(as: .cursor("c"))
        try await take(first).dead(String(repeating: "unreadable ", count: 60))
        await first.close()
        let second = try await inbox.follow(as: .cursor("c"))
        #expect(try await take(second).text == "fine")
        await second.close()
    }

    @Test("Two members of a group share the messages: each is done once")
    func group() async throws {
        let texts = (0..<100).map(String.init)
        try await fill(texts)
        var limits = Inbox.Limits()
        limits.inHand = 4
        let members = [
            try await inbox.follow(as: .group("g"), limits: limits),
            try await inbox.follow(as: .group("g"), limits: limits),
        ]
        let seen = try await withThrowingTaskGroup(of: [String].self) { tasks in
            for member in members {
                tasks.addTask {
                    var mine: [String] = []
                    for try await delivery in member {
                        if delivery.text == "end" {
                            try await delivery.done()
                            break
                        }
                        try await delivery.done()
                        mine.append(delivery.text)
                    }
                    await member.close()
                    return mine
                }
            }
            try await fill(["end", "end"])
            return try await tasks.reduce(into: []) { $0 += $1 }
        }
        #expect(seen.sorted() == texts.sorted())
    }

    @Test("A member that leaves gives back what it has in hand")
    func memberLeaves() async throws {
        try await fill(["a"])
        let one = try await inbox.follow(as: .group("g"))
        let held = try await take(one)
        let two = try await inbox.follow(as: .group("g"))
        await one.close()
        let again = try await take(two)
        #expect(again.text == held.text)
        #expect(await code { try await held.done() } != nil)
        try await again.done()
        await two.close()
    }

    @Test("The newest follower of a cursor takes it over, and the older one is told")
    func takenOver() async throws {
        try await fill(["a"])
        let old = try await inbox.follow(as: .cursor("c"))
        let held = try await take(old)
        let new = try await inbox.follow(as: .cursor("c"))
        #expect(await code { _ = try await take(old) } == .superseded)
        #expect(await code { try await held.done() } == .superseded)
        try await take(new).done()
        await old.close()
        await new.close()
    }

    @Test("A cursor takes no more than may be in hand until one is settled")
    func credit() async throws {
        try await fill((0..<10).map(String.init))
        var limits = Inbox.Limits()
        limits.inHand = 2
        let deliveries = try await inbox.follow(as: .cursor("c"), limits: limits)
        let first = try await take(deliveries)
        _ = try await take(deliveries)
        let third = Task { try await take(deliveries) }
        // Anything that was let come would be here before an answer's confirmation.
        let other = try await inbox.follow(as: .cursor("other"))
        try await take(other).done()
        await other.close()
        try await first.done()
        #expect(try await third.value.text == "2")
        await deliveries.close()
    }

    @Test("A cancelled read loses nothing, and closing ends the loop")
    func cancelled() async throws {
        let deliveries = try await inbox.follow(as: .cursor("c"))
        let reading = Task { try await take(deliveries) }
        reading.cancel()
        await #expect(throws: CancellationError.self) { _ = try await reading.value }
        try await fill(["a"])
        #expect(try await take(deliveries).text == "a")
        let looping = Task { () -> Int in
            var count = 0
            for try await _ in deliveries { count += 1 }
            return count
        }
        await deliveries.close()
        #expect(try await looping.value == 0)
    }

    @Test("Nobody there: following waits, and can be cancelled")
    func waits() async throws {
        try listener.stop()
        let inbox = inbox
        let following = Task { try await inbox.follow() }
        following.cancel()
        await #expect(throws: CancellationError.self) { _ = try await following.value }
        let patient = Task { try await inbox.follow() }
        try listener.start()
        try await fill(["a"])
        let deliveries = try await patient.value
        #expect(try await take(deliveries).text == "a")
        await deliveries.close()
    }

    @Test("A visitor sees topics it asks for, with headers and ids, and answers nothing")
    func visitor() async throws {
        try await fill(["no"], topic: "other")
        let messenger = try await Messenger(to: listener.address, .atLeastOnce)
        let header = Message.Header("kind", "x=y")
        try await messenger.send(
            Message(topic: "a.b.c", id: "7", headers: [header], text: "yes"), until: .accepted)
        await messenger.close()
        let deliveries = try await inbox.follow(topics: ["a.#"])
        let delivery = try await take(deliveries)
        #expect(delivery.text == "yes")
        #expect(delivery.topic == "a.b.c")
        #expect(delivery.id == "7")
        #expect(delivery.headers == [header])
        #expect(delivery.index == 2)
        try await delivery.done()
        await deliveries.close()
    }

    @Test("A body larger than the limit ends the sequence with its name")
    func tooLarge() async throws {
        try await fill(["small", String(repeating: "x", count: 2_000)])
        var limits = Inbox.Limits()
        limits.body = 1_000
        let deliveries = try await inbox.follow(as: .cursor("c"), limits: limits)
        #expect(try await take(deliveries).text == "small")
        #expect(await code { _ = try await take(deliveries) } == .messageTooLarge)
        await deliveries.close()
    }

    @Test("An inbox's file is followed while a listener has it, and while none has")
    func file() async throws {
        let file = Inbox(file: folder.file("inbox.db"))
        try await fill(["a", "b"])
        try listener.stop()
        let deliveries = try await file.follow(as: .cursor("c"))
        let first = try await take(deliveries)
        #expect(first.text == "a")
        try await first.done()
        try await take(deliveries).done()
        await deliveries.close()
        #expect(await code { _ = try await Inbox(file: folder.file("none")).follow() } == .noInbox)
    }

    @Test("Who finds an inbox's file held, and then nobody who serves it, serves it itself")
    func leaving() async throws {
        try await fill(["a"])
        try listener.stop()
        let path = folder.file("inbox.db")
        let file = Inbox(file: path)
        let door: UnixDoor
        let following: Task<Deliveries, any Error>
        do {
            let lock = try FileLock(InboxStore.lockPath(of: path), of: "the inbox")
            door = try UnixDoor(path + "-sock")
            following = Task { try await file.follow(as: .cursor("c")) }
            // It has found the lock taken, and now finds nobody who answers.
            await door.knock()
            withExtendedLifetime(lock) {}
        }
        let deliveries = try await following.value
        #expect(try await take(deliveries).text == "a")
        await deliveries.close()
    }
}
