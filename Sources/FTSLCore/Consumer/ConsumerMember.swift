internal import DequeModule
package import NIOCore

/// One session's subscription, at the inbox's end. [FTSL §7.6]
///
/// Shaped as a `MessagePort`, so that the session's own port can hand it the frames of
/// subscriptions. A cursor's leases outlive connections: they return when the session ends, or
/// after `Bound.lease` without a connection.
package final class ConsumerMember {
    private enum Phase {
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
    private let payload: Int
    unowned let host: ConsumerHost

    private var phase = Phase.idle
    private(set) var isAttached = false
    /// Counts connections; answers to what an earlier one asked are for nobody.
    private(set) var attachment: UInt64 = 0
    /// Counts what was subscribed to.
    private(set) var subscription: UInt64 = 0
    private(set) var maxAttempts = Bound.maxAttempts
    private var detachedAt: Instant?
    /// Another took the cursor while this one had no connection to be told.
    private var isSuperseded = false

    /// States and answers that leave before deliveries.
    private var control = Deque<MessageFrame>()
    /// Asked of the store, not answered to the member yet.
    private var unanswered = 0
    private var early: [MessageFrame.Settlement] = []
    var deliveries = DeliveryQueue(
        credit: MessageFrame.DeliveryCredit(messages: 0, bytes: 0))
    /// The end up to which CAUGHT_UP was said; nil: not since the last delivery.
    private var announced: InboxIndex?

    // What it follows; at most one of these.
    private(set) var cursor: CursorDispatch?
    private var feed: Feed?
    private var letters: LetterList?
    /// Held from an earlier connection, to be read and sent again.
    private var redeliveries = Deque<InboxIndex>()
    private var isReadingAgain = false

    private struct LetterList {
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
        detachedAt = nil
    }

    /// What it was not sent a byte of goes to others at once.
    package func detached(now: Instant) {
        let unsent = deliveries.removeUnbegun()
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

    private func forgetSubscription() {
        subscription += 1
        early = []
        deliveries = DeliveryQueue(credit: MessageFrame.DeliveryCredit(messages: 0, bytes: 0))
        announced = nil
        feed = nil
        letters = nil
        redeliveries = []
        isReadingAgain = false
    }

    /// The session is gone, and its leases with it.
    package func ended() {
        begin()
        isAttached = false
        leaveCursor()
        host.forget(self)
    }

    private func leaveCursor() {
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

    // MARK: Frames

    package func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        switch frame {
        case .subscribe(let subscribe): try receive(subscribe)
        case .grant(let credit):
            deliveries.grant(bounded(credit))
            pump()
        case .settle(let settlement): try receive(settlement)
        case .return(let name, let index): try receiveReturn(of: index, to: name)
        case .lane, .message, .skip, .recorded, .watch, .ready, .accepted, .processed,
            .subscribed, .delivery, .settled, .caughtUp, .refused:
            throw .violation(.unexpectedFrame, "not a frame of a consumer")
        }
    }

    private func receive(_ subscribe: MessageFrame.Subscribe) throws(Failure) {
        switch phase {
        case .idle, .refused: break
        case .subscribing, .active:
            throw .violation(.unexpectedFrame, "a second SUBSCRIBE on one connection")
        }
        if let failure = objection(to: subscribe) { return refuse(failure) }
        forgetSubscription()
        if let cursor, cursor.name != subscribe.cursor || !subscribe.kind.isDurable {
            leaveCursor()
        }
        deliveries.grant(bounded(subscribe.credit))
        maxAttempts = subscribe.maxAttempts == 0 ? Bound.maxAttempts : subscribe.maxAttempts
        phase = .subscribing(subscribe)
        let change: InboxChange =
            subscribe.kind.isDurable
            ? .subscribe(
                name: subscribe.cursor, isGroup: subscribe.kind == .group, subscribe.filter,
                subscribe.start)
            : .locate(subscribe.filter, subscribe.start)
        host.ask(.change(change), .subscribe(self, subscription: subscription))
    }

    /// Why a subscription is not granted. [FTSL §7.6]
    private func objection(to subscribe: MessageFrame.Subscribe) -> Failure? {
        if isSuperseded {
            isSuperseded = false
            return Self.superseded
        }
        if let inbox = subscribe.inbox, inbox != host.identity.id {
            return Failure(.peer, .inboxChanged, "this is inbox \(host.identity.id)")
        }
        if subscribe.generation > host.identity.generation {
            return Failure(
                .peer, .staleGeneration, "the consumer has met a newer host of this inbox")
        }
        guard let allowed = permissions.consume else {
            return Failure(.peer, .topicForbidden, "reading this inbox is not allowed")
        }
        if subscribe.kind != .ephemeral, subscribe.cursor.isEmpty {
            return Failure(.peer, .noSuchCursor, "a cursor needs a name")
        }
        // A cursor that skipped what one member may not see would lose it for all the others.
        let isAllowed =
            subscribe.kind.isDurable
            ? allowed.covers(subscribe.filter) : allowed.overlaps(subscribe.filter)
        return isAllowed
            ? nil
            : Failure(.peer, .topicForbidden, "reading these topics is not allowed")
    }

    private func bounded(_ credit: MessageFrame.DeliveryCredit) -> MessageFrame.DeliveryCredit {
        credit
    }

    private func receive(_ settlement: MessageFrame.Settlement) throws(Failure) {
        guard control.count + unanswered + early.count < 2 * Int(Bound.deliveries) else {
            throw .violation(.creditOverrun, "more settlements than deliveries")
        }
        switch phase {
        case .subscribing(let subscribe) where subscribe.kind.isDurable: early.append(settlement)
        case .active where cursor != nil: settle(settlement)
        case .refused: break
        case .idle, .subscribing, .active:
            throw .violation(.unexpectedFrame, "SETTLE where nothing is settled")
        }
    }

    private func settle(_ settlement: MessageFrame.Settlement) {
        guard let cursor else { return }
        deliveries.remove(settlement.index)
        redeliveries.removeAll { $0 == settlement.index }
        if settlement.verdict.isRetry { announced = nil }
        guard let verdict = cursor.settle(settlement, by: self) else {
            unanswered += 1
            return
        }
        say(.settled(settlement.index, settlement.token, verdict))
    }

    /// Settled, on disk.
    func answer(_ index: InboxIndex, _ token: MessageFrame.LeaseToken) {
        unanswered = max(0, unanswered - 1)
        guard case .active = phase else { return }
        say(.settled(index, token, .settled))
    }

    private func receiveReturn(of index: InboxIndex, to name: String) throws(Failure) {
        guard control.count + unanswered < 2 * Int(Bound.deliveries) else {
            throw .violation(.creditOverrun, "too many RETURNs at once")
        }
        guard permissions.consume != nil else {
            return say(.settled(index, .none, .fenced))
        }
        unanswered += 1
        host.ask(
            .change(.return(cursor: name, index)),
            .putBack(self, attachment: attachment, cursor: name, index))
    }

    /// RETURN is answered as a settlement of no lease. [FTSL §7.7]
    func putBack(_ index: InboxIndex, _ reply: InboxReply) {
        unanswered = max(0, unanswered - 1)
        say(.settled(index, .none, reply == .changed(.done) ? .settled : .fenced))
    }

    private func say(_ frame: MessageFrame) {
        control.append(frame)
        host.queue.wake(session)
    }

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
            say(subscribed(floor: state.floor, end: end))
            let dispatch = host.dispatch(state, end: end)
            cursor = dispatch
            dispatch.join(self)
            let settlements = early
            early = []
            for settlement in settlements { settle(settlement) }
            redeliveries = Deque(dispatch.held(by: self))
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
