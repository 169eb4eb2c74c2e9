internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// `ftsl tail`: one subscription, and what is done with its messages.
final class TailClient {
    /// How often somebody is looked for who hosts the file, while nobody answers.
    static let look: TimeAmount = .milliseconds(50)
    /// Of a large body, what counts against the window until it is done with.
    static let counted: UInt64 = 512 << 10

    /// A message in hand.
    struct Held {
        var message: TailMessage
        var body = ByteBuffer()
        /// Bytes of the window that it takes up.
        var counted: UInt64 = 0
    }

    let options: TailOptions
    let global: GlobalOptions
    let log: Log
    let loop: any EventLoop
    let security: ConnectSecurity
    let endpoints: [Endpoint]
    let local: LocalInbox?
    var subscription: Subscription?
    var looking: RepeatedTask?
    var signals: SignalWatcher?

    var held: [InboxIndex: Held] = [:]
    var goal: TailGoal
    var output: TailOutput?
    var work: TailExec?
    var acks: TailAcks?
    /// Deliveries that may still be let come, with a count.
    var grants: UInt64?
    var hasSubscribed = false
    var interruptedBy: Int32?
    /// Answers that are not on the inbox's disk yet.
    var unconfirmed: Set<InboxIndex> = []
    /// How it ends, once that is decided.
    var verdict: Ending?
    var isLettingGo = false

    init(_ options: TailOptions, _ global: GlobalOptions, _ log: Log, on loop: any EventLoop) throws
    {
        self.options = options
        self.global = global
        self.log = log
        self.loop = loop
        switch options.place {
        case .endpoint(let text):
            endpoints = try EndpointArgument.list(text)
            local = nil
        case .path(let path):
            guard FileStatus.exists(path) else {
                throw Ending(.noInput, "there is no inbox at \(path)")
            }
            endpoints = [LocalInbox.endpoint(of: path)]
            local = LocalInbox(path, InboxOptions(), on: loop)
        }
        security = try ConnectSecurity(options.trust, endpoints, log: log)
        goal = TailGoal(count: options.count, exitAtEnd: options.exitAtEnd || options.dead)
    }

    var isDurable: Bool { options.cursorName != nil && !options.dead }
    var peer: String { local?.path ?? subscription?.peer ?? "\(endpoints[0])" }

    // MARK: The beginning

    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        signals = SignalWatcher([SIGINT, SIGTERM, SIGHUP, SIGUSR1], on: loop) {
            bound.value.received(signal: $0)
        }
        prepareWork()
        if let limit = options.timeout {
            let amount = TimeAmount.nanoseconds(Int64(limit.duration.wholeNanoseconds))
            loop.scheduleTask(in: amount) { bound.value.timeIsUp() }
        }
        guard let local else { return subscribe() }
        local.onHosted = { [unowned self] in
            if subscription == nil { subscribe() }
            // Whoever has it may be about to let it go.
            lookForHost()
        }
        local.onFailed = { [unowned self] in end($0.ending) }
        local.hostUnlessHosted()
    }

    func prepareWork() {
        if let command = options.exec {
            let work = TailExec(
                command, limit: options.execTimeout?.duration,
                policy: ExecPolicy(maxAttempts: options.maxAttempts), on: loop)
            work.onVerdict = { [unowned self] in judged($0, $1) }
            self.work = work
            return
        }
        let isHandedOn = options.ackFd != nil
        let output = TailOutput(
            DescriptorSink(descriptor: 1, ending: isHandedOn ? .close : .leaveOpen, on: loop))
        output.onWritten = { [unowned self] in written($0) }
        output.onFailed = { [unowned self] in outputFailed($0) }
        self.output = output
        guard let descriptor = options.ackFd else { return }
        let acks = TailAcks(
            AckReader(DescriptorSource(descriptor: descriptor, on: loop)))
        acks.onFinished = { [unowned self] in finish($0) }
        acks.onEnd = { [unowned self] in acksEnded($0) }
        acks.start()
        self.acks = acks
    }

    var portConfiguration: ConsumerPort.Configuration {
        var configuration = ConsumerPort.Configuration(kind: kind)
        configuration.cursor = options.cursorName ?? ""
        configuration.start = options.dead ? .beginning : options.start
        configuration.filter = options.filter
        if options.exec != nil {
            configuration.maxMessages = UInt64(options.parallel)
            // How often is too often is decided here, where 75 is told from other ends.
            configuration.maxAttempts = .max
        } else if options.ackFd != nil {
            configuration.maxMessages = Bound.deliveries
        }
        if let count = options.count {
            configuration.maxMessages = min(configuration.maxMessages, count)
            grants = count - configuration.maxMessages
        }
        return configuration
    }

    var kind: MessageFrame.Subscribe.Kind? {
        if options.returned != nil { return nil }
        if options.dead { return .deadLetters }
        if options.group != nil { return .group }
        return options.cursor != nil ? .cursor : .ephemeral
    }

    func subscribe() {
        var settings = PortClient.Settings(
            endpoints: endpoints, configuration: InitiatorConfiguration(),
            security: security.security, isPatient: local != nil)
        settings.isPersistent = true
        let subscription = Subscription(settings, portConfiguration, on: loop)
        self.subscription = subscription
        subscription.onEffect = { [unowned self] in handle($0) }
        subscription.onFailed = { [unowned self] in failed($0) }
        subscription.onAttached = { [unowned self] in attached() }
        subscription.onDetached = { [unowned self] in detached($0) }
        subscription.start()
        if let index = options.returned { subscription.putBack(InboxIndex(index)) }
    }

    // MARK: The connection

    func attached() {
        looking?.cancel()
        looking = nil
        if hasSubscribed { log.notice("back with \(peer)") }
    }

    func detached(_ failure: Failure) {
        guard verdict == nil else { return }
        log.notice("lost the connection to \(peer) (\(failure.text)); reconnecting")
        lookForHost()
    }

    private func lookForHost() {
        guard local != nil, looking == nil, subscription?.isAttached != true else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        looking = loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.look) { _ in
            bound.value.local?.hostUnlessHosted()
        }
    }

    func failed(_ failure: Failure) {
        if failure.code == .peerUnknown,
            security.askAboutStranger(on: loop, log, again: { [self] in subscribe() })
        {
            return
        }
        end(Ending(failure.code.exitStatus, "\(peer): \(failure.text)", code: failure.code))
    }

    func handle(_ effect: ConsumerPort.Effect) {
        switch effect {
        case .subscribed: hasSubscribed = true
        case .began(let index, let attempt, let head): begin(index, attempt, head)
        case .body(let index, let bytes): append(bytes, to: index)
        case .complete(let index): complete(index)
        case .dropped(let index): drop(index)
        case .settled(let index, _):
            if unconfirmed.remove(index) != nil { letAnotherCome() }
            finishIfDone()
        case .returned(let index, let isBack):
            concludeReturn(index, isBack)
        case .caughtUp:
            goal.isCaughtUp = true
            closeOutputIfComplete()
            finishIfDone()
        case .refused(let failure): refused(failure)
        }
    }

    func refused(_ failure: Failure) {
        switch failure.code {
        case .inboxUnavailable, .busy, .limits, .shuttingDown, .staleGeneration:
            log.notice("\(peer): \(failure.text); trying again")
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: .seconds(1)) { bound.value.subscription?.renew() }
        default:
            end(Ending(failure.code.exitStatus, "\(peer): \(failure.text)", code: failure.code))
        }
    }

    func concludeReturn(_ index: InboxIndex, _ isBack: Bool) {
        let name = options.cursorName ?? ""
        conclude(
            isBack
                ? .success
                : Ending(.noInput, "\(index.value) is no dead letter of '\(name)' (\(peer))"))
    }

    // MARK: Messages

    func begin(
        _ index: InboxIndex, _ attempt: UInt32, _ head: MessageFrame.DeliveryHead
    ) {
        held[index] = Held(
            message: TailMessage(
                index: index.value, producer: head.producer, sequence: head.sequence.value,
                attempt: max(1, attempt), envelope: head.envelope, stored: head.stored,
                reason: head.reason.isEmpty ? nil : head.reason))
        goal.begin(index.value)
    }

    /// A message may be larger than the window: only its beginning counts.
    func append(_ bytes: ByteBuffer, to index: InboxIndex) {
        let count = UInt64(bytes.readableBytes)
        guard var item = held[index] else {
            subscription?.took(messages: 0, bytes: count)
            return
        }
        held[index] = nil
        item.body.writeImmutableBuffer(bytes)
        let kept = min(count, Self.counted - min(Self.counted, item.counted))
        item.counted += kept
        held[index] = item
        if kept < count { subscription?.took(messages: 0, bytes: count - kept) }
    }

    func drop(_ index: InboxIndex) {
        guard let item = held.removeValue(forKey: index) else { return }
        goal.takeBack()
        subscription?.took(messages: 0, bytes: item.counted)
    }

    func complete(_ index: InboxIndex) {
        guard let item = held[index] else { return }
        guard interruptedBy == nil, verdict == nil else { return }
        if let work {
            work.start(item.message, item.body)
        } else if let output {
            acks?.expect(index)
            output.write(index, options.output.bytes(item.message, item.body))
            held[index]?.body = ByteBuffer()
            closeOutputIfComplete()
        }
    }

    func written(_ index: InboxIndex) {
        if acks == nil { finish(index) } else { release(index, forGood: false) }
    }

    /// Gives back what the message took of the window.
    func release(_ index: InboxIndex, forGood: Bool) {
        guard let item = held[index] else { return }
        subscription?.took(messages: 0, bytes: item.counted)
        held[index]?.counted = 0
        guard forGood else { return }
        held[index] = nil
        // Answers that wait for the inbox's disk count: it takes only so many at a time.
        if !unconfirmed.contains(index) { letAnotherCome() }
    }

    private func letAnotherCome() {
        if let left = grants {
            guard left > 0 else { return }
            grants = left - 1
        }
        subscription?.took(messages: 1, bytes: 0)
    }

    /// Tells the inbox what became of a message, where a cursor keeps that.
    func answer(_ index: InboxIndex, _ body: (Subscription) -> Void) {
        guard isDurable, let subscription else { return }
        unconfirmed.insert(index)
        body(subscription)
    }

    /// The message will not come again.
    func finish(_ index: InboxIndex) {
        answer(index) { $0.done(index) }
        conclude(index)
    }

    func conclude(_ index: InboxIndex) {
        release(index, forGood: true)
        goal.finish()
        finishIfDone()
    }

    func judged(_ message: TailMessage, _ verdict: ExecVerdict) {
        let index = InboxIndex(message.index)
        if verdict != .done, StandardOutput.isReaderGone {
            return conclude(Ending(.brokenPipe))
        }
        switch verdict {
        case .done: finish(index)
        case .retry(let delay) where isDurable:
            answer(index) { $0.retry(index, after: delay) }
            goal.takeBack()
            if options.group == nil { goal.expect(message.index) }
            if let left = grants { grants = left + 1 }
            release(index, forGood: true)
            finishIfDone()
        case .retry(let delay):
            guard interruptedBy == nil, let item = held[index] else { return finishIfDone() }
            work?.start(again: item.message, item.body, after: delay)
        case .dead(let reason):
            log.error("message \(message.index) failed for good: \(reason)")
            answer(index) { $0.dead(index, reason: reason) }
            conclude(index)
        }
    }
}
