internal import DequeModule
internal import HeapModule
internal import NIOCore

/// The consumers of one inbox: its cursors in flight, and who has which message. [FTSL §7.6]
///
/// Everything durable is asked of the store through `InboxQueue` and acted on when its answer comes
/// to `reply`; leases live here only, and die with the process.
package final class ConsumerHost {
    struct Page: Hashable {
        var from: InboxIndex
        var filter: TopicFilter
        var maxMessages: Int
    }

    /// Who waits for a page.
    enum Reader {
        case cursor(CursorDispatch)
        case again(CursorDispatch)
        case follower(ConsumerMember, subscription: UInt64)
        case redelivery(ConsumerMember, subscription: UInt64)
    }

    /// What an answer of the store is for.
    enum Question {
        case subscribe(ConsumerMember, subscription: UInt64)
        case letters(ConsumerMember, subscription: UInt64)
        case piece(ConsumerMember, subscription: UInt64, InboxIndex, offset: UInt64)
        case settle(CursorDispatch, InboxIndex)
        case putBack(ConsumerMember, attachment: UInt64, cursor: String, InboxIndex)
        case processed(ProcessedWatch)
        case page(Page)
    }

    private enum Alarm {
        case lease(ConsumerMember)
        case retry(CursorDispatch, InboxIndex)
    }

    private struct Timer: Comparable {
        var at: Instant
        var serial: UInt64
        var alarm: Alarm

        static func == (a: Self, b: Self) -> Bool { a.serial == b.serial }
        static func < (a: Self, b: Self) -> Bool { (a.at, a.serial) < (b.at, b.serial) }
    }

    package let identity: InboxIdentity
    let queue: InboxQueue
    /// Everything below is stored, as far as known.
    private(set) var end = InboxIndex.first
    private var cursors: [String: CursorDispatch] = [:]
    /// Of cursors that were in flight in this process.
    private var pasts: [String: CursorDispatch.Past] = [:]
    private var members: [UInt64: ConsumerMember] = [:]
    private var watches: [ProcessedWatch] = []
    private var questions: [StoreRequestID: Question] = [:]
    private var readers: [Page: [Reader]] = [:]
    private var timers = Heap<Timer>()
    private var serial: UInt64 = 0

    package init(identity: InboxIdentity, queue: InboxQueue) {
        self.identity = identity
        self.queue = queue
    }

    /// The consumer's half of a session that has an inbox at its other end; `payload` is what was
    /// agreed for frames to the peer.
    package func makeMember(
        session: SessionID, permissions: InboxPermissions,
        payload: Int = Int(Bound.maxPayload)
    ) -> ConsumerMember {
        serial += 1
        let member = ConsumerMember(
            id: serial, session: session, permissions: permissions, payload: payload, host: self)
        members[member.id] = member
        return member
    }

    /// Tells a session how far consumers are with a producer's messages. [FTSL §7.7]
    package func makeWatch(session: SessionID) -> ProcessedWatch {
        let watch = ProcessedWatch(session: session, host: self)
        watches.append(watch)
        return watch
    }

    // MARK: Inputs

    /// A commit made everything below `index` visible.
    package func stored(upTo index: InboxIndex) {
        guard index > end else { return }
        end = index
        for cursor in cursors.values.sorted(by: { $0.serial < $1.serial }) { cursor.pump() }
        for id in members.keys.sorted() { members[id]?.pumpFollower() }
        // What no watched cursor has to do is processed as soon as it is stored.
        for watch in watches { watch.changed() }
    }

    /// The store's answer; false when this host did not ask.
    @discardableResult
    package func reply(_ id: StoreRequestID, _ reply: InboxReply, now: Instant) -> Bool {
        guard let question = questions.removeValue(forKey: id) else { return false }
        switch question {
        case .page(let page): answer(page, reply)
        case .subscribe(let member, let subscription):
            guard member.subscription == subscription else { break }
            member.located(reply, now: now)
        case .letters(let member, let subscription):
            guard member.subscription == subscription else { break }
            member.read(letters: reply)
        case .piece(let member, let subscription, let index, let offset):
            guard member.subscription == subscription else { break }
            member.read(reply, of: index, at: offset)
        case .settle(let cursor, let index): cursor.committed(index, reply, now: now)
        case .putBack(let member, let attachment, let name, let index):
            if case .changed(.done) = reply { cursors[name]?.putBack(index) }
            guard member.attachment == attachment else { break }
            member.putBack(index, reply)
        case .processed(let watch): watch.read(reply)
        }
        return true
    }

    private func answer(_ page: Page, _ reply: InboxReply) {
        let readers = readers.removeValue(forKey: page) ?? []
        guard case .messages(let messages, let scanned) = reply else {
            for reader in readers { stop(reader, reply.failure) }
            return
        }
        end = max(end, scanned)
        let page = MessagePage(messages: messages, scanned: scanned)
        for reader in readers {
            switch reader {
            case .cursor(let cursor): cursor.read(page)
            case .again(let cursor): cursor.readAgain(page)
            case .follower(let member, let subscription):
                if member.subscription == subscription { member.read(page) }
            case .redelivery(let member, let subscription):
                if member.subscription == subscription { member.readAgain(page) }
            }
        }
    }

    private func stop(_ reader: Reader, _ failure: Failure) {
        switch reader {
        case .cursor(let cursor), .again(let cursor): cursor.stop(failure)
        case .follower(let member, let subscription), .redelivery(let member, let subscription):
            if member.subscription == subscription { member.refuse(failure) }
        }
    }

    // MARK: Time

    /// When `handleTimeout` wants to be called next: for delayed deliveries, and for leases of
    /// members whose sessions have no connection.
    package var deadline: Instant { timers.min?.at ?? .distantFuture }

    package func handleTimeout(now: Instant) {
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            switch timer.alarm {
            case .lease(let member): member.leaseTimedOut(now: now)
            case .retry(let cursor, let index): cursor.retry(index)
            }
        }
    }

    func startLease(of member: ConsumerMember, until at: Instant) { start(.lease(member), at) }

    func startRetry(of index: InboxIndex, in cursor: CursorDispatch, at: Instant) {
        start(.retry(cursor, index), at)
    }

    private func start(_ alarm: Alarm, _ at: Instant) {
        serial += 1
        timers.insert(Timer(at: at, serial: serial, alarm: alarm))
    }

    // MARK: The store

    func ask(_ request: InboxRequest, _ question: Question) {
        questions[queue.ask(request)] = question
    }

    /// Reads a page; readers at the same place share one, and so the memory it takes.
    func read(
        from: InboxIndex, _ filter: TopicFilter, maxMessages: Int = Bound.readAheadMessages,
        for reader: Reader
    ) {
        let page = Page(from: from, filter: filter, maxMessages: maxMessages)
        readers[page, default: []].append(reader)
        guard readers[page]?.count == 1 else { return }
        ask(
            .fetch(
                from: from, filter, maxMessages: maxMessages, maxBytes: Bound.readAheadBytes),
            .page(page))
    }

    // MARK: Cursors and members

    /// The cursor in flight; begun from what the store says when nobody uses it yet.
    func dispatch(_ cursor: ConsumerCursor, end: InboxIndex) -> CursorDispatch {
        raiseEnd(to: end)
        if let dispatch = cursors[cursor.name] { return dispatch }
        serial += 1
        let past = pasts[cursor.name] ?? CursorDispatch.Past()
        let dispatch = CursorDispatch(cursor, serial: serial, after: past, host: self)
        cursors[cursor.name] = dispatch
        return dispatch
    }

    func raiseEnd(to index: InboxIndex) { end = max(end, index) }

    func drop(_ cursor: CursorDispatch) {
        guard cursors[cursor.name] === cursor else { return }
        cursors[cursor.name] = nil
        pasts[cursor.name] = cursor.past
    }

    func forget(_ member: ConsumerMember) { members[member.id] = nil }

    func forget(_ watch: ProcessedWatch) { watches.removeAll { $0 === watch } }

    /// A cursor finished something, on disk, or was made.
    func finished(in cursor: String) {
        for watch in watches { watch.finished(in: cursor) }
    }
}

extension InboxReply {
    /// Why the answer is not what was asked for.
    var failure: Failure {
        switch self {
        case .failed(let failure), .changed(.refused(let failure)): failure
        default: Failure(.local, .internalError, "the store answered another question")
        }
    }
}
