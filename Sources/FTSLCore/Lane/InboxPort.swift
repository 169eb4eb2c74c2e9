/// The inbox's end of a session: at most one lane and at most one subscription. [FTSL §7.2]
package final class InboxPort: MessagePort {
    package let session: SessionID
    let owner: String
    let permissions: InboxPermissions
    private let host: InboxHost
    private let subscriber: ConsumerMember?
    private var lane: InboxLane?
    private var watch: ProcessedWatch?
    /// Refusals of lanes that never were; at most one for each LANE, and one LANE is answered at a
    /// time.
    private var refusal: Failure?
    private var watchRefusal: Failure?

    init(
        session: SessionID, owner: String, permissions: InboxPermissions, host: InboxHost,
        subscriber: ConsumerMember?
    ) {
        self.session = session
        self.owner = owner
        self.permissions = permissions
        self.host = host
        self.subscriber = subscriber
    }

    package func attached(now: Instant) { subscriber?.attached(now: now) }

    package func detached(now: Instant) {
        leaveLane()
        refusal = nil
        watchRefusal = nil
        subscriber?.detached(now: now)
    }

    /// The session is over.
    package func ended(now: Instant) {
        leaveLane()
        subscriber?.ended()
    }

    private func leaveLane() {
        lane?.leave(for: nil)
        lane = nil
        watch?.ended()
        watch = nil
    }

    // MARK: Frames

    package func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        switch frame {
        case .message(let fragment):
            if let lane { return try lane.receive(fragment) }
        case .skip(let sequence, let reason, let chain):
            if let lane { return try lane.skip(sequence, reason, chain) }
        case .recorded(let below):
            if let lane { return lane.recorded(below: below) }
        case .lane(let lane): return try open(lane)
        case .watch(let wanted): return watch(wanted)
        case .subscribe, .grant, .settle, .return:
            if let subscriber { return try subscriber.receive(frame, now: now) }
        case .ready, .accepted, .processed, .subscribed, .delivery, .settled, .caughtUp, .refused:
            break
        }
        throw .violation(.unexpectedFrame, "a \(frame.kind) that may not come here")
    }

    private func open(_ frame: MessageFrame.Lane) throws(Failure) {
        guard lane?.isClosed != false, refusal == nil else {
            throw .violation(.unexpectedFrame, "a second LANE")
        }
        leaveLane()
        if let failure = objection(to: frame) {
            refusal = failure
            return
        }
        lane = InboxLane(frame, port: self, host: host)
    }

    /// A lane's own messages, or those of a lane that another session has. [FTSL §7.7]
    private func watch(_ wanted: MessageFrame.Watch) {
        guard permissions.send != nil else {
            watchRefusal = Failure(
                .peer, .authorityRefused, "\(owner) may not send messages here")
            return
        }
        if watch == nil { watch = host.consumers?.makeWatch(session: session) }
        let isOwn = lane?.producer == wanted.producer && lane?.phase == .open
        watch?.watch(wanted, owner: isOwn ? nil : owner)
    }

    /// What a lane is refused for before the store is asked. [FTSL §7.3]
    private func objection(to frame: MessageFrame.Lane) -> Failure? {
        if permissions.send == nil {
            return Failure(.peer, .authorityRefused, "\(owner) may not send messages here")
        }
        if let expected = frame.inbox, expected != host.identity.id {
            return Failure(.peer, .inboxChanged, "this is the inbox \(host.identity.id)")
        }
        if host.identity.generation.moves < frame.generation.moves {
            return Failure(.peer, .staleGeneration, "the sender met a newer one of this inbox")
        }
        return nil
    }

    package func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        let end = writer.byteCount + limit
        if let refusal {
            writer.write(.refused(.lane, refusal.code, text: refusal.text))
            self.refusal = nil
        }
        if let watchRefusal {
            writer.write(.refused(.watch, watchRefusal.code, text: watchRefusal.text))
            self.watchRefusal = nil
        }
        lane?.transmit(into: &writer)
        watch?.transmit(into: &writer)
        if let subscriber, writer.byteCount < end {
            subscriber.transmit(into: &writer, limit: end - writer.byteCount, now: now)
        }
    }

    // MARK: Time

    package var deadline: Instant {
        min(lane?.deadline ?? .distantFuture, subscriber?.deadline ?? .distantFuture)
    }

    package func handleTimeout(now: Instant) {
        if let lane, lane.deadline <= now { lane.probe(now: now) }
        if let subscriber, subscriber.deadline <= now { subscriber.handleTimeout(now: now) }
    }
}
