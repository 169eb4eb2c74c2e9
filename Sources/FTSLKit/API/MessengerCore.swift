internal import DequeModule
internal import FTSLCore
internal import NIOCore

/// What became of one message, for those who hold its receipt; used on the messenger's loop.
final class Fate: @unchecked Sendable {
    let sequence: LaneSequence
    var outcome: Receipt.Outcome?
    var waiters: [Waiter<Receipt.Outcome>] = []
    var isWatched = false

    init(_ sequence: LaneSequence) { self.sequence = sequence }
}

/// The part of a `Messenger` that lives on its event loop.
final class MessengerCore {
    typealias Stored = (ProducerID, Fate)

    /// What may wait for the outbox's disk, or in memory for the inbox.
    private static let storing = 256
    private static let unresolved = 4_096
    private static let bytes: UInt64 = 8 << 20

    private struct Submission {
        var message: NewMessage
        var waiter: Waiter<Stored>
    }

    private let lane: LaneSender
    private let outbox: Outbox?
    private let loop: any EventLoop
    private let telemetry: MessengerTelemetry
    private var waiting = Deque<Submission>()
    private var storing = 0
    private var storingBytes: UInt64 = 0
    private var isFilling = false
    private var fates: [LaneSequence: [Fate]] = [:]
    /// Delivery has ended here, or all has.
    private var failure: FTSLError?
    private var isClosed = false
    private var onClosed: [() -> Void]? = []

    init(
        to destination: String, _ outbox: Outbox?, _ settings: PortClient.Settings,
        _ telemetry: MessengerTelemetry, on loop: any EventLoop
    ) {
        self.outbox = outbox
        self.telemetry = telemetry
        self.loop = loop
        lane = LaneSender(
            to: destination, outbox.map { .file($0) } ?? .memory, settings, on: loop)
        lane.onAccepted = { [weak self] in
            guard let self else { return }
            for value in $0 { resolved(LaneSequence(value), .accepted) }
            fill()
        }
        lane.onOutcome = { [weak self] in
            guard let self else { return }
            resolved($0, $1)
            fill()
        }
        lane.onResolved = { [telemetry] in telemetry.resolved($0, $1) }
        lane.onWaiting = { [telemetry] in telemetry.waits($0) }
        lane.onEnded = { [weak self] in self?.fail(FTSLError($0)) }
        // What is in the file from before goes first.
        if outbox != nil { lane.start() }
    }

    // MARK: Storing

    func submit(_ message: NewMessage, _ waiter: Waiter<Stored>) {
        if let refusal { return waiter.fail(refusal) }
        waiter.onCancelled = { [weak self, unowned waiter] in
            guard let self else { return }
            waiting.removeAll { $0.waiter === waiter }
        }
        waiting.append(Submission(message: message, waiter: waiter))
        fill()
    }

    /// A file takes messages for somebody else to deliver; memory does not.
    private var refusal: FTSLError? { isClosed || outbox == nil ? failure : nil }

    private var hasRoom: Bool {
        let isFew = outbox != nil ? storing < Self.storing : fates.count < Self.unresolved
        return isFew && storingBytes + lane.heldBytes < Self.bytes
    }

    private func fill() {
        guard !isFilling else { return }
        isFilling = true
        while hasRoom, refusal == nil, let next = waiting.popFirst() { store(next) }
        isFilling = false
    }

    private func store(_ next: Submission) {
        next.waiter.isCommitted = true
        let count = next.message.digest.count
        storing += 1
        storingBytes += count
        lane.submit([next.message]) { [self] result in
            storing -= 1
            storingBytes -= count
            switch result {
            case .success((let producer, let sequences)):
                telemetry.submitted()
                let fate = Fate(sequences[0])
                // Memory forgets: its outcomes are watched from the start.
                if outbox == nil { watch(fate) }
                next.waiter.resume(.success((producer, fate)))
            case .failure(let failure): next.waiter.fail(FTSLError(failure))
            }
            fill()
        }
    }

    // MARK: Outcomes

    func watch(_ fate: Fate, _ waiter: Waiter<Receipt.Outcome>) {
        if let outcome = fate.outcome { return waiter.resume(.success(outcome)) }
        if let failure { return waiter.fail(failure) }
        waiter.onCancelled = { [unowned fate, unowned waiter] in
            fate.waiters.removeAll { $0 === waiter }
        }
        fate.waiters.append(waiter)
        watch(fate)
    }

    private func watch(_ fate: Fate) {
        guard !fate.isWatched else { return }
        fate.isWatched = true
        let isFirst = fates[fate.sequence] == nil
        fates[fate.sequence, default: []].append(fate)
        guard isFirst else { return }
        lane.await([fate.sequence.value...fate.sequence.value])
    }

    private func resolved(_ sequence: LaneSequence, _ outcome: MessageOutcome) {
        guard let watched = fates.removeValue(forKey: sequence) else { return }
        guard let outcome = Receipt.Outcome(outcome) else {
            let text = "the outbox no longer knows message \(sequence.value)"
            for fate in watched { fate.fail(FTSLError(.unknownOutcome, text)) }
            return
        }
        for fate in watched {
            fate.outcome = outcome
            for waiter in fate.waiters { waiter.resume(.success(outcome)) }
            fate.waiters = []
        }
    }

    private func fail(_ error: FTSLError) {
        guard failure == nil else { return }
        failure = error
        telemetry.ended(error)
        for fate in fates.values.joined() { fate.fail(error) }
        guard refusal != nil else { return }
        for submission in waiting { submission.waiter.fail(error) }
        waiting = []
    }

    // MARK: Ending

    func close(_ body: @escaping () -> Void) {
        guard onClosed != nil else { return body() }
        onClosed?.append(body)
        guard !isClosed else { return }
        isClosed = true
        let error = FTSLError(.shuttingDown, "the messenger is closed")
        failure = failure ?? error
        for fate in fates.values.joined() { fate.fail(error) }
        fates = [:]
        for submission in waiting { submission.waiter.fail(error) }
        waiting = []
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        // The session is still on the stack when it says that it has ended.
        lane.finish { loop.execute { bound.value.letGoOfFile() } }
    }

    private func letGoOfFile() {
        guard let outbox else { return closed() }
        outbox.close { [self] in closed() }
    }

    private func closed() {
        let bodies = onClosed ?? []
        onClosed = nil
        for body in bodies { body() }
    }
}

extension Fate {
    fileprivate func fail(_ error: FTSLError) {
        for waiter in waiters { waiter.fail(error) }
        waiters = []
        isWatched = false
    }
}
