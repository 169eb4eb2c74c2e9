/// What becomes of a lane's messages, decided inside the transaction that makes it durable.
/// [FTSL §7.2]
package enum InboxRules {
    package static func apply(
        _ change: InboxChange, in tx: inout some InboxTransaction, limits: InboxLimits
    ) throws -> InboxResult {
        switch change {
        case .openLane(let producer, let owner, let mode, let oldest, let settledBelow):
            return try openLane(
                producer, owner: owner, mode, oldest: oldest, settledBelow: settledBelow, in: &tx,
                limits: limits)
        case .messages(let producer, let fence, let messages):
            return try changing(producer, fence, in: &tx, limits) { cursor, tx in
                try store(messages, for: &cursor, in: &tx, limits)
            }
        case .deposit(let producer, let owner, let messages):
            return try deposit(messages, of: producer, owner: owner, in: &tx, limits)
        case .skip(let producer, let fence, let sequence, let reason, let chain):
            return try changing(producer, fence, in: &tx, limits) { cursor, _ in
                cursor.pass(sequence, as: .skipped(reason), chain: chain)
            }
        case .reject(let producer, let fence, let sequence, let code, let envelope, let digest):
            return try changing(producer, fence, in: &tx, limits) { cursor, tx in
                try tx.dropPieces(of: sequence, from: producer)
                let chain = cursor.chain.adding(sequence, envelope, digest)
                return cursor.pass(sequence, as: .rejected(code), chain: chain)
            }
        case .recorded(let producer, let fence, let below):
            return try changing(producer, fence, in: &tx, limits) { cursor, _ in
                cursor.settle(below: below)
                return nil
            }
        case .piece(let producer, let fence, let sequence, let offset, let bytes):
            // A lane that is not durable has no cursor to be fenced by; its host tells it apart.
            if let cursor = try tx.producer(producer) {
                guard cursor.fence == fence else { return .refused(.laneSuperseded) }
                guard cursor.next == sequence else { return .done }
            }
            try tx.keepPiece(bytes, at: offset, of: sequence, from: producer)
            return .done
        case .dropPieces(let producer, let sequence):
            try tx.dropPieces(of: sequence, from: producer)
            return .done
        case .subscribe, .locate, .finish, .failed, .bury, .return:
            return try ConsumerRules.apply(change, in: &tx, limits: limits)
        }
    }

    // MARK: Opening

    /// A producer that is known keeps its cursor, whatever mode this LANE has. [FTSL §7.1]
    private static func openLane(
        _ producer: ProducerID, owner: String, _ mode: DeliveryMode, oldest: LaneSequence,
        settledBelow: LaneSequence, in tx: inout some InboxTransaction, limits: InboxLimits
    ) throws -> InboxResult {
        let known = try tx.producer(producer)
        if let known, known.owner != owner {
            let text = "the producer \(producer) belongs to another identity"
            return .refused(Failure(.peer, .foreignProducer, text))
        }
        var cursor = known ?? ProducerCursor(producer: producer, owner: owner)
        cursor.fence = try tx.nextFence()
        if known == nil, mode != .exactlyOnce {
            // Nothing is remembered of it: the sender says where it stands.
            cursor.next = oldest
            cursor.settledBelow = oldest
            return .lane(cursor, hasRoom: tx.gives(limits))
        }
        if known == nil, tx.producerCount >= limits.maxProducers {
            let text = "the inbox knows \(limits.maxProducers) producers already"
            return .refused(Failure(.peer, .tooManyProducers, text))
        }
        cursor.settle(below: settledBelow)
        try tx.save(cursor)
        return .lane(cursor, hasRoom: tx.gives(limits))
    }

    // MARK: Messages

    /// Runs on the producer's cursor if the lane is its newest, and saves what changed.
    private static func changing<Transaction: InboxTransaction>(
        _ producer: ProducerID, _ fence: LaneFence, in tx: inout Transaction,
        _ limits: InboxLimits,
        _ body: (inout ProducerCursor, inout Transaction) throws -> Failure?
    ) throws -> InboxResult {
        guard let before = try tx.producer(producer) else {
            let text = "the inbox was told to forget the producer \(producer)"
            return .refused(Failure(.peer, .superseded, text))
        }
        guard before.fence == fence else { return .refused(.laneSuperseded) }
        var cursor = before
        if let failure = try body(&cursor, &tx) { return .refused(failure) }
        if cursor != before { try tx.save(cursor) }
        return .progress(
            next: cursor.next, exceptions: cursor.exceptions, hasRoom: tx.gives(limits),
            end: tx.nextIndex)
    }

    private static func deposit(
        _ messages: [IncomingMessage], of producer: ProducerID, owner: String,
        in tx: inout some InboxTransaction, _ limits: InboxLimits
    ) throws -> InboxResult {
        var cursor = ProducerCursor(producer: producer, owner: owner)
        cursor.next = messages.first?.sequence ?? .first
        if let failure = try store(messages, for: &cursor, in: &tx, limits) {
            return .refused(failure)
        }
        return .progress(
            next: cursor.next, exceptions: cursor.exceptions, hasRoom: tx.gives(limits),
            end: tx.nextIndex)
    }

    /// Message, cursor and chain move together; a repetition moves nothing. Stops at a message that
    /// has no room. [FTSL §7.4]
    private static func store(
        _ messages: [IncomingMessage], for cursor: inout ProducerCursor,
        in tx: inout some InboxTransaction, _ limits: InboxLimits
    ) throws -> Failure? {
        for message in messages where message.sequence >= cursor.next {
            guard message.sequence == cursor.next else {
                return .gap(at: message.sequence, after: cursor.next)
            }
            let chain = cursor.chain.adding(message.sequence, message.envelope, message.digest)
            if let resolution = try exception(message, owner: cursor.owner, in: &tx, limits) {
                guard cursor.hasRoomForException else { return nil }
                if case .pieces = message.body {
                    try tx.dropPieces(of: message.sequence, from: cursor.producer)
                }
                if let failure = cursor.pass(message.sequence, as: resolution, chain: chain) {
                    return failure
                }
                continue
            }
            guard tx.hasRoom(limits) else { return nil }
            let index = try tx.append(message, from: cursor.producer, chain: chain)
            if !message.envelope.id.isEmpty {
                try tx.remember(
                    KnownMessage(index: index, digest: message.digest),
                    as: IdempotencyKey(owner: cursor.owner, id: message.envelope.id))
            }
            cursor.next = message.sequence.next
            cursor.chain = chain
        }
        return nil
    }

    /// Why a message is not stored, if it is not; nil: it is, once there is room. [FTSL §7.5]
    private static func exception(
        _ message: IncomingMessage, owner: String, in tx: inout some InboxTransaction,
        _ limits: InboxLimits
    ) throws -> Resolution? {
        if !message.envelope.id.isEmpty,
            let known = try tx.known(IdempotencyKey(owner: owner, id: message.envelope.id))
        {
            return known.digest == message.digest
                ? .duplicate(of: known.index) : .rejected(.idReused)
        }
        if limits.whenFull == .fail, !tx.hasRoom(limits) { return .rejected(.inboxFull) }
        return nil
    }
}

extension ProducerCursor {
    var hasRoomForException: Bool { exceptions.count < Bound.laneExceptions }

    /// Moves past a message that is not stored; not at all when its outcome has no room.
    fileprivate mutating func pass(
        _ sequence: LaneSequence, as resolution: Resolution, chain: ChainValue
    ) -> Failure? {
        guard sequence >= next, hasRoomForException else { return nil }
        guard sequence == next else { return .gap(at: sequence, after: next) }
        exceptions.append(LaneException(sequence: sequence, resolution: resolution))
        next = sequence.next
        self.chain = chain
        return nil
    }

    /// The sender has recorded every outcome below.
    mutating func settle(below: LaneSequence) {
        settledBelow = max(settledBelow, min(below, next))
        let kept = exceptions.firstIndex { $0.sequence >= settledBelow } ?? exceptions.count
        exceptions.removeFirst(kept)
    }
}

extension InboxTransaction {
    /// Lanes may go on: a full inbox that rejects has to see what it rejects. [FTSL §7.4]
    fileprivate func gives(_ limits: InboxLimits) -> Bool {
        limits.whenFull == .fail || hasRoom(limits)
    }

    /// The bounds may be passed by the one message that reaches them.
    fileprivate func hasRoom(_ limits: InboxLimits) -> Bool {
        messageCount < limits.maxMessages && byteCount < limits.maxBytes
    }
}

extension Failure {
    static var laneSuperseded: Failure {
        Failure(.peer, .superseded, "a newer lane of the same producer took over")
    }

    static func gap(at sequence: LaneSequence, after next: LaneSequence) -> Failure {
        .violation(
            .positionGap, "message \(sequence.value) came where \(next.value) was missing")
    }
}
