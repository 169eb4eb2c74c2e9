internal import DequeModule
internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// The part of `Deliveries` that lives on its event loop.
final class FollowerCore {
    /// How often somebody is looked for who hosts the file, while nobody answers.
    private static let look: TimeAmount = .milliseconds(50)
    /// When a subscription is renewed that was refused for now.
    private static let pause: TimeAmount = .seconds(1)
    /// Of a large body, what counts against the window until it is handed on.
    private static let counted: UInt64 = 512 << 10

    /// A message that is here whole.
    struct Content: Sendable {
        var index: InboxIndex
        var attempt: UInt32
        var head: MessageFrame.DeliveryHead
        var body = ByteBuffer()
        /// Bytes of the window that it takes up.
        var counted: UInt64 = 0
    }

    private let subscription: Subscription
    private let local: LocalInbox?
    private let loop: any EventLoop
    private let isDurable: Bool
    private let maxBody: UInt64
    private var isStarted = false
    private var looking: RepeatedTask?
    private var starter: Waiter<Void>?
    private var arriving: [InboxIndex: Content] = [:]
    /// Whole, and not read yet.
    private var ready = Deque<Content>()
    private var readers = Deque<Waiter<Content?>>()
    /// Not settled yet, and under which attempt.
    private var inHand: [InboxIndex: UInt32] = [:]
    private var answers: [InboxIndex: [Waiter<Void>]] = [:]
    private var failure: FTSLError?
    private var isClosed = false
    private var isLettingGo = false
    private var isGone = false
    private var onGone: [() -> Void] = []

    init(
        _ settings: PortClient.Settings, _ configuration: ConsumerPort.Configuration,
        maxBody: UInt64, _ local: LocalInbox?, on loop: any EventLoop
    ) {
        subscription = Subscription(settings, configuration, on: loop)
        isDurable = configuration.kind != .ephemeral
        self.maxBody = maxBody
        self.local = local
        self.loop = loop
    }

    // MARK: The connection

    func start(_ waiter: Waiter<Void>) {
        starter = waiter
        subscription.onEffect = { [weak self] in self?.handle($0) }
        subscription.onFailed = { [weak self] in self?.fail(FTSLError($0)) }
        subscription.onAttached = { [weak self] in
            guard let self else { return }
            looking?.cancel()
            looking = nil
        }
        subscription.onDetached = { [weak self] _ in self?.lookForHost() }
        guard let local else { return subscribe() }
        local.onHosted = { [weak self] in
            self?.subscribe()
            // Whoever has it may be about to let it go.
            self?.lookForHost()
        }
        local.onFailed = { [weak self] in self?.fail(FTSLError(.localInputOutput, $0.text)) }
        local.hostUnlessHosted()
    }

    private func subscribe() {
        guard !isStarted, !isClosed else { return }
        isStarted = true
        subscription.start()
    }

    /// The file's host is gone: the next may be this process.
    private func lookForHost() {
        guard local != nil, looking == nil, !isLettingGo, !subscription.isAttached else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        looking = loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.look) { _ in
            bound.value.local?.hostUnlessHosted()
        }
    }

    private func refused(_ failure: Failure) {
        switch failure.code {
        case .inboxUnavailable, .busy, .limits, .shuttingDown, .staleGeneration:
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: Self.pause) {
                if !bound.value.isClosed { bound.value.subscription.renew() }
            }
        default: fail(FTSLError(failure))
        }
    }

    // MARK: Messages

    private func handle(_ effect: ConsumerPort.Effect) {
        guard !isClosed else { return }
        switch effect {
        case .subscribed:
            starter?.resume()
            starter = nil
        case .began(let index, let attempt, let head):
            dropUnread(index)
            arriving[index] = Content(index: index, attempt: max(1, attempt), head: head)
            guard head.digest.count > maxBody else { break }
            let text = "message \(index.value) has \(head.digest.count) bytes"
            fail(FTSLError(.messageTooLarge, "\(text), \(maxBody) are taken here"))
        case .body(let index, let bytes): append(bytes, to: index)
        case .complete(let index): complete(index)
        case .dropped(let index):
            guard let content = arriving.removeValue(forKey: index) else { break }
            subscription.took(messages: 0, bytes: content.counted)
        case .settled(let index, let verdict): settled(index, verdict)
        case .refused(let failure): refused(failure)
        case .returned, .caughtUp: break
        }
    }

    /// It comes once more: an answer to what is here of it would be late.
    private func dropUnread(_ index: InboxIndex) {
        guard inHand[index] != nil, let place = ready.firstIndex(where: { $0.index == index })
        else { return }
        subscription.took(messages: 0, bytes: ready.remove(at: place).counted)
    }

    /// A message may be larger than the window: only its beginning counts.
    private func append(_ bytes: ByteBuffer, to index: InboxIndex) {
        let count = UInt64(bytes.readableBytes)
        guard failure == nil, var content = arriving.removeValue(forKey: index) else { return }
        content.body.writeImmutableBuffer(bytes)
        let kept = min(count, Self.counted - content.counted)
        content.counted += kept
        arriving[index] = content
        if kept < count { subscription.took(messages: 0, bytes: count - kept) }
    }

    private func complete(_ index: InboxIndex) {
        guard failure == nil, let content = arriving.removeValue(forKey: index) else { return }
        if isDurable { inHand[index] = content.attempt }
        guard let reader = readers.popFirst() else { return ready.append(content) }
        hand(content, to: reader)
    }

    private func hand(_ content: Content, to reader: Waiter<Content?>) {
        // With a cursor, the next one may come when this one is settled.
        subscription.took(messages: isDurable ? 0 : 1, bytes: content.counted)
        reader.resume(.success(content))
    }

    func next(_ waiter: Waiter<Content?>) {
        if isClosed { return waiter.resume(.success(nil)) }
        if let content = ready.popFirst() { return hand(content, to: waiter) }
        if let failure { return waiter.fail(failure) }
        waiter.onCancelled = { [weak self, unowned waiter] in
            guard let self else { return }
            readers.removeAll { $0 === waiter }
        }
        readers.append(waiter)
    }

    // MARK: Answers

    func answer(
        _ index: InboxIndex, _ attempt: UInt32, _ verdict: MessageFrame.Settlement.Verdict,
        _ waiter: Waiter<Void>
    ) {
        guard isDurable else { return waiter.resume() }
        guard inHand[index] == attempt else {
            return waiter.fail(FTSLError(.fenced, "message \(index.value) is settled already"))
        }
        if let end { return waiter.fail(end) }
        waiter.onCancelled = { [weak self, unowned waiter] in
            guard let self else { return }
            answers[index]?.removeAll { $0 === waiter }
        }
        answers[index, default: []].append(waiter)
        switch verdict {
        case .done: subscription.done(index)
        case .retry(let pause): subscription.retry(index, after: pause)
        case .dead(let reason): subscription.dead(index, reason: reason)
        }
    }

    private var end: FTSLError? {
        isClosed ? FTSLError(.shuttingDown, "the deliveries are closed") : failure
    }

    private func settled(_ index: InboxIndex, _ verdict: MessageFrame.SettleVerdict) {
        inHand[index] = nil
        subscription.took(messages: 1, bytes: 0)
        for waiter in answers.removeValue(forKey: index) ?? [] {
            if verdict == .settled {
                waiter.resume()
            } else {
                let text = "message \(index.value) was given to somebody else"
                waiter.fail(FTSLError(.fenced, text))
            }
        }
    }

    // MARK: Ending

    /// What is here can still be read; nothing more comes.
    private func fail(_ error: FTSLError) {
        guard failure == nil, !isClosed else { return }
        failure = error
        arriving = [:]
        abandonWaiters(error)
        for reader in readers { reader.fail(error) }
        readers = []
        // Not now: the subscription may be on the stack.
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.letGo() }
    }

    private func abandonWaiters(_ error: FTSLError) {
        starter?.fail(error)
        starter = nil
        for waiter in answers.values.joined() { waiter.fail(error) }
        answers = [:]
    }

    func close(_ body: @escaping () -> Void) {
        guard !isGone else { return body() }
        onGone.append(body)
        guard !isClosed else { return }
        isClosed = true
        abandonWaiters(FTSLError(.shuttingDown, "the deliveries are closed"))
        for reader in readers { reader.resume(.success(nil)) }
        readers = []
        ready = []
        arriving = [:]
        letGo()
    }

    /// What is in hand is delivered to others.
    private func letGo() {
        guard !isLettingGo else { return }
        isLettingGo = true
        looking?.cancel()
        looking = nil
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        // The session is still on the stack when it says that it has ended.
        subscription.finish { loop.execute { bound.value.letGoOfFile() } }
    }

    private func letGoOfFile() {
        guard let local else { return gone() }
        local.stop { [self] in gone() }
    }

    private func gone() {
        isGone = true
        for body in onGone { body() }
        onGone = []
    }
}
