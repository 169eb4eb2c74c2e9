package import FTSLCore
internal import FTSLStore
package import NIOCore

/// Sends messages to one destination with a guarantee, and tells what becomes of each.
///
/// *Exactly once*: through an outbox's file that other processes share; whoever holds the
/// destination's lock delivers for all, the others watch the file. *At least once*: through memory.
package final class LaneSender {
    /// How often a process asks for the lock of a courier that may have gone away.
    private static let lockPause: Duration = .milliseconds(50)
    /// A courier that is done sooner need not know what others submit; letting go of a watch costs
    /// the system longer than that.
    private static let watchPause: Duration = .milliseconds(20)

    package enum Backing {
        case file(Outbox)
        case memory
    }

    package let destination: String
    let backing: Backing
    private let settings: PortClient.Settings
    private let loop: any EventLoop
    private var courier: Courier?
    private var lock: FileLock?
    private var memory: MemoryLaneSource?
    private var alarm: Alarm?
    private var isStarting = false
    private var isWatching = false
    private var isOver = false
    private var watched: (cursor: String, from: LaneSequence)?
    private var follower: ProcessedFollower?
    private var hasEnded = false

    /// Whose messages these are, once known.
    package private(set) var producer: ProducerID?
    private var settledBelow = LaneSequence.first
    /// Outcomes of what is below were another courier's to learn, and only the file knows them.
    private var deliveredFrom = LaneSequence.first
    private(set) var exceptions: [LaneSequence: Resolution] = [:]
    /// What this process waits for.
    private var pending: [ClosedRange<UInt64>] = []

    /// Consecutive messages of this process are accepted, and that is on disk here.
    package var onAccepted: ((ClosedRange<UInt64>) -> Void)?
    /// A message of this process is resolved otherwise, and that is on disk here.
    package var onOutcome: ((LaneSequence, MessageOutcome) -> Void)?
    package var onProcessed: ((MessageFrame.Processed) -> Void)?
    /// So many messages that were delivered here are resolved, so many of them not accepted.
    package var onResolved: ((_ count: UInt64, _ exceptions: Int) -> Void)?
    /// The inbox, or the way to it, is not there at the moment.
    package var onWaiting: ((Failure) -> Void)?
    /// Delivery has ended here: a named error, or nobody can be reached.
    package var onEnded: ((Failure) -> Void)?
    /// The lane has nothing left to deliver.
    package var onDrained: (() -> Void)?

    package init(
        to destination: String, _ backing: Backing, _ settings: PortClient.Settings,
        on loop: any EventLoop
    ) {
        self.destination = destination
        self.backing = backing
        self.settings = settings
        self.loop = loop
        alarm = Alarm(on: loop) { [weak self] in self?.alarmRings() }
    }

    // MARK: Submitting

    /// Puts messages on the lane, all or none, and calls back when they are stored; with *at least
    /// once* that is at once, and in memory.
    package func submit(
        _ messages: [NewMessage],
        _ then: @escaping (Result<(ProducerID, [LaneSequence]), Failure>) -> Void
    ) {
        let change = OutboxChange.submit(
            messages, to: destination, isOffered: courier?.isOpen == true)
        switch backing {
        case .file(let outbox):
            outbox.ask(.change(change)) { [weak self] reply in
                self?.submitted(reply, then)
            }
        case .memory:
            let memory = memory ?? makeMemory()
            submitted(.changed(memory.change(change)), then)
        }
    }

    private func makeMemory() -> MemoryLaneSource {
        var rng = SystemRandomNumberGenerator()
        let made = MemoryLaneSource(.random(using: &rng), destination: destination)
        memory = made
        return made
    }

    /// Messages that wait although the way is open; none while another process delivers.
    package var behind: UInt64 { courier?.behind ?? 0 }

    /// Body bytes that wait in memory; none with a file.
    package var heldBytes: UInt64 { memory?.outbox.byteCount ?? 0 }

    private func submitted(
        _ reply: Outbox.Reply,
        _ then: (Result<(ProducerID, [LaneSequence]), Failure>) -> Void
    ) {
        switch reply {
        case .changed(.submitted(let submitted)):
            let producer = submitted.producer
            if self.producer != producer {
                self.producer = producer
                settledBelow = .first
            }
            then(.success((producer, submitted.sequences)))
            if let courier, courier.lane.producer == producer { courier.submitted(submitted) }
            start()
        case .changed(.refused(let failure)), .failed(let failure): then(.failure(failure))
        default:
            then(.failure(Failure(.local, .internalError, "the outbox answered otherwise")))
        }
    }

    /// Tells the outcome of these messages when it is known.
    package func await(_ sequences: [ClosedRange<UInt64>]) {
        pending.insert(all: sequences)
        // What was settled before somebody asked, only the file still knows.
        if memory == nil { for range in pending.take(below: settledBelow.value) { ask(range) } }
        settle()
    }

    /// How far consumers are is told too, by this cursor or, if empty, by all durable ones.
    /// Dead letters are told from a sequence on.
    package func watchProcessed(by cursor: String, from: LaneSequence = .first) {
        watched = (cursor, from)
        courier?.watch(cursor: cursor, from: from)
        follower?.watch(from: from)
    }

    /// What another courier delivers, its session is told of; ours asks by itself.
    private func followProcessed() {
        guard let watched, let producer, follower == nil, !isOver else { return }
        let wanted = MessageFrame.Watch(
            producer: producer, from: watched.from, cursor: watched.cursor)
        let follower = ProcessedFollower(wanted, settings, on: loop)
        self.follower = follower
        follower.onProcessed = { [weak self] in self?.onProcessed?($0) }
        follower.onEnded = { [weak self] in self?.end($0) }
        follower.start()
    }

    // MARK: Delivering

    /// Begins to deliver, or to watch who does.
    package func start() {
        guard courier == nil, !isStarting, !isOver else { return }
        isStarting = true
        switch backing {
        case .file: becomeCourier()
        case .memory:
            let memory = memory ?? makeMemory()
            guard let lane = memory.outbox.lane(destination) else {
                isStarting = false
                return
            }
            deliver(lane, from: memory, .atLeastOnce)
        }
    }

    private func watch(_ outbox: Outbox) {
        guard !isWatching else { return }
        do {
            try outbox.onChange { [weak self] in self?.look() }
            isWatching = true
        } catch {
            end(Self.failure(error))
        }
    }

    /// Asks for the lock again or, with it, looks for what others submit from now on.
    private func alarmRings() {
        guard courier != nil, case .file(let outbox) = backing, !isOver else {
            return becomeCourier()
        }
        watch(outbox)
        look()
    }

    private func becomeCourier() {
        guard case .file(let outbox) = backing, courier == nil, !isOver else { return }
        do {
            guard let lock = try outbox.becomeCourier(of: destination) else {
                alarm?.set(for: MonotonicClock.now + Self.lockPause)
                watch(outbox)
                followProcessed()
                return look()
            }
            self.lock = lock
        } catch {
            return end(Self.failure(error))
        }
        page(outbox) { [weak self] lane in
            guard let self, !isOver, courier == nil else { return }
            guard let lane else { return foundNothing() }
            deliveredFrom = lane.settledBelow
            learned(lane)
            settle()
            deliver(lane, from: FileLaneSource(outbox, lane), .exactlyOnce)
            alarm?.set(for: MonotonicClock.now + Self.watchPause)
        }
    }

    /// Nothing was ever submitted: the first message begins again, if it has not come meanwhile.
    private func foundNothing() {
        lock = nil
        isStarting = false
        if producer != nil { start() } else { onDrained?() }
    }

    private func deliver(
        _ lane: OutboxLane, from source: any LaneSource, _ mode: DeliveryMode
    ) {
        let courier = Courier(lane, from: source, mode: mode, settings, on: loop)
        self.courier = courier
        producer = lane.producer
        var counted = lane.settledBelow
        courier.onResolved = { [weak self] below, news in
            self?.onResolved?(below.value - min(counted, below).value, news.count)
            counted = max(counted, below)
            self?.resolved(below: below, news)
        }
        courier.onProcessed = { [weak self] in self?.onProcessed?($0) }
        courier.onWaiting = { [weak self] in self?.onWaiting?($0) }
        courier.onEnded = { [weak self] in self?.end($0) }
        courier.clientHooks.onDetached = { [weak self] in self?.onWaiting?($0) }
        if let watched { courier.watch(cursor: watched.cursor, from: watched.from) }
        courier.start()
        if courier.isDrained { onDrained?() }
    }

    func end(_ failure: Failure) {
        guard !isOver, !hasEnded else { return }
        hasEnded = true
        onEnded?(failure)
    }

    private static func failure(_ error: any Error) -> Failure {
        Failure(.local, .localInputOutput, (error as? StoreFailure)?.text ?? "\(error)")
    }

    // MARK: Outcomes

    private func resolved(below: LaneSequence, _ news: [LaneException]) {
        for exception in news { exceptions[exception.sequence] = exception.resolution }
        settledBelow = max(settledBelow, below)
        settle()
        if courier?.isDrained == true { onDrained?() }
    }

    /// Another process has changed the file: it may have submitted, delivered, or cancelled.
    private func look() {
        guard case .file(let outbox) = backing, !isOver else { return }
        page(outbox) { [weak self] lane in
            guard let self, !isOver, let lane else { return }
            learned(lane)
            courier?.submitted(upTo: lane.end)
            settle()
        }
    }

    private func learned(_ lane: OutboxLane) {
        guard producer == nil || producer == lane.producer else { return }
        producer = lane.producer
        // What is delivered here, the courier tells, and with it what was not accepted; the file
        // may be ahead of it.
        if courier == nil { settledBelow = max(settledBelow, lane.settledBelow) }
        if let halted = lane.halted {
            end(Failure(.peer, halted, "the lane to \(destination) is halted"))
        }
    }

    private func page(_ outbox: Outbox, _ then: @escaping (OutboxLane?) -> Void) {
        outbox.ask(
            .page(destination: destination, from: .first, maxMessages: 0, maxBytes: 0)
        ) { [weak self] reply in
            switch reply {
            case .page(let lane, _): then(lane)
            case .failed(let failure): self?.end(failure)
            default: then(nil)
            }
        }
    }

    private func settle() {
        // What another courier delivered, only the file knows.
        let theirs = courier == nil && memory == nil ? settledBelow : deliveredFrom
        for range in pending.take(below: min(theirs, settledBelow).value) { ask(range) }
        for range in pending.take(below: settledBelow.value) { tell(range) }
        exceptions = exceptions.filter { $0.key >= settledBelow }
    }

    // MARK: Ending

    package func retryNow() {
        courier?.retryNow()
        follower?.retryNow()
    }

    /// Ends the session in peace, lets the lock go, and calls back.
    package func finish(_ body: @escaping () -> Void) {
        isOver = true
        alarm?.cancel()
        let finishCourier = { [self] in
            guard let courier else { return release(body) }
            courier.finish { [self] in release(body) }
        }
        guard let follower else { return finishCourier() }
        follower.finish(finishCourier)
    }

    private func release(_ body: () -> Void) {
        // Its session may still be on the stack.
        let bound = NIOLoopBound((courier, follower), eventLoop: loop)
        loop.execute { _ = bound }
        courier = nil
        follower = nil
        lock = nil
        body()
    }
}
