internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// What one host has on its disk about moves.
struct HostTables {
    struct Source {
        enum State { case frozen, thawed, moved, fenced }
        var state = State.frozen
        var target: Int
        var moves: UInt64
        var digest: [UInt8]
        var signposts: [SessionID: Signpost]
        var inbox: InboxIdentity?
    }

    struct Target {
        enum State { case prepared, active, discarded, forced }
        var state = State.prepared
        var source: Int
        var digest: [UInt8]
        var inboxMoves: UInt64?
        /// Of the generation after the move.
        var moves: UInt64
    }

    struct Signpost {
        var secret: [UInt8]
        var target: MoveTarget
    }

    struct Refused: Error {}

    var sources: [TicketID: Source] = [:]
    var targets: [TicketID: Target] = [:]
    /// Tickets in the order of their first record.
    var order: [TicketID] = []
    var images: [TicketID: ByteBuffer] = [:]
    /// Inboxes that came and have not taken their place.
    var arrived: [TicketID: InboxTables] = [:]
    var signposts: [SessionID: Signpost] = [:]
    var generations: [SessionID: UInt64] = [:]
    /// The inbox here has moved on, at this generation.
    var inboxMoved: UInt64?
    var inboxSignposts: [InboxID: MoveTarget] = [:]

    mutating func record(_ ticket: TicketID, _ source: Source) {
        sources[ticket] = source
        order.append(ticket)
    }

    mutating func record(_ ticket: TicketID, _ target: Target) {
        targets[ticket] = target
        order.append(ticket)
    }

    /// What was activated here by hand has gone to another host, in spite of that.
    mutating func supersede(_ ticket: TicketID, _ target: Int, _ moves: UInt64) {
        sources[ticket] = Source(
            state: .fenced, target: target, moves: moves, digest: [], signposts: [:])
        order.append(ticket)
    }

    mutating func thaw(_ ticket: TicketID) throws {
        guard sources[ticket]?.state == .frozen else { throw Refused() }
        sources[ticket]?.state = .thawed
    }

    /// The commit point.
    mutating func move(_ ticket: TicketID) throws {
        guard let source = sources[ticket], source.state == .frozen else { throw Refused() }
        sources[ticket]?.state = .moved
        for (session, signpost) in source.signposts {
            signposts[session] = signpost
            generations[session] = signpost.target.generation.moves
        }
        guard let inbox = source.inbox else { return }
        inboxSignposts[inbox.id] = MoveTarget(
            endpoints: ["\(source.target)"], key: "",
            generation: Generation(moves: source.moves, starts: 0))
    }

    mutating func consume(
        _ ticket: TicketID, _ state: Target.State, _ sessions: [SessionID: UInt64]
    ) throws {
        guard targets[ticket]?.state == .prepared else { throw Refused() }
        targets[ticket]?.state = state
        for (session, moves) in sessions {
            generations[session] = max(generations[session] ?? 0, moves)
            signposts[session] = nil
        }
    }

    mutating func discard(_ ticket: TicketID) {
        if targets[ticket]?.state == .prepared { targets[ticket]?.state = .discarded }
        images[ticket] = nil
        arrived[ticket] = nil
    }
}

/// A thread that works on a host's disk, one job after the other; each is done or is not.
final class HostDisk {
    typealias Work = (inout HostTables) throws -> Void

    struct Job {
        var work: Work
        var then: (Failure?) -> Void
    }

    var tables = HostTables()
    var jobs = Deque<Job>()
    var isBusy = false
    /// Counts crashes: what an earlier process asked for is for nobody.
    var epoch = 0
    var slowUntil: UInt64 = 0
    var slowBy: UInt64 = 0
    var fullUntil: UInt64 = 0

    /// The process died in the middle of the first job: it is on disk, or it is not.
    func crash(keepsFirst: Bool) {
        if keepsFirst, isBusy, let job = jobs.first {
            var next = tables
            if (try? job.work(&next)) != nil { tables = next }
        }
        epoch += 1
        jobs = []
        isBusy = false
    }
}
