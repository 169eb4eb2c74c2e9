internal import DequeModule
internal import NIOCore

extension ConsumerMember {
    // MARK: What its cursor asks

    /// It would take one more message.
    var hasCredit: Bool { isActive && deliveries.hasCredit && held < Bound.deliveries }

    /// …now: what it holds from an earlier connection comes first.
    var hasRoom: Bool { hasCredit && deliveries.hasRoom && redeliveries.isEmpty }

    private var isActive: Bool {
        if case .active = phase { isAttached } else { false }
    }

    func deliver(_ message: StoredMessage, _ token: MessageFrame.LeaseToken) {
        deliveries.append(message, token)
        held += 1
        announced = nil
        host.queue.wake(session)
    }

    /// It does not know yet that nothing is left.
    var wantsCaughtUp: Bool {
        isActive && deliveries.isEmpty && redeliveries.isEmpty && announced != host.end
    }

    // MARK: Filling

    /// Puts what waits into the queue of this connection, and asks for more.
    func pump() {
        if cursor != nil { pumpCursor() }
        pumpFollower()
        pumpLetters()
        if deliveries.isEmpty, !control.isEmpty || wantsCaughtUp, isDrained {
            host.queue.wake(session)
        }
        guard let wanted = deliveries.takePieceWanted() else { return }
        host.ask(
            .fetchPiece(wanted.index, offset: wanted.offset, maxBytes: Bound.bodyPiece),
            .piece(self, subscription: subscription, wanted.index, offset: wanted.offset))
    }

    private func pumpCursor() {
        guard isActive, let cursor else { return }
        while let first = redeliveries.first, !cursor.isLeased(first, to: self) {
            redeliveries.removeFirst()
        }
        guard let first = redeliveries.first else { return cursor.pump() }
        guard !isReadingAgain, hasCredit, deliveries.hasRoom else { return }
        isReadingAgain = true
        host.read(
            from: first, cursor.feed.filter,
            maxMessages: min(redeliveries.count, Bound.queuedDeliveries),
            for: .redelivery(self, subscription: subscription))
    }

    /// What it held is sent again, under the same leases. [FTSL §7.6]
    func readAgain(_ page: MessagePage) {
        isReadingAgain = false
        guard let cursor else { return }
        for message in page.messages {
            while let index = redeliveries.first, index < message.index { skip(index, in: cursor) }
            guard redeliveries.first == message.index else { continue }
            redeliveries.removeFirst()
            if cursor.isLeased(message.index, to: self), let token = cursor.token(of: message.index)
            {
                deliver(message, token)
            }
        }
        while let index = redeliveries.first, index < page.scanned { skip(index, in: cursor) }
        pump()
    }

    /// It was between messages that are there, and is not.
    private func skip(_ index: InboxIndex, in cursor: CursorDispatch) {
        redeliveries.removeFirst()
        if cursor.isLeased(index, to: self) { cursor.vanished(index) }
    }

    func pumpFollower() {
        guard isActive, feed != nil, let allowed = permissions.consume else { return }
        while deliveries.hasRoom, let message = feed?.popFirst() {
            guard allowed.matches(message.envelope.topic) else { continue }
            deliveries.append(message, MessageFrame.LeaseToken(starts: starts, attempt: 0))
            announced = nil
            host.queue.wake(session)
        }
        if isDrained, wantsCaughtUp { host.queue.wake(session) }
        guard deliveries.hasCredit, let feed, feed.wantsPage(before: host.end) else { return }
        self.feed?.isReading = true
        host.read(
            from: feed.position, feed.filter, for: .follower(self, subscription: subscription))
    }

    private var starts: UInt64 { host.identity.generation.starts }

    func read(_ page: MessagePage) {
        feed?.accept(page) { _ in true }
        pump()
    }

    // MARK: Dead letters [FTSL §7.7]

    private func pumpLetters() {
        guard isActive, let list = letters, !list.isReading, !list.isComplete,
            deliveries.hasRoom
        else { return }
        letters?.isReading = true
        host.ask(
            .fetchDead(
                cursor: list.cursor, from: list.position, maxMessages: Bound.queuedDeliveries,
                maxBytes: Bound.queuedDeliveryBytes),
            .letters(self, subscription: subscription))
    }

    func read(letters reply: InboxReply) {
        guard let list = letters else { return }
        guard case .deadLetters(let dead, let messages) = reply else {
            return refuse(reply.failure)
        }
        letters?.isReading = false
        letters?.isComplete = dead.isEmpty
        for (letter, message) in zip(dead, messages) {
            letters?.position = letter.index.next
            let topic = message.envelope.topic
            guard list.filter.matches(topic), permissions.consume?.matches(topic) == true else {
                continue
            }
            deliveries.append(
                message, MessageFrame.LeaseToken(starts: starts, attempt: letter.attempts),
                reason: letter.reason)
        }
        host.queue.wake(session)
        pump()
    }

    // MARK: Frames

    /// Nothing is left to put into the queue.
    private var isDrained: Bool {
        if let letters { return letters.isComplete }
        if let feed { return feed.isDrained(before: host.end) }
        return cursor?.isDrained ?? false
    }

    /// Part of a large body was read.
    func read(_ reply: InboxReply, of index: InboxIndex, at offset: UInt64) {
        guard case .piece(let bytes) = reply else { return refuse(reply.failure) }
        guard bytes.readableBytes > 0 else {
            let text = "message \(index.value) was removed while it was sent"
            return refuse(Failure(.peer, .historyLost, text))
        }
        deliveries.accept(bytes, of: index, at: offset)
        host.queue.wake(session)
    }

    /// Answers first, then deliveries; CAUGHT_UP when nothing is left.
    package func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        let full = writer.byteCount + limit
        while writer.byteCount < full, let frame = control.popFirst() { writer.write(frame) }
        while writer.byteCount < full, control.isEmpty {
            if let frame = deliveries.next(payload: payload) {
                writer.write(frame)
                continue
            }
            pump()
            guard let frame = deliveries.next(payload: payload) else { break }
            writer.write(frame)
        }
        if writer.byteCount < full, control.isEmpty, wantsCaughtUp, isDrained {
            announced = host.end
            writer.write(.caughtUp(host.end))
        }
    }
}

extension MessageFrame.LeaseToken {
    /// Of no lease: an answer to RETURN.
    static let none = MessageFrame.LeaseToken(starts: 0, attempt: 0)
}
