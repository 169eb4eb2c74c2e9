internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// Whoever dials: a client, a sender, or a host that has something to say to another.
final class Dialer: Process {
    let core: Initiator
    /// Where it is; hosts first, then clients, then senders.
    let place: Int
    let endpoints: [Int]
    let shape: LinkShape
    var links: [Link] = []
    /// Its process is gone, or nobody listens to it any more.
    var isGone = false
    var isPumping = false
    var onOpened: ((Session) -> Void)?
    var onEvent: ((SessionEvent) -> Void)?
    var onAttached: ((Bool) -> Void)?
    var onDetached: (() -> Void)?
    var onEnded: ((Outcome?, Failure?) -> Void)?
    /// Drains what rides on the session; true when there was anything.
    var drainPort: (() -> Bool)?

    init(number: Int, core: Initiator, place: Int, endpoints: [Int], shape: LinkShape) {
        self.core = core
        self.place = place
        self.endpoints = endpoints
        self.shape = shape
        super.init(role: .initiator, client: number)
    }

    /// The host at an endpoint of the core; what hosts have named is their number.
    func host(at endpoint: Int) -> Int {
        if endpoints.indices.contains(endpoint) { return endpoints[endpoint] }
        return core.learnedEndpoint(endpoint).flatMap { Int($0.endpoint) } ?? 0
    }
}

/// A host: what its process knows, and what it has on disk.
final class MovingHost: Process {
    let index: Int
    var core: Acceptor
    let disk = HostDisk()
    var inbox: FakeDisk<InboxTables>
    /// Nil while no inbox is served here.
    var lanes: InboxHost?
    /// Nothing is committed any more to the inbox that is here.
    var holdsInbox = false
    /// Counts processes.
    var life = 0
    var isUp = true
    var isPumping = false
    var links: [Link] = []
    var ports: [SessionID: InboxPort] = [:]
    var services: [SessionID: Application] = [:]
    var talks: [SessionID: Talk] = [:]
    var dialers: [Dialer] = []
    var departure: Departing?
    var arrivals: [TicketID: Arriving] = [:]
    var questions: [TicketID: Question] = [:]
    /// Tickets of this host as source, as they are on disk.
    var decided: [TicketID: HostTables.Source] = [:]
    /// Tickets that an earlier process has used up, with the generation that they brought.
    var consumed: [TicketID: UInt64] = [:]
    /// Steps with tickets, for faults.
    var steps = 0

    init(index: Int, core: Acceptor, inbox: InboxTables) {
        self.index = index
        self.core = core
        self.inbox = FakeDisk(inbox)
        super.init(role: .acceptor, client: index)
    }

    func link(_ id: ConnectionID) -> Link? { links.first { $0.acceptorID == id } }

    var isMoving: Bool {
        departure != nil || decided.values.contains { $0.state == .frozen }
    }

    /// The newest generation of a ticket that came to nothing here.
    var usedMoves: UInt64 {
        decided.values.filter { $0.state == .thawed }.map(\.moves).max() ?? 0
    }

    /// The newest generation that came here.
    var arrivedMoves: UInt64 {
        let now = arrivals.values.filter { $0.machine.state == .active }.map(\.moves)
        return max(now.max() ?? 0, consumed.values.max() ?? 0)
    }
}

/// One end of the talk of two hosts, on the main stream of a session.
final class Talk {
    let session: Session
    private var input = ByteBuffer()
    private var queue = Deque<ByteBuffer>()
    private var isOver = false
    var isAttached = true
    /// The session has something to send.
    private let touch: () -> Void
    private let clock: () -> Instant
    var onMessage: ((MigrationMessage) -> Void)?
    var onEnded: (() -> Void)?
    var onDetached: (() -> Void)?

    init(_ session: Session, clock: @escaping () -> Instant, touch: @escaping () -> Void) {
        self.session = session
        self.clock = clock
        self.touch = touch
    }

    func send(_ message: MigrationMessage) {
        guard !isOver else { return }
        queue.append(contentsOf: message.encoded())
        flush()
    }

    private func flush() {
        while let next = queue.first, session.room(on: .main) > 0 {
            queue.removeFirst()
            session.write(next, to: .main)
        }
        touch()
    }

    func finish() {
        guard !isOver else { return }
        isOver = true
        while let next = queue.popFirst() { session.write(next, to: .main) }
        session.finish(.main)
        touch()
    }

    func handle(_ event: SessionEvent) throws(Failure) {
        switch event {
        case .data(_, let bytes):
            input.writeImmutableBuffer(bytes)
            session.took(bytes.readableBytes, from: .main, now: clock())
            while let message = try MigrationMessage.next(from: &input) { onMessage?(message) }
            input.discardReadBytes()
        case .finished(let channel):
            session.tookEnd(channel)
            finish()
        case .room: flush()
        case .settled: ended()
        case .stopped, .exited, .terminal, .detach, .over: break
        }
    }

    func ended() {
        isOver = true
        let tell = onEnded
        forget()
        tell?()
    }

    func forget() {
        onEnded = nil
        onMessage = nil
        onDetached = nil
    }
}

/// A client with its program, and what it has met.
final class StreamClient {
    let index: Int
    let dialer: Dialer
    var application: Application?
    /// The programs at the other end, one after the other.
    var services: [Application] = []
    var session: SessionID?
    var ending: (outcome: Outcome?, failure: Failure?)?
    /// The newest host that it obeyed.
    var proven: HostIdentity?
    /// The most that each reader ever took, its end included.
    var taken: [Direction: [UInt64]] = [:]

    init(index: Int, dialer: Dialer) {
        self.index = index
        self.dialer = dialer
    }
}

/// A sender of messages with its outbox.
final class Sender {
    let index: Int
    let outbox: FakeDisk<OutboxTables>
    var courier: ProducerPort?
    var dialer: Dialer?
    var backoff = Backoff()
    var stopped: Failure?
    var unsubmitted: Int

    init(index: Int, outbox: OutboxTables, unsubmitted: Int) {
        self.index = index
        self.outbox = FakeDisk(outbox)
        self.unsubmitted = unsubmitted
    }

    var isDrained: Bool {
        guard unsubmitted == 0 else { return false }
        return outbox.tables.lane.map { $0.settledBelow == $0.end } ?? true
    }
}
