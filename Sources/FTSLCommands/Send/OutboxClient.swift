internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// `ftsl send` without messages of its own: `--flush`, `--keep`, `--wait-for` and `--cancel`.
final class OutboxClient {
    /// How often the lanes are looked at while others work on them.
    private static let look: TimeAmount = .milliseconds(200)
    /// Before a destination that gave a named error is tried again.
    private static let pause: TimeAmount = .seconds(5)

    private let options: SendOptions
    private let global: GlobalOptions
    private let log: Log
    private let loop: any EventLoop
    private let outbox: Outbox
    private let inspection: OutboxInspection
    private var messengers: [String: LaneSender] = [:]
    /// Why a destination is not delivered to.
    private var failures: [String: Failure] = [:]
    private var signals: SignalWatcher?
    private var isOver = false

    init(_ options: SendOptions, _ global: GlobalOptions, _ log: Log, on loop: any EventLoop) throws
    {
        self.options = options
        self.global = global
        self.log = log
        self.loop = loop
        outbox = try OutboxFile.open(options, on: loop)
        inspection = try OutboxInspection(options.outboxPath)
    }

    func start() throws {
        let bound = NIOLoopBound(self, eventLoop: loop)
        signals = SignalWatcher([SIGINT, SIGTERM, SIGHUP, SIGUSR1], on: loop) {
            bound.value.received(signal: $0)
        }
        if let limit = options.timeout {
            loop.scheduleTask(in: .nanoseconds(Int64(limit.duration.wholeNanoseconds))) {
                bound.value.timeIsUp()
            }
        }
        if let id = options.waitFor { return try waitFor(place(id), id) }
        if let id = options.cancel { return try cancel(place(id), id) }
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.look) { _ in
            bound.value.flush()
        }
    }

    private func place(_ id: String) throws -> OutboxInspection.Place {
        guard let place = try MessageLookup(options.outboxPath).place(of: id) else {
            throw Ending(.noInput, "\(options.outboxPath) has no message \(id)")
        }
        guard place.outcome != nil else {
            throw Ending(
                .noInput,
                "the lane to \(place.destination) was begun anew since message \(id) was sent: it "
                    + "has another name there")
        }
        return place
    }

    private func messenger(to destination: String) throws -> LaneSender {
        let endpoints = try EndpointArgument.list(destination)
        let security = try ConnectSecurity(options.trust, endpoints, log: log)
        let settings = PortClient.Settings(
            endpoints: endpoints, configuration: InitiatorConfiguration(),
            security: security.security, isPatient: options.keep || options.timeout != nil)
        let messenger = LaneSender(to: destination, .file(outbox), settings, on: loop)
        messenger.onWaiting = { [unowned self] in log.info("\(destination): \($0.text); waiting") }
        messenger.onEnded = { [unowned self] in ended(destination, $0) }
        messengers[destination] = messenger
        return messenger
    }

    // MARK: Flushing

    /// Begins to deliver where something waits, and ends when nothing does.
    private func flush() {
        guard !isOver else { return }
        do {
            let lanes = try inspection.lanes().filter {
                options.endpoint == nil || $0.lane.destination == options.endpoint
            }
            for row in lanes where row.queued > 0 && messengers[row.lane.destination] == nil {
                try messenger(to: row.lane.destination).start()
            }
            guard !options.keep else { return }
            let waiting = lanes.filter { $0.queued > 0 }
            guard waiting.allSatisfy({ failures[$0.lane.destination] != nil }) else { return }
            guard let first = waiting.first, let failure = failures[first.lane.destination] else {
                return conclude(.success)
            }
            conclude(
                undelivered(waiting.reduce(0) { $0 + $1.queued }, first.lane.destination, failure))
        } catch {
            conclude(StoreFailure.ending(of: error))
        }
    }

    private func undelivered(
        _ count: UInt64, _ destination: String, _ failure: Failure
    ) -> Ending {
        Ending(
            failure.code.mayPass ? .storedNotDelivered : failure.code.exitStatus,
            "\(destination): \(failure.text); not delivered yet, but safe in \(outbox.path): "
                + Numbers.count(count, "message"), code: failure.code)
    }

    private func ended(_ destination: String, _ failure: Failure) {
        guard !isOver else { return }
        let isNews = failures.updateValue(failure, forKey: destination)?.text != failure.text
        if options.keep {
            if isNews { log.error("\(destination): \(failure.text)") }
            // Others may deliver, and the user may have put right what it was.
            messengers[destination]?.finish {}
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: Self.pause) { bound.value.messengers[destination] = nil }
        } else if let id = options.cancel, failure.code.mayPass {
            conclude(undecided(id, failure.text, failure.code))
        } else if !options.flush {
            conclude(undelivered(1, destination, failure))
        }
    }

    // MARK: One message

    private func waitFor(_ place: OutboxInspection.Place, _ id: String) throws {
        if let outcome = place.outcome, outcome.isFinal {
            return conclude(told(id, MessageState(outcome)))
        }
        let messenger = try messenger(to: place.destination)
        messenger.onAccepted = { [unowned self] range in
            guard range.contains(place.sequence.value) else { return }
            conclude(told(id, .accepted))
        }
        messenger.onOutcome = { [unowned self] sequence, outcome in
            guard sequence == place.sequence else { return }
            conclude(told(id, MessageState(outcome)))
        }
        messenger.await([place.sequence.value...place.sequence.value])
        messenger.start()
    }

    private func cancel(_ place: OutboxInspection.Place, _ id: String) throws {
        let change = OutboxChange.cancel(place.sequence, destination: place.destination)
        outbox.ask(.change(change)) { [self] reply in
            switch reply {
            case .changed(.done):
                do {
                    try waitFor(place, id)
                } catch {
                    conclude(StoreFailure.ending(of: error))
                }
            case .changed(.known(let outcome)): conclude(told(id, MessageState(outcome)))
            case .changed(.refused(let failure)), .failed(let failure):
                conclude(Ending(failure.code.exitStatus, failure.text, code: failure.code))
            default: conclude(Ending(.internalError, "the outbox answered otherwise"))
            }
        }
    }

    /// It may have left, and its inbox cannot be asked.
    private func undecided(_ id: String, _ reason: String, _ code: FailureCode) -> Ending {
        Ending(
            .storedNotDelivered,
            "\(reason), and message \(id) was on its way before: once its inbox answers, it is "
                + "cancelled unless it is there already", code: code)
    }

    /// Says what became of the message, and whether that is what was asked for.
    private func told(_ id: String, _ state: MessageState) -> Ending {
        if options.json { RawOutput.write(JSONValue.object(state.object(id: id)).line, to: 1) }
        if options.cancel != nil {
            return state == .cancelled
                ? .success : Ending(.rejected, "too late to cancel \(id): it is \(state.text)")
        }
        return state.isBad
            ? Ending(.rejected, "message \(id) is \(state.text)", code: state.code) : .success
    }

    // MARK: The end

    private func timeIsUp() {
        guard !isOver else { return }
        if let id = options.cancel { return conclude(undecided(id, "the time is up", .timedOut)) }
        conclude(
            Ending(
                .storedNotDelivered,
                "the time is up; what waits is safe in \(outbox.path) and not delivered yet",
                code: .timedOut))
    }

    private func received(signal number: Int32) {
        switch number {
        case SIGHUP: for messenger in messengers.values { messenger.retryNow() }
        case SIGUSR1: log.notice("\(messengers.count) destinations, \(failures.count) failed")
        default:
            guard !isOver else { end(Ending(status: ExitStatus.signal(number))) }
            conclude(Ending(status: ExitStatus.signal(number)))
        }
    }

    private func conclude(_ ending: Ending) {
        guard !isOver else { return }
        isOver = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        // The farewell is a courtesy.
        loop.scheduleTask(in: .seconds(1)) { bound.value.end(ending) }
        // Not now: a messenger may still be on the stack.
        loop.execute { bound.value.farewell(ending) }
    }

    private func farewell(_ ending: Ending) {
        guard let (destination, messenger) = messengers.first else { end(ending) }
        messenger.finish { [self] in
            messengers[destination] = nil
            farewell(ending)
        }
    }

    private func end(_ ending: Ending) -> Never { ProcessEnd.with(ending, log) }
}
