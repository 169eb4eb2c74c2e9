internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// Delivers the messages of one lane: the sender's machine between its source and a session.
final class Courier {
    private let port: ProducerPort
    private let source: any LaneSource
    private let client: PortClient
    private var isDraining = false
    private var wasAnswered = false
    /// What was submitted here last need not be read back.
    private var recent = RecentMessages()
    /// Everything below is resolved, as these exceptions say or else *accepted*.
    var onResolved: ((LaneSequence, [LaneException]) -> Void)?
    var onProcessed: ((MessageFrame.Processed) -> Void)?
    /// The inbox refuses for now.
    var onWaiting: ((Failure) -> Void)?
    /// No more is delivered here.
    var onEnded: ((Failure) -> Void)?

    init(
        _ lane: OutboxLane, from source: any LaneSource, mode: DeliveryMode,
        _ settings: PortClient.Settings, on loop: any EventLoop
    ) {
        port = ProducerPort(lane: lane, mode: mode, rng: SystemRandomNumberGenerator())
        self.source = source
        client = PortClient(settings, port: port, on: loop)
        client.onPass = { [weak self] in self?.drain() }
        client.onFailed = { [weak self] in self?.onEnded?($0) }
    }

    var clientHooks: PortClient { client }
    var lane: OutboxLane { port.lane }
    /// Everything that was submitted is resolved.
    var isDrained: Bool { port.isDrained }

    func start() {
        client.start()
        drain()
    }

    /// What is submitted now is sent at once.
    var isOpen: Bool { port.isOpen }
    /// Messages that wait although the way is open.
    var behind: UInt64 { port.behind }

    /// By this process.
    func submitted(_ news: Submitted) {
        guard let last = news.sequences.max() else { return }
        recent.append(news.fresh)
        submitted(upTo: last.next, offeredBelow: news.offeredBelow)
    }

    func submitted(upTo end: LaneSequence, offeredBelow offered: LaneSequence = .first) {
        port.submitted(upTo: end, offeredBelow: offered)
        guard !isDraining else { return }
        drain()
        client.touched()
    }

    func watch(cursor: String, from: LaneSequence) {
        port.watch(cursor: cursor, from: from)
        client.touched()
    }

    func finish(_ body: @escaping () -> Void) { client.finish(body) }
    func abandon() { client.abandon() }
    func retryNow() { client.retryNow() }

    /// Drains every effect; answers may come at once, from memory, or later, from the disk.
    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        while true {
            if let (id, request) = port.nextRequest() {
                ask(id, request)
            } else if let event = port.nextEvent() {
                handle(event)
            } else {
                break
            }
        }
        isDraining = false
        // What memory answered at once may have frames to send.
        if wasAnswered {
            wasAnswered = false
            client.touched()
        }
    }

    private func ask(_ id: StoreRequestID, _ request: FTSLCore.OutboxRequest) {
        if case .fetch(let from, let maxMessages, let maxBytes) = request,
            let messages = recent.take(from: from, maxMessages: maxMessages, maxBytes: maxBytes)
        {
            return answered(id, .messages(messages, wallClock: WallClock.milliseconds))
        }
        source.ask(request) { [weak self] in self?.answered(id, $0) }
    }

    private func answered(_ id: StoreRequestID, _ reply: FTSLCore.OutboxReply) {
        port.reply(id, reply, now: MonotonicClock.now)
        guard !isDraining else {
            wasAnswered = true
            return
        }
        drain()
        client.touched()
    }

    private func handle(_ event: ProducerEvent) {
        switch event {
        case .ready: break
        case .resolved(let below, let exceptions): onResolved?(below, exceptions)
        case .processed(let processed): onProcessed?(processed)
        case .waiting(let failure): onWaiting?(failure)
        case .ended(let failure): onEnded?(failure)
        }
    }
}
