import FTSLCore
import NIOCore
import Testing

/// The two hosts of a ticket: what each does next, and that only one thing decides. [FTSL §10.5]
@Suite("The hosts of a ticket")
struct MigrationMachineTests {
    private static let target = MoveTarget(endpoints: ["b:1"], key: "k", generation: .first)
    private static let failure = Failure(.peer, .limits, "no room")

    /// Every step of a ticket that goes well.
    private static let way: [MigrationSource.Input] = [
        .accepted(target), .copied, .frozen, .frozenIsOnDisk, .prepared(digest: [1]),
        .movedIsOnDisk, .active(failed: 0),
    ]

    private func source(after steps: Int) -> MigrationSource {
        var source = MigrationSource(isPlan: false)
        source.digest = [1]
        for input in Self.way.prefix(steps) { _ = source.handle(input) }
        return source
    }

    @Test("Step by step to the redirect, and only the disk's word decides")
    func way() {
        var source = MigrationSource(isPlan: false)
        source.digest = [1]
        let effects = Self.way.map { source.handle($0) }
        #expect(
            effects == [
                [.announce(Self.target), .copyInbox], [.freeze], [.recordFrozen], [.sendImage],
                [.recordMoved], [.sendDecided, .redirect], [.end(.success(0))],
            ])
        #expect(source.state == .over)
    }

    @Test("A failure before the decision leads back, after it nowhere", arguments: 0..<7)
    func failures(_ steps: Int) {
        var source = source(after: steps)
        let before = source.state
        let effects = source.handle(.failed(Self.failure))
        switch before {
        case .offering:
            #expect(effects == [.sendAbort(Self.failure), .end(.failure(Self.failure))])
        case .copying, .freezing:
            #expect(
                effects == [.thaw, .sendAbort(Self.failure), .end(.failure(Self.failure))])
            expectAborted(&source)
        case .sealing, .sending:
            #expect(effects == [.recordThawed])
            #expect(source.decision == .undecided && source.isPaused)
            #expect(source.handle(.prepared(digest: [1])).isEmpty)
            #expect(
                source.handle(.thawedIsOnDisk)
                    == [.thaw, .sendAbort(Self.failure), .end(.failure(Self.failure))])
            expectAborted(&source)
        case .deciding:
            #expect(effects.isEmpty && source.decision == .undecided)
            // Whoever is gone says nothing more.
            #expect(
                source.handle(.movedIsOnDisk) == [.sendDecided, .redirect, .end(.success(0))])
            #expect(source.decision == .moved)
        case .moved: #expect(effects == [.end(.success(0))])
        case .thawing, .over: #expect(effects.isEmpty)
        }
    }

    /// It can never be decided any more.
    private func expectAborted(_ source: inout MigrationSource) {
        #expect(source.decision == .aborted && !source.isPaused)
        #expect(source.handle(.prepared(digest: [1])).isEmpty)
        #expect(source.handle(.movedIsOnDisk).isEmpty)
    }

    @Test("Clients wait from the freeze to the decision, not longer", arguments: 0..<7)
    func pause(_ steps: Int) {
        #expect(source(after: steps).isPaused == (2...5).contains(steps))
    }

    @Test("A target that received something else is not given anything")
    func digests() {
        var source = source(after: 4)
        let effects = source.handle(.prepared(digest: [2]))
        #expect(effects == [.recordThawed])
        #expect(source.handle(.thawedIsOnDisk).first == .thaw && source.decision == .aborted)
    }

    @Test("A decision that the disk refused never was")
    func diskFull() {
        var source = source(after: 5)
        #expect(source.decisionFailed(Self.failure) == [.recordThawed])
        #expect(source.decision == .undecided)
        #expect(source.handle(.thawedIsOnDisk).first == .thaw && source.decision == .aborted)
    }

    @Test("A plan asks, and does nothing")
    func plan() {
        var source = MigrationSource(isPlan: true)
        #expect(source.handle(.accepted(Self.target)) == [.end(.success(0))])
    }

    @Test("What comes out of order ends the ticket")
    func disorder() {
        var source = source(after: 1)
        #expect(source.handle(.prepared(digest: [1])).first == .thaw)
    }

    @Test("A target serves only what its source or an operator gave it")
    func targetWay() {
        var target = MigrationTarget()
        #expect(target.handle(.sealed) == [.recordPrepared])
        #expect(target.handle(.preparedIsOnDisk) == [.sendPrepared])
        #expect(target.handle(.sourceIsAway) == [.askSource])
        #expect(target.handle(.decided(.undecided)) == [.askSource])
        #expect(target.handle(.decided(.moved)) == [.recordActive(forced: false)])
        #expect(target.handle(.decided(.aborted)).isEmpty)
        #expect(target.handle(.activeIsOnDisk) == [.start])
        #expect(target.handle(.started(failed: 0)) == [.sendActive(failed: 0), .end(nil)])
    }

    @Test("What is prepared is dropped when the source went on, and kept when it is only away")
    func targetBack() {
        var target = MigrationTarget(isPrepared: true)
        #expect(target.handle(.sourceIsAway) == [.askSource])
        #expect(target.handle(.decided(.aborted)).first == .discard)
        #expect(target.handle(.decided(.moved)).isEmpty)
        var forced = MigrationTarget(isPrepared: true)
        #expect(forced.handle(.forced) == [.recordActive(forced: true)])
    }

    @Test("A record that the disk refused leaves the ticket prepared")
    func targetDisk() {
        var target = MigrationTarget(isPrepared: true)
        _ = target.handle(.decided(.moved))
        #expect(target.handle(.failed(Self.failure)).contains(.askSource))
        #expect(target.state == .prepared)
        #expect(target.handle(.decided(.moved)) == [.recordActive(forced: false)])
    }

    private static let messages: [MigrationMessage] = [
        .offer(
            .init(
                ticket: TicketID(high: 1, low: 2), label: "main", service: "exec",
                serviceDigest: [9], sessions: 3, memory: 4, plaintextSessions: 5,
                inbox: .init(id: InboxID(high: 6, low: 7), moves: 8, bytes: 9),
                source: MoveTarget(endpoints: ["a:1", "a:2"], key: "", generation: .first),
                isPlan: true)),
        .accept, .refuse(failure), .abort(failure),
        .inbox(part: 1, offset: 77, ByteBuffer(string: "piece")),
        .image(ByteBuffer(string: "image")), .seal(image: [1, 2], inbox: []),
        .prepared(digest: [3]), .decided, .active(failed: 2), .ask(TicketID(high: 3, low: 4)),
        .answer(.moved), .answer(.undecided), .answer(.aborted),
        .query(TicketID(high: 5, low: 6)), .holding(.nothing), .holding(.prepared(digest: [1])),
        .holding(.active),
        .superseded(
            TicketID(high: 7, low: 8),
            MoveTarget(
                endpoints: ["c:3"], key: "ftsl1:k", generation: Generation(moves: 4, starts: 0))),
    ]

    @Test("Every message is read as it was written, byte by byte too")
    func messages() throws {
        var stream = ByteBuffer()
        for message in Self.messages {
            for part in message.encoded() { stream.writeImmutableBuffer(part) }
        }
        var input = ByteBuffer()
        var read: [MigrationMessage] = []
        for byte in stream.readableBytesView {
            input.writeInteger(byte)
            while let message = try MigrationMessage.next(from: &input) { read.append(message) }
        }
        #expect(read == Self.messages && input.readableBytes == 0)
    }

    @Test("A message with a byte changed anywhere is another one or refused, never a crash")
    func damaged() {
        for message in Self.messages {
            let whole = joined(message.encoded())
            for index in 0..<whole.readableBytes {
                for bit in [0x01, 0x80] as [UInt8] {
                    var changed = whole
                    let old: UInt8 = changed.getInteger(at: index) ?? 0
                    changed.setInteger(old ^ bit, at: index)
                    _ = try? MigrationMessage.next(from: &changed)
                }
            }
        }
    }
}
