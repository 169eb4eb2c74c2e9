internal import DequeModule
internal import NIOCore

/// What an inbox has answered its senders since it was opened.
package struct InboxCounts: Hashable, Sendable {
    /// Repetitions of an id included.
    package var accepted: UInt64 = 0
    package var rejected: UInt64 = 0

    package init() {}
}

/// The lanes of one inbox: which is the newest of its producer, and what the store was asked for
/// them. [FTSL §7.2]
///
/// Whoever owns it drains `nextRequest` and `takeAwake` after every call of it and of its ports,
/// and brings each answer of the store to `reply`, in the order of asking.
package final class InboxHost {
    package let identity: InboxIdentity
    package let limits: InboxLimits
    private let queue: InboxQueue
    let consumers: ConsumerHost?
    private var newest: [ProducerID: InboxLane] = [:]
    private var questions: [StoreRequestID: (lane: InboxLane, question: InboxLane.Question)] = [:]
    private var memories: [ProducerID: LaneMemory] = [:]
    /// Oldest first; may name producers that are gone.
    private var order = Deque<ProducerID>()
    private var memoryBytes = 0
    package private(set) var counts = InboxCounts()

    package init(
        identity: InboxIdentity, limits: InboxLimits, queue: InboxQueue,
        consumers: ConsumerHost? = nil
    ) {
        self.identity = identity
        self.limits = limits
        self.queue = queue
        self.consumers = consumers
    }

    /// The inbox's end of a session; `owner` is the authenticated identity, `payload` what was
    /// agreed for frames to the peer.
    package func makePort(
        session: SessionID, owner: String, permissions: InboxPermissions,
        payload: Int = Int(Bound.maxPayload)
    ) -> InboxPort {
        InboxPort(
            session: session, owner: owner, permissions: permissions, host: self,
            subscriber: consumers?.makeMember(
                session: session, permissions: permissions, payload: payload))
    }

    // MARK: Drains and inputs

    package func nextRequest() -> (id: StoreRequestID, request: InboxRequest)? {
        queue.nextRequest()
    }

    /// Sessions whose ports have something to send.
    package func takeAwake() -> [SessionID] { queue.takeAwake() }

    /// The store's answer to a request. [FTSL §7.4]
    package func reply(_ id: StoreRequestID, _ reply: InboxReply, now: Instant) {
        if let (lane, question) = questions.removeValue(forKey: id) {
            lane.answered(question, reply, now: now)
        } else {
            // Or of a request whose answer changes nothing, to drop pieces.
            _ = consumers?.reply(id, reply, now: now)
        }
        if case .changed(.progress(_, _, _, let end)) = reply { consumers?.stored(upTo: end) }
    }

    /// Messages were removed: lanes that wait for room look again.
    package func roomFreed(now: Instant) {
        for lane in newest.values where !lane.hasRoom { lane.probe(now: now) }
    }

    /// For delayed deliveries; ports have deadlines of their own.
    package var deadline: Instant { consumers?.deadline ?? .distantFuture }
    package func handleTimeout(now: Instant) { consumers?.handleTimeout(now: now) }

    // MARK: Lanes

    func ask(_ change: InboxChange, _ question: InboxLane.Question, for lane: InboxLane) {
        questions[queue.ask(.change(change))] = (lane, question)
    }

    /// Pieces of a message that begins anew, or never will.
    func dropPieces(of sequence: LaneSequence, from producer: ProducerID) {
        _ = queue.ask(.change(.dropPieces(producer, sequence)))
    }

    func wake(_ session: SessionID) { queue.wake(session) }

    /// A newer lane of a producer takes over at once: what the older one still brings is refused,
    /// and what it asked of the store before is answered before this one's LANE.
    func opened(_ lane: InboxLane) {
        if let older = newest.updateValue(lane, forKey: lane.producer), older !== lane {
            older.leave(for: .laneSuperseded)
        }
    }

    func closed(_ lane: InboxLane) {
        if newest[lane.producer] === lane { newest[lane.producer] = nil }
    }

    /// Lanes that are open now.
    package var laneCount: Int { newest.count }

    /// A lane has got from one place to another, but for what was passed over.
    func passed(from: LaneSequence, to next: LaneSequence, _ exceptions: [LaneException]) {
        guard next > from else { return }
        let news = exceptions.filter { $0.sequence >= from }
        for case .rejected in news.map(\.resolution) { counts.rejected += 1 }
        counts.accepted += next.value - from.value - UInt64(news.count)
    }

    // MARK: Memories

    func memory(of producer: ProducerID) -> LaneMemory? { memories[producer] }

    /// Keeps what a lane leaves behind; what was kept longest makes room.
    func remember(_ memory: LaneMemory?, of producer: ProducerID) {
        let before = memories.removeValue(forKey: producer)
        memoryBytes -= before?.byteCount ?? 0
        guard var memory else { return }
        if memoryBytes + memory.byteCount > Bound.laneMemoryBytes, memory.byteCount > 0 {
            memory.body = nil
        }
        memories[producer] = memory
        memoryBytes += memory.byteCount
        if before == nil { order.append(producer) }
        trim()
    }

    private func trim() {
        while memories.count > Bound.laneMemories || order.count > 2 * Bound.laneMemories,
            let oldest = order.popFirst()
        {
            guard let memory = memories.removeValue(forKey: oldest) else { continue }
            memoryBytes -= memory.byteCount
            if let body = memory.body, body.keptBytes > 0 {
                dropPieces(of: body.sequence, from: oldest)
            }
        }
    }
}

/// What the next lane of a producer can use of the last one; lost with the process.
struct LaneMemory {
    /// Of a lane that is not durable: where it stands.
    var cursor: ProducerCursor?
    /// A message that was begun.
    var body: IncomingBody?

    var byteCount: Int { body?.bytes.readableBytes ?? 0 }
}
