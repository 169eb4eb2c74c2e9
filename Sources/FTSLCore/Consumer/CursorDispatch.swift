internal import DequeModule
internal import HeapModule

/// A durable cursor in flight: which of its messages wait, which are leased to whom, and which
/// settlements are on their way to disk. [FTSL §7.6]
///
/// A lease is {start counter, attempt}: the attempt rises with every lease of a message in this
/// process, the start counter with every process, so no two leases of a message ever look alike.
final class CursorDispatch {
    enum State {
        /// In the feed.
        case ready
        /// To be read from the store again.
        case again
        case leased
        /// Done or buried, not on disk yet.
        case finishing
        /// Failed, not on disk yet; to be tried again after a time.
        case failing(retryAfter: Duration)
        case delayed
    }

    struct Entry {
        /// Of the newest lease.
        var attempt: UInt32
        /// Deliveries that were answered with RETRY; on disk.
        var failures: UInt32
        /// Who has the newest lease, or had it.
        var holder: UInt64 = 0
        /// The newest lease was answered with RETRY.
        var isRetried = false
        var state: State
    }

    let name: String
    let serial: UInt64
    let isGroup: Bool
    unowned let host: ConsumerHost
    var feed: Feed
    /// Unfinished messages that were read.
    var entries: [InboxIndex: Entry] = [:]
    /// Those read in order, some of them finished since: the first is the lowest.
    private var order = Deque<InboxIndex>()
    /// Those in state `again`, and some that left it.
    private var again = Heap<InboxIndex>()
    /// Where the page begins that is on its way for these.
    private var readingAgainFrom: InboxIndex?
    /// Entries that somebody must still be given.
    private var unassigned = 0
    /// What the store knew of messages that were not read yet.
    private var finished: [ClosedRange<UInt64>]
    private var failures: [InboxIndex: UInt32]
    var members: [ConsumerMember] = []
    private var turn = 0
    /// Tokens that finished a message, for repetitions of their settlement.
    private var settled: [InboxIndex: MessageFrame.LeaseToken] = [:]
    private var settledOrder = Deque<InboxIndex>()
    private var highestAttempt: UInt32
    /// Leases of messages not read again yet, given while the cursor was in flight before.
    private var attempts: [InboxIndex: UInt32]

    /// What must outlive a time in flight, because tokens are never given twice.
    struct Past {
        var attempts: [InboxIndex: UInt32] = [:]
        var highestAttempt: UInt32 = 0
    }

    init(_ cursor: ConsumerCursor, serial: UInt64, after past: Past, host: ConsumerHost) {
        attempts = past.attempts
        highestAttempt = past.highestAttempt
        name = cursor.name
        self.serial = serial
        isGroup = cursor.isGroup
        self.host = host
        feed = Feed(filter: cursor.filter, position: cursor.floor)
        finished = cursor.finished
        failures = cursor.attempts
        for index in cursor.returned { putBack(index) }
    }

    var past: Past {
        var past = Past(attempts: attempts, highestAttempt: highestAttempt)
        for (index, entry) in entries {
            past.attempts[index] = entry.attempt
            past.highestAttempt = max(past.highestAttempt, entry.attempt)
        }
        return past
    }

    // MARK: Reading

    func read(_ page: MessagePage) {
        feed.accept(page) { message in
            // A dead letter that was put back has its entry already.
            let index = message.index
            guard !finished.holds(index.value), entries[index] == nil else { return false }
            let failures = failures.removeValue(forKey: index) ?? 0
            let attempt = max(failures, attempts.removeValue(forKey: index) ?? 0)
            entries[index] = Entry(attempt: attempt, failures: failures, state: .ready)
            unassigned += 1
            order.append(index)
            return true
        }
        finished.remove(below: page.scanned.value)
        pump()
    }

    func readAgain(_ page: MessagePage) {
        guard let from = readingAgainFrom else { return }
        readingAgainFrom = nil
        for message in page.messages {
            guard case .again = entries[message.index]?.state else { continue }
            move(message.index, to: .ready)
            feed.insert(message)
        }
        // Below the page there may be others since, which it says nothing about.
        for index in again.unordered.sorted() where index >= from && index < page.scanned {
            if case .again = entries[index]?.state { vanished(index) }
        }
        pump()
    }

    /// The lowest message to read again.
    private func nextAgain() -> InboxIndex? {
        while let index = again.min {
            if case .again = entries[index]?.state { return index }
            again.removeMin()
        }
        return nil
    }

    /// The inbox does not have it any more: nothing is left to do.
    func vanished(_ index: InboxIndex) {
        guard entries[index] != nil else { return }
        move(index, to: .finishing)
        host.ask(.change(.finish(cursor: name, index)), .settle(self, index))
    }

    private func readMore() {
        guard members.contains(where: \.hasCredit) else { return }
        if readingAgainFrom == nil, let index = nextAgain(), feed.hasRoom || nextReady == nil {
            readingAgainFrom = index
            host.read(
                from: index, feed.filter, maxMessages: min(again.count, Bound.readAheadMessages),
                for: .again(self))
        }
        if feed.wantsPage(before: host.end), mayLease(feed.position) {
            feed.isReading = true
            host.read(from: feed.position, feed.filter, for: .cursor(self))
        }
    }

    // MARK: Leasing

    /// Gives out what waits, by turns, as far as members have credit and room.
    func pump() {
        while let first = nextReady, mayLease(first.index), let member = nextMember(),
            let message = feed.popFirst()
        {
            lease(message, to: member)
        }
        readMore()
        guard isDrained else { return }
        for member in members where member.wantsCaughtUp { host.queue.wake(member.session) }
    }

    /// The next message to give out; none while a lower one is read again: who is alone gets all in
    /// order.
    private var nextReady: StoredMessage? {
        guard let first = feed.ready.first, nextAgain().map({ first.index < $0 }) ?? true else {
            return nil
        }
        return first
    }

    /// A cursor remembers only so many finished messages above its floor.
    private func mayLease(_ index: InboxIndex) -> Bool {
        while let first = order.first, entries[first] == nil { order.removeFirst() }
        guard let lowest = order.first else { return true }
        return index.value < lowest.value + Bound.finishedAhead
    }

    private func nextMember() -> ConsumerMember? {
        for step in members.indices {
            let place = (turn + step) % members.count
            guard members[place].hasRoom else { continue }
            turn = (place + 1) % members.count
            return members[place]
        }
        return nil
    }

    private func lease(_ message: StoredMessage, to member: ConsumerMember) {
        let index = message.index
        move(index, to: .leased)
        entries[index]?.attempt += 1
        entries[index]?.holder = member.id
        entries[index]?.isRetried = false
        if let token = token(of: index) { member.deliver(message, token) }
    }

    func token(of index: InboxIndex) -> MessageFrame.LeaseToken? {
        entries[index].map {
            MessageFrame.LeaseToken(starts: starts, attempt: $0.attempt)
        }
    }

    var starts: UInt64 { host.identity.generation.starts }

    /// Nothing below the end is left to give out.
    var isDrained: Bool { unassigned == 0 && feed.isDrained(before: host.end) }

    /// Whether `member` has the newest lease of a message, unanswered.
    func isLeased(_ index: InboxIndex, to member: ConsumerMember) -> Bool {
        guard let entry = entries[index], entry.state.isLeased else { return false }
        return entry.holder == member.id
    }

    /// What `member` holds, in order.
    func held(by member: ConsumerMember) -> [InboxIndex] {
        entries.keys.filter { isLeased($0, to: member) }.sorted()
    }

    /// These leases end without an answer. [FTSL §7.6]
    func release(_ indexes: [InboxIndex], of member: ConsumerMember) {
        for index in indexes where isLeased(index, to: member) {
            move(index, to: .again)
        }
    }

    /// A dead letter is an ordinary message again. [FTSL §7.7]
    func putBack(_ index: InboxIndex) {
        guard entries[index] == nil else { return }
        // Its next lease looks like none before.
        let attempt = settled.removeValue(forKey: index)?.attempt ?? highestAttempt
        entries[index] = Entry(attempt: attempt, failures: 0, state: .again)
        unassigned += 1
        again.insert(index)
        pump()
    }

    /// The delay of a RETRY is over.
    func retry(_ index: InboxIndex) {
        guard case .delayed = entries[index]?.state else { return }
        move(index, to: .again)
        pump()
    }

    // MARK: Changes of state

    func move(_ index: InboxIndex, to state: State) {
        guard let before = entries[index]?.state else { return }
        // Settled while it waited for its next lease.
        if case .ready = before, !state.isLeased { feed.remove(index) }
        unassigned += (state.isUnassigned ? 1 : 0) - (before.isUnassigned ? 1 : 0)
        entries[index]?.state = state
        if case .again = state { again.insert(index) }
    }

    /// Finished, on disk.
    func finish(_ index: InboxIndex) {
        guard let entry = entries.removeValue(forKey: index) else { return }
        highestAttempt = max(highestAttempt, entry.attempt)
        if entry.state.isUnassigned { unassigned -= 1 }
        settled[index] = MessageFrame.LeaseToken(starts: starts, attempt: entry.attempt)
        settledOrder.append(index)
        if settledOrder.count > Bound.settlementsRemembered {
            settled[settledOrder.removeFirst()] = nil
        }
        host.finished(in: name)
    }

    func settledToken(of index: InboxIndex) -> MessageFrame.LeaseToken? { settled[index] }

    /// Read and not in flight any more, or finished before.
    func hasFinished(_ index: InboxIndex) -> Bool {
        entries[index] == nil && (index < feed.position || finished.holds(index.value))
    }
}

extension CursorDispatch.State {
    fileprivate var isLeased: Bool {
        if case .leased = self { true } else { false }
    }

    fileprivate var isUnassigned: Bool {
        switch self {
        case .ready, .again, .delayed, .failing: true
        case .leased, .finishing: false
        }
    }
}
