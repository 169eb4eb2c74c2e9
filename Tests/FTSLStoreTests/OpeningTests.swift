import FTSLCore
import FTSLStore
import Foundation
import Testing

@Suite("Opening")
struct OpeningTests {
    private let folder: Folder
    private var path: String { folder.file("inbox.db") }

    init() throws { folder = try Folder() }

    private func open(_ path: String) -> StoreFailure.Reason? {
        reason { try InboxStore(path, InboxOptions()) { _ in }.close() }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("What is no file of ours has a name")
    func foreignFiles() throws {
        #expect(open(folder.path) == .isFolder)
        #expect(open(folder.file("none/inbox.db")) == .folderMissing)
        #expect(reason { _ = try InboxInspection(path) } == .missing)
        let text = folder.file("text")
        try Data(String(repeating: "no database ", count: 100).utf8).write(to: URL(filePath: text))
        #expect(chmod(text, 0o644) == 0)
        #expect(open(text) == .tooWide)
        #expect(chmod(text, 0o600) == 0)
        #expect(open(text) == .notADatabase)
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: text)
        #expect(open(folder.file("link")) == .isSymbolicLink)
        try Database(folder.file("other"), .writing).execute("CREATE TABLE mine(x)")
        #expect(chmod(folder.file("other"), 0o600) == 0)
        #expect(open(folder.file("other")) == .notOurs)
    }

    @Test("A file whose maker died at once holds nothing, and is made anew")
    func unfinished() throws {
        try Data().write(to: URL(filePath: path))
        #expect(chmod(path, 0o600) == 0)
        #expect(reason { _ = try InboxInspection(path) } == .missing)
        #expect(reason { _ = try OutboxInspection(path) } == .missing)
        #expect(open(path) == nil)
        _ = try InboxInspection(path)
    }

    @Test("An outbox is no inbox, and the other way round")
    func kinds() throws {
        try OutboxStore(path) { _ in }.close()
        #expect(open(path) == .notOurs)
        #expect(open(folder.file("inbox")) == nil)
        #expect(reason { _ = try OutboxStore(folder.file("inbox")) { _ in } } == .notOurs)
    }

    @Test("A file of a newer version is refused and stays as it is")
    func newer() throws {
        #expect(open(path) == nil)
        try Database(path, .writing).execute("PRAGMA user_version=99")
        #expect(open(path) == .tooNew)
        #expect(reason { _ = try InboxInspection(path) } == .tooNew)
        #expect(try Database(path, .writing).integer("PRAGMA user_version") == 99)
    }

    @Test("Without leave to write it says so", .enabled(if: geteuid() != 0, "root may write all"))
    func readOnly() throws {
        #expect(open(path) == nil)
        #expect(chmod(path, 0o400) == 0)
        #expect(open(path) == .readOnly)
        #expect(chmod(path, 0o600) == 0)
        #expect(chmod(folder.path, 0o500) == 0)
        #expect(open(path) == .folderNotWritable)
        #expect(chmod(folder.path, 0o700) == 0)
    }

    @Test("Only its owner may read a store, whatever the umask")
    func modes() throws {
        let store = try InboxStore(path, InboxOptions()) { _ in }
        for suffix in ["", "-wal", "-shm", "-lock"] {
            #expect(try mode(path + suffix) == 0o600, "\(suffix)")
        }
        store.close()
    }

    @Test("An inbox has one host, and the second learns which process it is")
    func locked() throws {
        let store = try InboxStore(path, InboxOptions()) { _ in }
        #expect(open(path) == .locked(by: getpid()))
        store.close()
        #expect(open(path) == nil)
    }

    @Test("A connection that writes is durable, or it is not used")
    func durable() throws {
        let database = try Database(path, .writing)
        #expect(try database.integer("PRAGMA synchronous") == 2)
        try database.makeDurable()
        #expect(try database.isDurable())
        try database.execute("PRAGMA synchronous=NORMAL")
        #expect(try !database.isDurable())
    }

    @Test("An inbox keeps its identity and begins every life with a larger number")
    func lives() throws {
        let lives = try (1...3).map { _ in
            let store = try InboxStore(path, InboxOptions()) { _ in }
            defer { store.close() }
            return store.identity
        }
        #expect(Set(lives.map(\.id)).count == 1)
        #expect(lives.map(\.generation.starts) == [1, 2, 3])
    }

    @Test(
        "A file of an older version opens with all that is in it",
        arguments: ["inbox-1.db", "inbox-2.db"])
    func oldVersion(name: String) throws {
        let fixture = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(name)").path
        if ProcessInfo.processInfo.environment["FTSL_WRITE_FIXTURES"] != nil,
            !FileManager.default.fileExists(atPath: fixture)
        {
            let made = try TestInbox(fixture)
            try made.fill(someProducer, 3)
            _ = try made.change(
                .subscribe(name: "c", isGroup: true, TopicFilter(["a.#"]), .beginning))
            _ = try made.change(.finish(cursor: "c", InboxIndex(1)))
        }
        try FileManager.default.copyItem(atPath: fixture, toPath: path)
        #expect(chmod(path, 0o600) == 0)
        let inbox = try TestInbox(path)
        #expect(try inbox.fetch(1).map(\.sequence.value) == [1, 2, 3])
        #expect(try inbox.open(someProducer).next == LaneSequence(4))
        let result = try inbox.change(
            .subscribe(name: "c", isGroup: true, TopicFilter(["a.#"]), .beginning))
        guard case .consumer(let cursor, _) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(cursor.floor == InboxIndex(2))
    }

    private func oldOutbox(_ fixture: String) throws -> TestOutbox {
        let fixture = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(fixture)").path
        try FileManager.default.copyItem(atPath: fixture, toPath: path)
        #expect(chmod(path, 0o600) == 0)
        return try TestOutbox(path)
    }

    @Test("Of what waits in an outbox of an older version nobody knows whether it was sent")
    func oldOutbox() throws {
        let outbox = try oldOutbox("outbox-1.db")
        let inspection = try OutboxInspection(path)
        let lane = try #require(try inspection.lanes().first)
        #expect(lane.queued == 2)
        let outcomes = try (1...4).map { try inspection.places(ofID: "id \($0)").first?.outcome }
        #expect(outcomes == [.accepted, .accepted, .sent, .sent])
        withExtendedLifetime(outbox) {}
    }

    @Test("Of an id in an outbox of version 2 the body is known only while its message waits")
    func oldIDs() throws {
        let outbox = try oldOutbox("outbox-2.db")
        let destination = try #require(try OutboxInspection(path).lanes().first?.lane.destination)
        func submit(_ id: String) throws -> [UInt64] {
            try outbox.submit([newMessage("another body", id: id)], to: destination)
                .sequences.map(\.value)
        }
        #expect(try submit("accepted") == [1])
        #expect(try submit("waiting") == [3])
    }
}
