import FTSLKit
import Foundation
import Testing

private func process(_ delivery: Delivery) async throws {
    #expect(!delivery.body.isEmpty)
}

/// The article's code, run for real. What is between `snippet` and `end` is printed there.
@Suite("Snippets of Sending and following messages")
struct MessagingSnippetTests {
    private let folder = TestFolder()
    private let listener: InboxListener

    init() throws {
        listener = try InboxListener(folder.file("inbox.db"))
    }

    @Test("A message is sent and its outcome awaited")
    func send() async throws {
        let (address, path) = (listener.address, folder.file("outbox.db"))
        // snippet: send
        let messenger = try await Messenger(to: address, .exactlyOnce(outbox: path))

        let receipt = try await messenger.send(
            Message(
                topic: "orders.new", id: "order-4711",
                headers: [Message.Header("content-type", "application/json")],
                text: #"{"item": "teapot", "count": 2}"#))
        // It is on disk here: from now on it will be delivered, whatever happens to this process.

        switch try await receipt.outcome() {
        case .accepted, .duplicate: print("order 4711 is in the inbox")
        case .rejected(let code): print("the inbox does not want it: \(code)")
        case .expired, .cancelled: print("it was never sent")
        }
        await messenger.close()
        // end
        #expect(receipt.id == "order-4711")
        #expect(try await receipt.outcome() == .accepted)
    }

    @Test("A message is sent until the inbox has it, with a limit of time")
    func until() async throws {
        let messenger = try await Messenger(
            to: listener.address, .exactlyOnce(outbox: folder.file("outbox.db")))
        // snippet: until
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await messenger.send(Message(topic: "alarms", text: "fire"), until: .accepted)
            }
            group.addTask {
                try await Task.sleep(for: .seconds(30))
                throw CancellationError()  // The message stays in the outbox.
            }
            _ = try await group.next()
            group.cancelAll()
        }
        // end
        await messenger.close()
    }

    @Test("Messages are followed by a cursor and answered one by one")
    func follow() async throws {
        let address = listener.address
        let messenger = try await Messenger(to: address, .atLeastOnce)
        for text in ["one", "poison", "three"] {
            try await messenger.send(Message(topic: "orders.new", text: text), until: .accepted)
        }
        await messenger.close()
        var remaining = 3
        // snippet: follow
        let inbox = Inbox(at: address)
        let deliveries = try await inbox.follow(as: .cursor("billing"), topics: ["orders.#"])

        for try await delivery in deliveries {
            do {
                if delivery.text == "poison" {
                    try await delivery.dead("cannot be read")
                } else {
                    try await process(delivery)
                    try await delivery.done()
                }
            } catch let error as FTSLError where error.code == .fenced {
                // Somebody else has it now.
            }
            remaining -= 1
            if remaining == 0 { break }
        }
        await deliveries.close()
        // end
        #expect(remaining == 0)
    }

    @Test("A group of workers shares an inbox's file")
    func group() async throws {
        let path = folder.file("inbox.db")
        let messenger = try await Messenger(to: listener.address, .atLeastOnce)
        for number in 0..<20 {
            try await messenger.send(Message(topic: "jobs", text: "\(number)"), until: .accepted)
        }
        await messenger.close()
        try listener.stop()
        // snippet: group
        let inbox = Inbox(file: path)
        let workers = try await inbox.follow(as: .group("workers"), topics: ["jobs"])
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<4 {
                tasks.addTask {
                    var iterator = workers.makeAsyncIterator()
                    for _ in 0..<5 {
                        guard let job = try await iterator.next() else { return }
                        try await process(job)
                        try await job.done()
                    }
                }
            }
            try await tasks.waitForAll()
        }
        await workers.close()
        // end
    }

    // MARK: The article

    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The marked regions of this file, each without its indentation.
    private static func regions() throws -> [String] {
        let text = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
        var regions: [String] = []
        var lines: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let trimmed = line.drop { $0 == " " }
            if trimmed.hasPrefix("// snippet: ") {
                lines = []
            } else if trimmed == "// end" {
                let indented = (lines ?? []).map { $0.dropFirst(8) }
                regions.append(indented.joined(separator: "\n"))
                lines = nil
            } else {
                lines?.append(line)
            }
        }
        return regions
    }

    @Test("The article's code blocks are the code of these tests")
    func article() throws {
        let path = "Sources/FTSLKit/FTSLKit.docc/Messaging.md"
        let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
        let blocks = text.split(separator: "```swift\n").dropFirst().map { part in
            String(part.prefix(upTo: part.range(of: "\n```")?.lowerBound ?? part.endIndex))
        }
        let regions = try Self.regions()
        #expect(regions.count == 4)
        #expect(blocks == regions)
    }
}
