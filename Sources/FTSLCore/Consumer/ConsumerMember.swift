internal import DequeModule
internal import NIOCore

/// One session's subscription, at the inbox's end. [FTSL §7.6]
///
/// Shaped as a `MessagePort`, so that the session's own port can hand it the frames of
/// subscriptions. A cursor's leases outlive connections: they return when the session ends, or
/// after `Bound.lease` without a connection.
package final class ConsumerMember {
    enum Phase {
        /// No SUBSCRIBE on this connection.
        case idle
        /// The store looks where to begin.
        case subscribing(MessageFrame.Subscribe)
        case active
        case refused
    }

    let id: UInt64
    package let session: SessionID
    package let permissions: InboxPermissions
    let payload: Int
    unowned let host: ConsumerHost

    var phase = Phase.idle
    private(set) var isAttached = false
    /// Counts connections; answers to what an earlier one asked are for nobody.
    private(set) var attachment: UInt64 = 0
    /// Counts what was subscribed to.
    private(set) var subscription: UInt64 = 0
    var maxAttempts = Bound.maxAttempts
    /// Its leases run out from here, unless it subscribes again.
    private var detachedAt: Instant?
    /// Another took the cursor while this one had no connection to be told.
    var isSuperseded = false

    /// States and answers that leave before deliveries.
    var control = Deque<MessageFrame>()
    /// Asked of the store, not answered to the member yet.
    var unanswered = 0
    var early: [MessageFrame.Settlement] = []
    var deliveries = DeliveryQueue(
        credit: MessageFrame.DeliveryCredit(messages: 0, bytes: 0))
    /// The end up to which CAUGHT_UP was said; nil: not since the last delivery.
    var announced: InboxIndex?

    // What it follows; at most one of these.
    var cursor: CursorDispatch?
    var feed: Feed?
    var letters: LetterList?
    /// Leases that were sent on this connection, or wait to be.
    var held: UInt64 = 0
    /// Held from an earlier connection, to be read and sent again.
    var redeliveries = Deque<InboxIndex>()
    var isReadingAgain = false

    struct LetterList {
        var cursor: String
        var filter: TopicFilter
        var position: InboxIndex
        var isReading = false
        var isComplete = false
    }

    init(
        id: UInt64, session: SessionID, permissions: InboxPermissions, payload: Int,
        host: ConsumerHost
    ) {
        self.id = id
        self.session = session
        self.permissions = permissions
        self.payload = payload
        self.host = host
    }
}

// MARK: Connections

extension ConsumerMember: MessagePort {
    package func attached(now: Instant) {
        begin()
        isAttached = true
    }

    /// What it was not sent a byte of goes to others at once.
    package func detached(now: Instant) {
        let unsent = deliveries.neverSent
        begin()
        isAttached = false
        guard let cursor else { return }
        detachedAt = now
        host.startLease(of: self, until: now + Bound.lease)
        cursor.release(unsent, of: self)
        cursor.pump()
    }

    /// Nothing is known of this connection yet.
    private func begin() {
        attachment += 1
        phase = .idle
        control.removeAll()
        unanswered = 0
        forgetSubscription()
    }

    func forgetSubscription() {
        subscription += 1
        early = []
        deliveries = DeliveryQueue(credit: MessageFrame.DeliveryCredit(messages: 0, bytes: 0))
        announced = nil
        feed = nil
        letters = nil
        redeliveries = []
        isReadingAgain = false
        held = 0
    }

    /// The session is gone, and its leases with it.
    package func ended() {
        begin()
        isAttached = false
        leaveCursor()
        host.forget(self)
    }

    func leaveCursor() {
        let left = cursor
        cursor = nil
        left?.leave(self)
    }

    func leaseTimedOut(now: Instant) {
        guard let detachedAt, now >= detachedAt + Bound.lease else { return }
        self.detachedAt = nil
        leaveCursor()
    }

    /// All its times are the host's: they run on when the session has no connection.
    package var deadline: Instant { .distantFuture }
    package func handleTimeout(now: Instant) {}

    // MARK: Ends of a subscription

    static let superseded = Failure(
        .peer, .superseded, "another consumer took the cursor over")

    /// Nothing more comes; the session goes on.
    func refuse(_ failure: Failure) {
        leaveCursor()
        forgetSubscription()
        guard isAttached else { return }
        phase = .refused
        say(.refused(.subscription, failure.code, text: failure.text))
    }

    /// A newer subscriber has its cursor.
    func supersede() {
        cursor = nil
        isSuperseded = !isAttached
        if isAttached { refuse(Self.superseded) }
    }

    // MARK: Beginning

    /// The store has looked where the subscription begins.
    func located(_ reply: InboxReply, now: Instant) {
        guard case .subscribing(let subscribe) = phase else { return }
        switch reply {
        case .changed(.consumer(let state, let end)):
            phase = .active
            detachedAt = nil
            say(subscribed(floor: state.floor, end: end))
            let dispatch = host.dispatch(state, end: end)
            cursor = dispatch
            dispatch.join(self)
            let settlements = early
            early = []
            for settlement in settlements { settle(settlement) }
            redeliveries = Deque(dispatch.held(by: self))
            host.finished(in: state.name)
        case .changed(.located(let floor, let end)):
            phase = .active
            host.raiseEnd(to: end)
            say(subscribed(floor: floor, end: end))
            if subscribe.kind == .deadLetters {
                letters = LetterList(
                    cursor: subscribe.cursor, filter: subscribe.filter, position: floor)
            } else {
                feed = Feed(filter: subscribe.filter, position: floor)
            }
        default: return refuse(reply.failure)
        }
        pump()
    }

    private func subscribed(floor: InboxIndex, end: InboxIndex) -> MessageFrame {
        .subscribed(
            MessageFrame.Subscribed(
                inbox: host.identity.id, generation: host.identity.generation, floor: floor,
                end: end))
    }
}
