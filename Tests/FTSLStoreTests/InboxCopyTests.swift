import Dispatch
import FTSLCore
import FTSLStore
import Foundation
import NIOCore
import Synchronization
import Testing

@Suite("Copying an inbox")
struct InboxCopyTests {
    private let folder: Folder
    private var path: String { folder.file("inbox.db") }
    private var target: String { folder.file("target.db") }
    private let ticket = TicketID(high: 3, low: 4)

    init() throws { folder = try Folder() }

    @Test("Under load, with others writing, reading and checkpointing, the copy is the inbox")
    func load() throws {
        let inbox = try TestInbox(path)
        try inbox.fill(someProducer, 5_000)
        let copy = try inbox.store.beginCopy()
        let arrival = try InboxArrival(for: target, ticket)
        let isOver = Atomic(false)
        let load = Unchecked(inbox)
        let group = DispatchGroup()
        let failures = Mutex<[String]>([])
        func run(_ body: @escaping @Sendable (Int) throws -> Void) {
            DispatchQueue.global().async(group: group) {
                var round = 0
                while !isOver.load(ordering: .sequentiallyConsistent) {
                    do { try body(round) } catch { failures.withLock { $0.append("\(error)") } }
                    round += 1
                }
            }
        }
        let path = path
        run { _ in try load.value.fill(someProducer, 300) }
        run { round in
            let other = try Database(path, .writing)
            try other.execute(
                """
                PRAGMA wal_autocheckpoint=1;
                INSERT INTO known(owner, id, idx, count, digest, time)
                VALUES('o', hex(randomblob(8)), 1, 1, 1, 9000000000000000);
                PRAGMA wal_checkpoint
                """)
        }
        run { _ in _ = try InboxInspection(path).summary() }
        var deltas: [UInt64] = []
        while deltas.count < 8 || deltas.last == 0 { deltas.append(try ship(copy, to: arrival)) }
        isOver.store(true, ordering: .sequentiallyConsistent)
        group.wait()
        #expect(failures.withLock { $0 } == [])
        try inbox.fill(someProducer, 1)
        try copy.freeze()
        #expect(try ship(copy, to: arrival) > 0)
        #expect(try ship(copy, to: arrival) == 0)
        #expect(try copy.digest == arrival.digest)
        let arrived = try arrival.seal()
        #expect(try arrived.check() == inbox.store.identity)
        try expectSameRows(path, "\(target)-arrived-\(ticket)")
        copy.end()
        try inbox.fill(someProducer, 1)
    }

    @Test("No process can begin the log anew while a copy runs", arguments: [true, false])
    func pinned(isCheckpointedBefore: Bool) throws {
        let inbox = try TestInbox(path)
        try inbox.fill(someProducer, 3_000)
        let other = try Database(path, .writing)
        try other.execute("PRAGMA busy_timeout=0")
        if isCheckpointedBefore {
            #expect(try other.integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0)
        }
        let copy = try inbox.store.beginCopy()
        let arrival = try InboxArrival(for: target, ticket)
        _ = try ship(copy, to: arrival)
        for mode in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
            let isBusy = try other.integer("PRAGMA wal_checkpoint(\(mode))")
            if mode == "RESTART" || mode == "TRUNCATE" { #expect(isBusy == 1, "\(mode)") }
            try inbox.fill(someProducer, 3_000)
            #expect(try ship(copy, to: arrival) > 0)
        }
        try copy.freeze()
        _ = try ship(copy, to: arrival)
        _ = try arrival.seal()
        try expectSameRows(path, "\(target)-arrived-\(ticket)")
        copy.end()
        try inbox.fill(someProducer, 1)
        #expect(try other.integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0)
    }

    @Test(
        "Nor can another program that changes the file and closes it",
        .enabled(if: run("sqlite3", "--version"), "no sqlite3 here"))
    func otherProgram() throws {
        let inbox = try TestInbox(path)
        try inbox.fill(someProducer, 3_000)
        let copy = try inbox.store.beginCopy()
        let arrival = try InboxArrival(for: target, ticket)
        for id in 1...3 {
            _ = try ship(copy, to: arrival)
            #expect(
                run(
                    "sqlite3", path,
                    """
                    PRAGMA wal_autocheckpoint=1;
                    INSERT INTO known(owner, id, idx, count, digest, time)
                    VALUES('o', 'id \(id)', 1, 1, 1, 9000000000000000);
                    PRAGMA wal_checkpoint(RESTART);
                    """))
            try inbox.fill(someProducer, 100)
        }
        try copy.freeze()
        _ = try ship(copy, to: arrival)
        _ = try arrival.seal()
        try expectSameRows(path, "\(target)-arrived-\(ticket)")
        let known = try Database("\(target)-arrived-\(ticket)", .reading)
            .integer("SELECT count(*) FROM known")
        #expect(known == 3)
    }

    @Test("What is left after the freeze does not depend on the inbox's size")
    func lastDelta() throws {
        let deltas = try [10, 40_000].map { count in
            let path = folder.file("inbox \(count)")
            let inbox = try TestInbox(path)
            try inbox.fill(someProducer, count)
            let copy = try inbox.store.beginCopy()
            let arrival = try InboxArrival(
                for: target, TicketID(high: 0, low: UInt64(count)))
            _ = try ship(copy, to: arrival)
            try inbox.fill(someProducer, 1)
            try copy.freeze()
            let delta = try ship(copy, to: arrival)
            _ = try arrival.seal()
            try expectSameRows(path, "\(target)-arrived-\(TicketID(high: 0, low: UInt64(count)))")
            return delta
        }
        #expect(deltas.allSatisfy { $0 > 0 && $0 < 24 * 4_120 }, "\(deltas)")
    }

    @Test("Large bodies and half-received ones travel with the inbox")
    func pieces() throws {
        let inbox = try TestInbox(path)
        let lane = try inbox.open(someProducer)
        let part = ByteBuffer(repeating: 7, count: 1 << 20)
        for sequence in 1...2 as ClosedRange<UInt64> {
            _ = try inbox.change(
                .piece(someProducer, lane.fence, LaneSequence(sequence), at: 0, part))
        }
        var whole = message(1)
        whole.digest = digest(part)
        whole.body = .pieces(whole.digest)
        _ = try inbox.change(.messages(someProducer, lane.fence, [whole]))
        let copy = try inbox.store.beginCopy()
        let arrival = try InboxArrival(for: target, ticket)
        try copy.freeze()
        _ = try ship(copy, to: arrival)
        try arrival.seal().install(moves: 1)
        let moved = try TestInbox(target)
        let reply = try moved.ask(.fetchPiece(.first, offset: 0, maxBytes: 2 << 20))
        #expect(reply == .piece(part))
        withExtendedLifetime(copy) {}
    }

    // MARK: The freeze

    @Test("While it is frozen changes wait, elsewhere too, and go on when it thaws")
    func freezing() throws {
        let inbox = try TestInbox(path)
        let lane = try inbox.open(someProducer)
        let copy = try inbox.store.beginCopy()
        try copy.freeze()
        let frozen = try copy.logBytes()
        let other = try Database(path, .writing)
        try other.execute("PRAGMA busy_timeout=0")
        #expect(reason { try other.execute("BEGIN IMMEDIATE") } == .busy)
        let ids = inbox.waiter.ids(1)
        let request = InboxRequest.change(.messages(someProducer, lane.fence, [message(1)]))
        inbox.store.submit([(ids[0], request)]) { _ in Issue.record("refused") }
        // Asked after the change, on the same thread.
        try copy.freeze()
        #expect(try copy.logBytes() == frozen)
        try copy.thaw()
        guard case .changed(.progress) = try inbox.waiter.take(ids)[0] else {
            Issue.record("the change failed")
            return
        }
        #expect(try copy.logBytes() > frozen)
    }

    @Test("A host that closes while it is frozen takes nothing more in")
    func closingFrozen() throws {
        let inbox = try TestInbox(path)
        let lane = try inbox.open(someProducer)
        let copy = try inbox.store.beginCopy()
        try copy.freeze()
        let ids = inbox.waiter.ids(1)
        let request = InboxRequest.change(.messages(someProducer, lane.fence, [message(1)]))
        inbox.store.submit([(ids[0], request)]) { _ in Issue.record("refused") }
        inbox.store.close()
        guard case .failed = try inbox.waiter.take(ids)[0] else {
            Issue.record("the change was taken")
            return
        }
        copy.end()
        #expect(try TestInbox(path).fetch(1).isEmpty)
    }

    // MARK: What goes wrong

    @Test("A copy is read and written from its start to its end, and there is one at a time")
    func order() throws {
        let inbox = try TestInbox(path)
        let copy = try inbox.store.beginCopy()
        #expect(reason { _ = try inbox.store.beginCopy() } == .busy)
        _ = try copy.logBytes()
        #expect(reason { _ = try copy.read(.log, at: 0, maxBytes: 10) } == .misuse)
        #expect(reason { _ = try copy.read(.database, at: 1, maxBytes: 10) } == .misuse)
        let arrival = try InboxArrival(for: target, ticket)
        let bytes = ByteBuffer(string: "x")
        #expect(reason { try arrival.write(.database, at: 1, bytes) } == .misuse)
        #expect(reason { _ = try InboxArrival(for: target, ticket) } != nil)
        try arrival.discard()
        #expect(!FileManager.default.fileExists(atPath: "\(target)-arriving-\(ticket)"))
        copy.end()
        #expect(reason { _ = try copy.logBytes() } == .misuse)
        _ = try inbox.store.beginCopy()
    }

    @Test("A log that lost, doubled or changed something is refused", arguments: 0..<5)
    func damage(kind: Int) throws {
        let inbox = try TestInbox(path)
        try inbox.fill(someProducer, 10)
        let copy = try inbox.store.beginCopy()
        try inbox.fill(someProducer, 10)
        let (database, log) = try readAll(copy)
        let arrival = try InboxArrival(for: target, ticket)
        try arrival.write(.database, at: 0, database)
        var bytes = Array(log.readableBytesView)
        let frame = 4_120
        switch kind {
        case 0: bytes[32 + frame + 100] ^= 1
        case 1: bytes.removeSubrange(32 + frame..<32 + 2 * frame)
        case 2: bytes.insert(contentsOf: bytes[32..<32 + frame], at: 32)
        case 3: bytes[20] ^= 1
        default: bytes.removeLast(1_000)
        }
        let found = reason {
            try arrival.write(.log, at: 0, ByteBuffer(bytes: bytes))
            _ = try arrival.seal()
        }
        #expect(found == .damaged)
    }

    // MARK: Moved

    @Test("An inbox that moved is never hosted again, says where it is, and can be looked into")
    func moved() throws {
        let store: InboxStore
        do {
            let inbox = try TestInbox(path)
            try inbox.fill(someProducer, 2)
            let copy = try inbox.store.beginCopy()
            try copy.freeze()
            try inbox.store.markMoved(to: "b.example:7", moves: 4)
            copy.end()
            let reply = try inbox.ask(
                .change(.subscribe(name: "c", isGroup: false, .everything, .beginning)))
            guard case .failed(let failure) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(failure.text.contains("moved to b.example:7"))
            store = inbox.store
        }
        #expect(store.path == path)
        do {
            _ = try TestInbox(path)
            Issue.record("it opened")
        } catch let failure as StoreFailure {
            #expect(failure.reason == .moved)
            let sentence = #/.*inbox\.db moved to b\.example:7 on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/#
            #expect(failure.text.wholeMatch(of: sentence) != nil, "\(failure.text)")
        }
        #expect(reason { _ = try InboxAdministration.dropCursor("c", at: path) } == .moved)
        let summary = try InboxInspection(path).summary()
        #expect(summary.move?.moves == 4 && summary.move?.endpoints == "b.example:7")
        #expect(summary.messages == 2 && summary.identity.generation.starts == 1)
    }
}

/// Ships what there is; the bytes of the log's growth.
@discardableResult
func ship(_ copy: InboxCopy, to arrival: InboxArrival) throws -> UInt64 {
    while arrival.databaseBytes < copy.databaseBytes {
        let offset = arrival.databaseBytes
        // An odd number: pieces end inside of pages.
        try arrival.write(
            .database, at: offset, copy.read(.database, at: offset, maxBytes: 100_003))
    }
    let before = arrival.logBytes
    let end = try copy.logBytes()
    while arrival.logBytes < end {
        let offset = arrival.logBytes
        try arrival.write(.log, at: offset, copy.read(.log, at: offset, maxBytes: 100_003))
    }
    return end - before
}

/// All of a copy at once.
func readAll(_ copy: InboxCopy) throws -> (database: ByteBuffer, log: ByteBuffer) {
    let database = try copy.read(.database, at: 0, maxBytes: Int(copy.databaseBytes))
    let log = try copy.read(.log, at: 0, maxBytes: Int(copy.logBytes()))
    return (database, log)
}

/// Two inboxes have the same rows, and neither is damaged.
func expectSameRows(_ one: String, _ two: String) throws {
    let database = try Database(one, .reading)
    try database.execute("ATTACH '\(two)' AS other")
    let tables = try database.text(
        "SELECT group_concat(name) FROM main.sqlite_schema WHERE type = 'table'")
    #expect(
        try tables
            == database.text(
                "SELECT group_concat(name) FROM other.sqlite_schema WHERE type = 'table'"))
    for table in tables.split(separator: ",") {
        let counts = try ["main", "other"].map {
            try database.integer("SELECT count(*) FROM \($0).\(table)")
        }
        #expect(counts[0] == counts[1], "\(table)")
        let different = try database.integer(
            """
            SELECT count(*) FROM (SELECT * FROM main.\(table) EXCEPT SELECT * FROM other.\(table))
            """)
        #expect(different == 0, "\(table)")
    }
    #expect(try InboxInspection(two).verify() == [])
}
