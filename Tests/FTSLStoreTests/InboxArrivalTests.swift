import Dispatch
import FTSLCore
import FTSLStore
import Foundation
import NIOCore
import Testing

@Suite("An inbox arrives")
struct InboxArrivalTests {
    private let folder: Folder
    private var source: String { folder.file("source.db") }
    private var path: String { folder.file("inbox.db") }
    private let ticket = TicketID(high: 5, low: 6)

    init() throws { folder = try Folder() }

    /// Sealed beside `path`; the source is marked as moved.
    private func arrive(messages: Int = 5, moves: UInt64 = 1) throws -> ArrivedInbox {
        let inbox = try TestInbox(source)
        try inbox.fill(someProducer, messages)
        let copy = try inbox.store.beginCopy()
        let arrival = try InboxArrival(for: path, ticket)
        try copy.freeze()
        try ship(copy, to: arrival)
        let arrived = try arrival.seal()
        try inbox.store.markMoved(to: "b:1", moves: moves)
        copy.end()
        return arrived
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { $0.hasPrefix("inbox.db") && !$0.hasSuffix("-lock") }
    }

    private func obstacle(_ identity: InboxIdentity, moves: UInt64) throws -> String? {
        try InboxPlace(path).obstacle(to: identity.id, moves: moves)
    }

    @Test("It takes an empty place and goes on where it was, at its new generation")
    func absent() throws {
        let arrived = try arrive()
        let before = try arrived.check()
        #expect(try InboxPlace(path) == .absent)
        try arrived.install(moves: 1)
        #expect(try names() == ["inbox.db"])
        try arrived.install(moves: 1)
        let inbox = try TestInbox(path)
        #expect(inbox.store.identity.id == before.id)
        #expect(inbox.store.identity.generation.moves == 1)
        #expect(inbox.store.identity.generation.starts > before.generation.starts)
        #expect(try inbox.fetch(1).count == 5)
        #expect(try inbox.open(someProducer).next == LaneSequence(6))
    }

    @Test("It replaces an unused inbox, and an older generation of itself, there and back")
    func replacing() throws {
        do { _ = try TestInbox(path) }
        guard case .unused = try InboxPlace(path) else {
            Issue.record("\(try InboxPlace(path))")
            return
        }
        let arrived = try arrive()
        let id = try arrived.check().id
        try arrived.install(moves: 1)
        // Back: the source has it as moved.
        let home = TicketID(high: 6, low: 6)
        do {
            let inbox = try TestInbox(path)
            try inbox.fill(someProducer, 2)
            let copy = try inbox.store.beginCopy()
            let arrival = try InboxArrival(for: source, home)
            try copy.freeze()
            try ship(copy, to: arrival)
            let back = try arrival.seal()
            guard case .used(_, .some) = try InboxPlace(source) else {
                Issue.record("\(try InboxPlace(source))")
                return
            }
            #expect(try InboxPlace(source).obstacle(to: id, moves: 1) == nil)
            try back.install(moves: 2)
            copy.end()
        }
        let inbox = try TestInbox(source)
        #expect(inbox.store.identity.generation.moves == 2)
        #expect(try inbox.fetch(1).count == 7)
    }

    @Test("It does not replace another inbox in use, nor a newer generation of itself")
    func obstacles() throws {
        let arrived = try arrive(moves: 2)
        let identity = try arrived.check()
        do { try TestInbox(path).fill(someProducer, 1) }
        #expect(try obstacle(identity, moves: 2) != nil)
        #expect(reason { try arrived.install(moves: 2) } == .notOurs)
        #expect(try TestInbox(path).fetch(1).count == 1)
        for suffix in ["", "-lock"] { try FileManager.default.removeItem(atPath: path + suffix) }
        try arrived.install(moves: 2)
        #expect(try obstacle(identity, moves: 2) != nil)
        #expect(try obstacle(identity, moves: 3) == nil)
    }

    @Test("A host that has the place open keeps it")
    func hosted() throws {
        let inbox = try TestInbox(path)
        let arrived = try arrive()
        #expect(reason { try arrived.install(moves: 1) } == .locked(by: getpid()))
        inbox.store.close()
        try arrived.install(moves: 1)
    }

    @Test("Who looks into the old file is waited for, and finds the new one")
    func lookers() throws {
        do { _ = try TestInbox(path) }
        let arrived = try arrive()
        let looker = DispatchSemaphore(value: 0)
        let path = path
        let isLooking = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            do {
                let inspection = try InboxInspection(path)
                #expect(try inspection.summary().messages == 0)
                isLooking.signal()
                usleep(200_000)
                #expect(try inspection.summary().messages == 0)
            } catch {
                Issue.record(error)
            }
            looker.signal()
        }
        isLooking.wait()
        try arrived.install(moves: 1)
        looker.wait()
        #expect(try InboxInspection(path).summary().messages == 5)
    }

    /// Where a process may die in `install`; what is on the disk then.
    enum Crash: CaseIterable {
        case beforeAnything, afterRaising, afterFolding, afterAll
    }

    @Test(
        "A crash leaves the old inbox or the new one, and the next call ends it",
        arguments: Crash.allCases, [true, false])
    func crashes(crash: Crash, hasOldLog: Bool) throws {
        try leaveOldInbox(withLog: hasOldLog)
        let arrived = try arrive()
        if crash != .beforeAnything { try arrived.raise(moves: 1) }
        if crash == .afterFolding {
            let mode = try Database(path, .writing).text("PRAGMA journal_mode=DELETE")
            #expect(mode == "delete")
        }
        if crash == .afterAll { try arrived.install(moves: 1) }
        let expected: UInt64 = crash == .afterAll ? 5 : 0
        #expect(try InboxInspection(path).summary().messages == expected)
        do {
            let inbox = try TestInbox(path)
            #expect(try inbox.fetch(1).count == Int(expected))
        }
        let again = crash == .afterAll ? arrived : try ArrivedInbox(for: path, ticket)
        try again.install(moves: 1)
        let inbox = try TestInbox(path)
        #expect(try inbox.fetch(1).count == 5)
        #expect(inbox.store.identity.generation.moves == 1)
        #expect(try InboxInspection(path).verify() == [])
    }

    /// An unused inbox, as its host leaves it, or one that died: with a log that counts.
    private func leaveOldInbox(withLog: Bool) throws {
        guard withLog else {
            _ = try TestInbox(path)
            return
        }
        let dying = folder.file("dying.db")
        let inbox = try TestInbox(dying)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: dying + suffix, toPath: path + suffix)
        }
        withExtendedLifetime(inbox) {}
    }

    @Test("A log that another file left at the place does not get into the new inbox")
    func foreignLog() throws {
        let other = folder.file("other.db")
        let inbox = try TestInbox(other)
        try inbox.fill(someProducer, 50)
        try FileManager.default.copyItem(atPath: other + "-wal", toPath: path + "-wal")
        try arrive().install(moves: 1)
        #expect(try TestInbox(path).fetch(1).count == 5)
        #expect(try InboxInspection(path).verify() == [])
    }

    @Test("What arrived for nothing is removed, and nothing else")
    func removing() throws {
        let arrived = try arrive()
        let late = TicketID(high: 9, low: 9)
        let half = try InboxArrival(for: path, late)
        try ArrivedInbox.removeOthers(at: path, keeping: [ticket, late])
        #expect(try names().count == 2)
        try ArrivedInbox.removeOthers(at: path, keeping: [ticket])
        #expect(try names() == ["inbox.db-arrived-\(ticket)"])
        try arrived.discard()
        #expect(try names().isEmpty)
        #expect(reason { _ = try ArrivedInbox(for: path, ticket) } == .missing)
        withExtendedLifetime(half) {}
    }

    @Test("What is no inbox is found before it is installed")
    func foreign() throws {
        let arrival = try InboxArrival(for: path, ticket)
        try Database(folder.file("other"), .writing).execute("CREATE TABLE mine(x)")
        let bytes = try Data(contentsOf: URL(filePath: folder.file("other")))
        try arrival.write(.database, at: 0, .init(bytes: bytes))
        let arrived = try arrival.seal()
        #expect(reason { _ = try arrived.check() } == .notOurs)
        #expect(reason { try arrived.install(moves: 1) } == .notOurs)
        try arrived.discard()
        let short = try InboxArrival(for: path, ticket)
        try short.write(.database, at: 0, .init(bytes: bytes.dropLast(4_096)))
        #expect(reason { _ = try short.seal() } == .damaged)
    }
}
