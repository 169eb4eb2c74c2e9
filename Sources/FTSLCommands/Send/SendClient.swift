internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// `ftsl send` with messages: reads, stores, delivers, and tells what became of each.
final class SendClient {
    /// Batches that may wait for the disk at a time.
    private static let batches = 32
    /// Storing runs ahead of sending by so many messages: what was just written need not be read
    /// back, and its rows are used again.
    private static let lead: UInt64 = 1_024
    /// Longer than this no step of the input waits for the network.
    private static let patience: TimeAmount = .milliseconds(5)
    /// What *at least once* may hold in memory.
    private static let heldBytes: UInt64 = 8 << 20

    let options: SendOptions
    let global: GlobalOptions
    let log: Log
    let loop: any EventLoop
    private let destination: String
    private let endpoints: [Endpoint]
    private let security: ConnectSecurity
    private let outbox: Outbox?
    private var bodies: OutgoingBodies
    var reader: MessageReader?
    var signals: SignalWatcher?
    var messenger: LaneSender?
    var bestEffort: BestEffortSender?
    var sent: SentMessages
    private var inFlight = 0
    private var isReading = false
    /// Ends the wait of the input for what is being sent.
    private var pause: Scheduled<Void>?
    /// Set once the input has ended, well or badly.
    var inputEnd: Ending??
    var interruptedBy: Int32?
    /// What was said last about a destination that cannot be reached; once is enough.
    private var complaint: String?
    var isOver = false

    init(_ options: SendOptions, _ global: GlobalOptions, _ log: Log, on loop: any EventLoop) throws
    {
        self.options = options
        self.global = global
        self.log = log
        self.loop = loop
        destination = options.endpoint ?? ""
        endpoints = try EndpointArgument.list(destination)
        security = try ConnectSecurity(options.trust, endpoints, log: log)
        let isDurable = options.delivery == .exactlyOnce
        outbox = isDurable ? try OutboxFile.open(options, on: loop) : nil
        bodies = OutgoingBodies(
            outbox: isDurable ? options.outboxPath : nil, ttl: options.ttl?.duration)
        sent = SentMessages(awaitsProcessing: options.wait == .processed)
    }

    // MARK: The beginning

    func start() throws {
        let source = try input()
        let bound = NIOLoopBound(self, eventLoop: loop)
        signals = SignalWatcher([SIGINT, SIGTERM, SIGHUP, SIGUSR1], on: loop) {
            bound.value.received(signal: $0)
        }
        if let limit = options.timeout {
            loop.scheduleTask(in: .nanoseconds(Int64(limit.duration.wholeNanoseconds))) {
                bound.value.timeIsUp()
            }
        }
        let reader = MessageReader(source, options.framing, options.rules)
        self.reader = reader
        reader.onEvents = { [unowned self] in
            isReading = false
            read($0)
        }
        reader.onEnd = { [unowned self] in
            isReading = false
            inputEnded($0)
        }
        deliver()
        if bestEffort == nil { readOn() }
    }

    private func input() throws -> any ByteSource {
        if let message = options.message { return TextSource(message) }
        guard let path = options.file, path != "-" else {
            return DescriptorSource(descriptor: 0, on: loop)
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno)).lowercased()
            throw Ending(.noInput, "cannot read \(path): \(reason)")
        }
        return DescriptorSource(descriptor: descriptor, on: loop)
    }

    private var settings: PortClient.Settings {
        PortClient.Settings(
            endpoints: endpoints, configuration: InitiatorConfiguration(),
            security: security.security, isPatient: options.timeout != nil)
    }

    private func deliver() {
        guard options.delivery != .atMostOnce else {
            let sender = BestEffortSender(settings, on: loop)
            bestEffort = sender
            sender.onReady = { [unowned self] in readOn() }
            sender.onDrained = { [unowned self] in
                readOn()
                finishIfDone()
            }
            sender.onEnded = { [unowned self] in deliveryEnded($0) }
            return sender.start()
        }
        let messenger = LaneSender(
            to: destination, outbox.map { .file($0) } ?? .memory, settings, on: loop)
        self.messenger = messenger
        messenger.onAccepted = { [unowned self] in accepted($0) }
        messenger.onOutcome = { [unowned self] in resolved($0, $1) }
        messenger.onProcessed = { [unowned self] in processed($0) }
        messenger.onWaiting = { [unowned self] in log.info("\(destination): \($0.text); waiting") }
        messenger.onEnded = { [unowned self] in deliveryEnded($0) }
        if options.wait == .processed { messenger.watchProcessed(by: options.processedBy ?? "") }
    }

    // MARK: Reading and storing

    private func readOn() {
        let hasRoom =
            bestEffort?.isDrained
            ?? (inFlight < Self.batches
                && messenger?.heldBytes ?? 0 < Self.heldBytes)
        guard !isReading, inputEnd == nil, hasRoom else { return }
        guard messenger?.behind ?? 0 > Self.lead else { return demand() }
        let bound = NIOLoopBound(self, eventLoop: loop)
        pause = pause ?? loop.scheduleTask(in: Self.patience) { bound.value.demand() }
    }

    private func demand() {
        pause?.cancel()
        pause = nil
        guard !isReading, inputEnd == nil else { return }
        isReading = true
        reader?.demand()
    }

    private func read(_ events: [ReadEvent]) {
        var wholes: [OutgoingBodies.Whole] = []
        do {
            for event in events {
                if let whole = try bodies.take(event, now: WallClock.milliseconds) {
                    wholes.append(whole)
                }
            }
        } catch {
            end(StoreFailure.ending(of: error))
        }
        if !wholes.isEmpty { submit(wholes) }
        readOn()
    }

    private func submit(_ wholes: [OutgoingBodies.Whole]) {
        let messages = wholes.map(\.message)
        if let bestEffort {
            bestEffort.offer(messages)
            return
        }
        inFlight += 1
        messenger?.submit(messages) { [self] result in
            inFlight -= 1
            switch result {
            case .success((let producer, let sequences)):
                stored(wholes, producer, sequences)
                readOn()
                finishIfDone()
            case .failure(let failure):
                conclude(Ending(failure.code.exitStatus, failure.text, code: failure.code))
            }
        }
    }

    private func stored(
        _ wholes: [OutgoingBodies.Whole], _ producer: ProducerID, _ sequences: [LaneSequence]
    ) {
        let ranges = sent.stored(producer, sequences, ids: wholes.map(\.message.envelope.id))
        var lines = ""
        if options.printId || options.json && options.wait == .stored {
            for sequence in sequences {
                let name = sent.name(of: sequence.value)
                if options.printId { lines += name + "\n" }
                if options.json, options.wait == .stored {
                    lines += JSONValue.object(MessageState.queued.object(id: name)).line
                }
            }
        }
        for whole in wholes where whole.kept != nil {
            do {
                try whole.kept?.release()
            } catch {
                // It stays in the file until a courier begins anew.
                log.info("cannot let go of a body: \(error)")
            }
        }
        print(lines)
        if options.wait != .stored { messenger?.await(ranges) }
    }

    private func print(_ lines: String) {
        guard !lines.isEmpty, !RawOutput.write(lines, to: 1) else { return }
        conclude(Ending(.brokenPipe))
    }

    func inputEnded(_ ending: Ending?) {
        inputEnd = .some(ending)
        do {
            try bodies.abandon()
        } catch {
            log.info("cannot let go of a body: \(error)")
        }
        finishIfDone()
    }

    // MARK: Outcomes

    private func accepted(_ range: ClosedRange<UInt64>) {
        if options.json {
            let lines = range.map {
                JSONValue.object(MessageState.accepted.object(id: sent.name(of: $0))).line
            }
            print(lines.joined())
        }
        sent.accepted(range)
        tellProcessed()
        readOn()
        finishIfDone()
    }

    private func processed(_ news: MessageFrame.Processed) {
        sent.processed(news)
        tellProcessed()
        if let from = sent.deadLettersMissing {
            messenger?.watchProcessed(by: options.processedBy ?? "", from: from)
        }
        finishIfDone()
    }

    private func tellProcessed() {
        for (name, state) in sent.takeProcessed() {
            if options.json { print(JSONValue.object(state.object(id: name)).line) }
            if state.isBad { failed(name, state) }
        }
    }

    /// Alone, it is what the end is about.
    private func failed(_ name: String, _ state: MessageState) {
        if sent.count > 1 || inputEnd == nil { log.notice("message \(name) is \(state.text)") }
    }

    private func resolved(_ sequence: LaneSequence, _ outcome: MessageOutcome) {
        complaint = nil
        guard let (name, state) = sent.resolved(sequence, outcome) else { return }
        if options.json { print(JSONValue.object(state.object(id: name)).line) }
        if state.isBad { failed(name, state) }
        tellProcessed()
        readOn()
        finishIfDone()
    }

    func finishIfDone() {
        guard let inputEnd, inFlight == 0, !isOver else { return }
        if let bestEffort {
            guard bestEffort.isDrained else { return }
            return conclude(inputEnd ?? dropped(bestEffort.counts))
        }
        guard options.wait == .stored || sent.isComplete else { return }
        if let interruptedBy {
            return conclude(Ending(status: ExitStatus.signal(interruptedBy)))
        }
        conclude(inputEnd ?? sent.ending)
    }

    private func dropped(_ counts: BestEffortPort.Counts) -> Ending {
        let lost = counts.dropped + counts.rejected
        guard lost > 0 else { return .success }
        return Ending(
            .incomplete, "\(counts.accepted) messages were accepted, \(lost) were dropped",
            code: .truncated)
    }

    /// Nobody delivers here any more; what is stored stays.
    private func deliveryEnded(_ failure: Failure) {
        guard !isOver else { return }
        if failure.code == .peerUnknown,
            security.askAboutStranger(on: loop, log, again: { [self] in deliverAgain() })
        {
            return
        }
        let mayPass = failure.code.mayPass
        // An input that goes on is worth another try; one that has ended is not waited for.
        if mayPass, inputEnd == nil, outbox != nil {
            if complaint != failure.text {
                log.notice("\(destination): \(failure.text); the messages wait in the outbox")
                complaint = failure.text
            }
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: .seconds(1)) { bound.value.deliverAgain() }
            return
        }
        if options.wait == .stored, outbox != nil {
            return log.info("\(destination): \(failure.text); the messages wait in the outbox")
        }
        conclude(undelivered(failure.text, failure.code))
    }

    private func deliverAgain() {
        guard !isOver else { return }
        messenger?.finish {}
        deliver()
        messenger?.await(sent.open)
        messenger?.start()
    }

    private func undelivered(_ reason: String, _ code: FailureCode) -> Ending {
        guard let outbox else {
            return Ending(code.exitStatus, "\(destination): \(reason)", code: code)
        }
        let text =
            "\(destination): \(reason); not delivered yet, but safe in \(outbox.path): "
            + Numbers.count(sent.openCount, "message")
        return Ending(code.mayPass ? .storedNotDelivered : code.exitStatus, text, code: code)
    }

    private func timeIsUp() {
        guard !isOver else { return }
        guard inputEnd != nil, inFlight == 0 else {
            return conclude(Ending(.timeLimit, "the time was up before the end of the input"))
        }
        if outbox != nil, sent.openCount > 0 {
            return conclude(undelivered("the time is up", .timedOut))
        }
        let what = sent.openCount > 0 ? "accepted" : "processed"
        let count = max(sent.openCount, sent.unprocessedCount)
        conclude(Ending(.timeLimit, "not \(what) in time: \(Numbers.count(count, "message"))"))
    }
}
