import FTSLCore
import FTSLStore
import Foundation
import NIOCore
import Testing

@Suite("The record of a listener")
struct HostStoreTests {
    private let folder: Folder
    private var path: String { folder.file("main.db") }
    private let ticket = TicketID(high: 1, low: 2)

    init() throws { folder = try Folder() }

    private func source(_ ticket: TicketID, at: UInt64 = 1) -> SourceTicket {
        SourceTicket(
            ticket: ticket, target: "b:1", targetKey: "key", moves: 3,
            imageDigest: [1, 2, 3], at: at)
    }

    private func target(_ ticket: TicketID, _ digest: [UInt8] = [4], at: UInt64 = 1) -> TargetTicket
    {
        TargetTicket(
            ticket: ticket, source: "a:1", sourceKey: "", moves: 3, digest: digest, hasInbox: true,
            at: at)
    }

    private func signpost(_ number: UInt64, until: UInt64) -> Signpost {
        Signpost(
            session: SessionID(high: 7, low: number), secret: [UInt8](repeating: 5, count: 32),
            identity: number % 2 == 0 ? nil : "me", endpoints: "b:1,c:2", key: "key",
            generation: Generation(moves: 3, starts: 9), until: until)
    }

    private func makeImage(_ store: HostStore, _ ticket: TicketID, _ text: String) throws -> [UInt8]
    {
        let writer = try store.makeImage(ticket)
        try writer.append(ByteBuffer(string: text))
        return try writer.seal()
    }

    @Test("What was recorded is there after reopening")
    func reopening() throws {
        let inbox = InboxSignpost(
            inbox: InboxID(high: 1, low: 1), endpoints: "b:1", key: "",
            generation: Generation(moves: 3, starts: 2))
        do {
            let store = try HostStore(path)
            try store.recordFrozen(
                source(ticket), signposts: [signpost(1, until: 50)], inbox: inbox)
            #expect(try store.sourceTickets() == [source(ticket)])
            #expect(try store.signposts().isEmpty && store.inboxSignposts().isEmpty)
            try store.recordMoved(ticket)
            try store.recordPrepared(target(TicketID(high: 9, low: 9)))
        }
        let store = try HostStore(path)
        #expect(try store.sourceTickets().map(\.state) == [.moved])
        #expect(try store.targetTickets() == [target(TicketID(high: 9, low: 9))])
        #expect(try store.signposts() == [signpost(1, until: 50)])
        #expect(try store.inboxSignposts() == [inbox])
        #expect(try store.highestMoves(.session(SessionID(high: 7, low: 1))) == 3)
        #expect(try store.highestMoves(.inbox(inbox.inbox)) == 3)
        #expect(try store.highestMoves(.session(SessionID(high: 7, low: 2))) == nil)
        try store.removeSignposts(of: [SessionID(high: 7, low: 1)])
        #expect(try store.signposts().isEmpty)
    }

    @Test("A thawed ticket is never decided, and nothing of a refused record is kept")
    func thawed() throws {
        let store = try HostStore(path)
        #expect(reason { try store.recordMoved(ticket) } == .misuse)
        try store.recordFrozen(source(ticket), signposts: [signpost(1, until: 0)])
        try store.recordThawed(ticket)
        #expect(reason { try store.recordMoved(ticket) } == .misuse)
        #expect(try store.signposts().isEmpty)
        #expect(reason { try store.recordThawed(ticket) } == .misuse)
        try store.recordFenced(ticket)
        #expect(try store.sourceTickets().map(\.state) == [.fenced])
    }

    @Test("What was activated by hand and overruled is a ticket of its own, fenced")
    func superseded() throws {
        let store = try HostStore(path)
        try store.recordPrepared(target(ticket))
        try store.recordForced(ticket, holding: [])
        try store.recordSuperseded(source(ticket))
        #expect(try store.sourceTickets().map(\.state) == [.fenced])
        #expect(try store.targetTickets().map(\.state) == [.forced])
        #expect(throws: StoreFailure.self) { try store.recordSuperseded(source(ticket)) }
    }

    @Test("A moved ticket is never thawed")
    func moved() throws {
        let store = try HostStore(path)
        try store.recordFrozen(source(ticket))
        try store.recordMoved(ticket)
        #expect(reason { try store.recordThawed(ticket) } == .misuse)
        #expect(try store.sourceTickets().map(\.state) == [.moved])
    }

    @Test("An image is consumed once")
    func consumed() throws {
        let store = try HostStore(path)
        let other = TicketID(high: 2, low: 2)
        let session = KnownGeneration.Subject.session(SessionID(high: 4, low: 4))
        #expect(reason { try store.recordActive(ticket, holding: []) } == .misuse)
        for ticket in [ticket, other] { try store.recordPrepared(target(ticket)) }
        #expect(reason { try store.recordFailed(ticket) } == .misuse)
        try store.recordActive(
            ticket, holding: [KnownGeneration(session, moves: 3, until: 100)])
        #expect(try store.highestMoves(session) == 3)
        let again = KnownGeneration(session, moves: 9, until: 100)
        #expect(reason { try store.recordActive(ticket, holding: [again]) } == .misuse)
        #expect(reason { try store.recordForced(ticket, holding: [again]) } == .misuse)
        #expect(reason { try store.recordDiscarded(ticket) } == .misuse)
        #expect(try store.highestMoves(session) == 3)
        try store.recordForced(
            other, holding: [KnownGeneration(session, moves: 2, until: 50)])
        #expect(try store.highestMoves(session) == 3)
        try store.recordFailed(other)
        #expect(Set(try store.targetTickets().map(\.state)) == [.active, .failed])
    }

    @Test("What expires goes, and what has no end stays")
    func expiry() throws {
        let store = try HostStore(path)
        try store.recordFrozen(
            source(ticket),
            signposts: [signpost(1, until: 50), signpost(2, until: 51), signpost(3, until: 0)])
        try store.recordMoved(ticket)
        try store.removeSignposts(expiredAt: 50)
        #expect(try store.signposts().map(\.session.low) == [2, 3])
        let moves = try (1...3).map {
            try store.highestMoves(.session(SessionID(high: 7, low: $0)))
        }
        #expect(moves == [nil, 3, 3])
    }

    @Test("Tickets that came to nothing are forgotten, no others")
    func forgetting() throws {
        let store = try HostStore(path)
        for number in 1...3 as ClosedRange<UInt64> {
            try store.recordFrozen(source(TicketID(high: 0, low: number), at: number))
            try store.recordPrepared(target(TicketID(high: 1, low: number), at: number))
        }
        try store.recordThawed(TicketID(high: 0, low: 1))
        try store.recordMoved(TicketID(high: 0, low: 2))
        try store.recordDiscarded(TicketID(high: 1, low: 1))
        try store.recordDiscarded(TicketID(high: 1, low: 3))
        try store.forgetTickets(before: 3)
        #expect(try store.sourceTickets().map(\.at) == [2, 3])
        #expect(try store.targetTickets().map(\.at) == [2, 3])
    }

    @Test("Fifty thousand signposts are one quick record")
    func manySignposts() throws {
        let store = try HostStore(path)
        let signposts = (0..<50_000).map { signpost($0, until: 1_000 + $0) }
        let start = ContinuousClock.now
        try store.recordFrozen(source(ticket), signposts: signposts)
        try store.recordMoved(ticket)
        #expect(try store.signposts() == signposts)
        try store.removeSignposts(expiredAt: 1_999)
        #expect(try store.signposts().count == 49_000)
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    // MARK: Images

    @Test("An image is read back as it was sealed, or not at all")
    func images() throws {
        let store = try HostStore(path)
        let digest = try makeImage(store, ticket, "the image")
        #expect(digest.count == ImageDigest.byteCount)
        try store.recordPrepared(target(ticket, digest))
        #expect(try store.image(ticket) == ByteBuffer(string: "the image"))
        let file = store.imagePath(ticket)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(reason { _ = try store.makeImage(ticket) } != nil)
        for text in ["the imagE", "the imag", "the image and more"] {
            try Data(text.utf8).write(to: URL(filePath: file))
            #expect(reason { _ = try store.image(ticket) } == .damaged)
        }
        #expect(reason { _ = try store.image(TicketID(high: 0, low: 0)) } == .missing)
    }

    @Test("An erased image leaves zeros behind, and no name")
    func erasing() throws {
        let store = try HostStore(path)
        _ = try makeImage(store, ticket, String(repeating: "secret", count: 30_000))
        let open = try FileHandle(forReadingFrom: URL(filePath: store.imagePath(ticket)))
        try store.eraseImage(ticket)
        #expect(!FileManager.default.fileExists(atPath: store.imagePath(ticket)))
        let left = try #require(try open.readToEnd())
        #expect(left.count == 180_000 && left.allSatisfy { $0 == 0 })
        try store.eraseImage(ticket)
    }

    @Test("A start erases images that no record needs, and no others")
    func unneededImages() throws {
        let tickets = (1...5).map { TicketID(high: 0, low: $0) }
        do {
            let store = try HostStore(path)
            for ticket in tickets.dropFirst() {
                let digest = try makeImage(store, ticket, "image")
                try store.recordPrepared(target(ticket, digest))
            }
            _ = try makeImage(store, tickets[0], "image")
            try store.recordDiscarded(tickets[1])
            try store.recordActive(tickets[3], holding: [])
            try store.recordActive(tickets[4], holding: [])
            try store.recordFailed(tickets[4])
        }
        let foreign = folder.file("main.image-notes")
        try Data().write(to: URL(filePath: foreign))
        let store = try HostStore(path)
        let left = tickets.map { FileManager.default.fileExists(atPath: store.imagePath($0)) }
        #expect(left == [false, false, true, true, true])
        #expect(FileManager.default.fileExists(atPath: foreign))
    }

    // MARK: The file

    @Test("One process has it, only its owner reads it, and another's file is refused")
    func opening() throws {
        do {
            let store = try HostStore(path)
            #expect(reason { _ = try HostStore(path) } == .locked(by: getpid()))
            for suffix in ["", "-wal", "-lock"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
            withExtendedLifetime(store) {}
        }
        #expect(reason { _ = try InboxInspection(path) } == .notOurs)
        try Database(path, .writing).execute("PRAGMA user_version=99")
        #expect(reason { _ = try HostStore(path) } == .tooNew)
    }
}
