internal import DequeModule
package import NIOCore

/// The consumer's end of a subscription. [FTSL §7.6]
///
/// The application's calls are `done retry dead` for what it was given whole, `took` for what it no
/// longer holds, `return` for dead letters, `renew` after a refusal; its effects are drained with
/// `nextEffect`. It repeats what is unanswered on every connection, so a driver makes one for a
/// session and forgets about connections.
package final class ConsumerPort {
    package struct Configuration {
        /// Nil: nothing is subscribed to; the port only returns dead letters.
        package var kind: MessageFrame.Subscribe.Kind?
        package var cursor = ""
        package var start = ConsumerStart.end
        package var filter = TopicFilter.everything
        /// The inbox met before; nil: any.
        package var inbox: InboxID?
        /// The highest generation of it proven.
        package var generation = Generation.first
        /// What may come before the application has taken anything: messages, and body bytes.
        package var maxMessages = Bound.consumerMessages
        package var maxBytes = Bound.consumerBytes
        /// Failed deliveries before a message is a dead letter.
        package var maxAttempts = Bound.maxAttempts

        package init(kind: MessageFrame.Subscribe.Kind?) { self.kind = kind }
    }

    package enum Effect: Equatable {
        /// The store of whoever asks should remember inbox and generation.
        case subscribed(MessageFrame.Subscribed)
        /// A delivery begins. Never the same one twice, unless `dropped` or `settled` ended it.
        case began(InboxIndex, attempt: UInt32, MessageFrame.DeliveryHead)
        /// Body bytes, in order; every one is to be `took`, also of what is dropped.
        case body(InboxIndex, ByteBuffer)
        /// The body is whole and its digest agrees: the message may be processed and answered.
        case complete(InboxIndex)
        /// The connection went away under a delivery; it comes again from its beginning.
        case dropped(InboxIndex)
        /// The answer is on disk; *fenced*: it came too late, and changed nothing.
        case settled(InboxIndex, MessageFrame.SettleVerdict)
        /// A dead letter is back in its queue; false: it was none.
        case returned(InboxIndex, Bool)
        /// Nothing below is left to deliver at the moment.
        case caughtUp(InboxIndex)
        /// Nothing more comes until `renew`.
        case refused(Failure)
    }

    enum Phase {
        case detached
        /// SUBSCRIBE is to be sent.
        case attached
        case subscribing
        case active
        case refused
    }

    /// A message that the application has whole and that is not settled.
    struct Held {
        var token: MessageFrame.LeaseToken
        var answer: MessageFrame.Settlement.Verdict?
    }

    /// The delivery whose bytes are coming.
    struct Current {
        var index: InboxIndex
        var token: MessageFrame.LeaseToken
        var digest: BodyDigest
        var received: UInt64 = 0
        let hash = StreamDigest()
        /// The application has it already.
        var isRepeat: Bool
    }

    var configuration: Configuration
    var phase = Phase.detached
    var held: [InboxIndex: Held] = [:]
    var current: Current?
    /// Where an ephemeral subscription, or a list of dead letters, goes on.
    var next: InboxIndex?
    var messages: CreditWindow
    var bytes: CreditWindow
    /// Answers not sent on this connection yet.
    var owed = Deque<InboxIndex>()
    /// Dead letters to put back, until answered.
    var returns: [InboxIndex] = []
    var returnsSent = 0
    var effects = Deque<Effect>()

    package init(_ configuration: Configuration) {
        self.configuration = configuration
        messages = CreditWindow(size: min(configuration.maxMessages, Bound.deliveries))
        bytes = CreditWindow(size: configuration.maxBytes)
    }

    package func nextEffect() -> Effect? { effects.popFirst() }

    /// The application holds messages, or waits for the answers to its answers.
    package var isSettled: Bool { held.isEmpty && returns.isEmpty }

    // MARK: The application's calls

    package func done(_ index: InboxIndex) { answer(index, .done) }

    package func retry(_ index: InboxIndex, after delay: Duration) {
        answer(index, .retry(after: delay))
    }

    package func dead(_ index: InboxIndex, reason: String) { answer(index, .dead(reason: reason)) }

    /// The first answer stands; answers to what is not held change nothing.
    private func answer(_ index: InboxIndex, _ verdict: MessageFrame.Settlement.Verdict) {
        guard held[index] != nil, held[index]?.answer == nil else { return }
        held[index]?.answer = verdict
        owed.append(index)
    }

    /// The application no longer holds so many messages and body bytes: as many more may come.
    package func took(messages: UInt64, bytes: UInt64) {
        self.messages.took(messages)
        self.bytes.took(bytes)
    }

    /// Puts a dead letter of the cursor back; answered by `returned`.
    package func `return`(_ index: InboxIndex) {
        if !returns.contains(index) { returns.append(index) }
    }

    /// Subscribes again after a refusal.
    package func renew() {
        if case .refused = phase { phase = .attached }
    }
}

extension ConsumerPort: MessagePort {
    package func attached(now: Instant) {
        owed.removeAll()
        returnsSent = 0
        if case .refused = phase { return }
        phase = .attached
    }

    package func detached(now: Instant) {
        drop()
        owed.removeAll()
        returnsSent = 0
        if case .refused = phase { return }
        phase = .detached
    }

    /// Forgets the delivery that is not whole.
    func drop() {
        guard let current else { return }
        self.current = nil
        guard !current.isRepeat else { return }
        messages.took(1)
        effects.append(.dropped(current.index))
    }

    package var deadline: Instant { .distantFuture }
    package func handleTimeout(now: Instant) {}

    // MARK: Sending

    /// SUBSCRIBE first, and with it every answer that is not settled: what is finished need not be
    /// delivered again. [FTSL §7.7]
    package func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        let full = writer.byteCount + limit
        if case .attached = phase { subscribe(into: &writer) }
        switch phase {
        case .subscribing, .active:
            while writer.byteCount < full, let index = owed.popFirst() {
                guard let held = held[index], let verdict = held.answer else { continue }
                writer.write(
                    .settle(
                        MessageFrame.Settlement(
                            index: index, token: held.token, verdict: verdict)))
            }
            if case .active = phase, messages.hasNews || bytes.hasNews {
                writer.write(.grant(announceCredit()))
            }
        case .detached: return
        case .attached, .refused: break
        }
        while writer.byteCount < full, returnsSent < returns.count {
            writer.write(.return(cursor: configuration.cursor, returns[returnsSent]))
            returnsSent += 1
        }
    }

    private func subscribe(into writer: inout FrameWriter) {
        guard let kind = configuration.kind else { return }
        messages.subscribed()
        bytes.subscribed()
        writer.write(
            .subscribe(
                MessageFrame.Subscribe(
                    kind: kind, cursor: configuration.cursor,
                    start: next.map { .index($0) } ?? configuration.start,
                    filter: configuration.filter, inbox: configuration.inbox,
                    generation: configuration.generation, credit: announceCredit(),
                    maxAttempts: configuration.maxAttempts)))
        phase = .subscribing
        owed = Deque(held.keys.filter { held[$0]?.answer != nil }.sorted())
    }

    private func announceCredit() -> MessageFrame.DeliveryCredit {
        MessageFrame.DeliveryCredit(messages: messages.announce(), bytes: bytes.announce())
    }
}
