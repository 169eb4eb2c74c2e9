/// What becomes of messages at their sender, decided inside the transaction that makes it durable.
/// [FTSL §7.3]
package enum OutboxRules {
    package static func apply(
        _ change: OutboxChange, in tx: inout some OutboxTransaction
    ) throws -> OutboxResult {
        switch change {
        case .submit(let messages, let destination, let isOffered):
            return try submit(messages, to: destination, isOffered: isOffered, in: &tx)
        case .offering(let below, let destination):
            return try changing(destination, in: &tx) { lane, _ in
                lane.offer(below: below)
                return .lane(lane)
            }
        case .ready(let standing, let mode, let destination):
            return try changing(destination, in: &tx) { lane, tx in
                try ready(standing, mode, &lane, in: &tx)
            }
        case .resolved(let next, let exceptions, let destination):
            return try changing(destination, in: &tx) { lane, tx in
                try resolve(below: next, exceptions, of: &lane, in: &tx)
            }
        case .skipping(let reasons, let destination):
            return try changing(destination, in: &tx) { lane, tx in
                for (sequence, reason) in reasons {
                    guard var message = try tx.message(sequence, of: lane) else { continue }
                    message.skipped = reason
                    try tx.update(message, of: lane)
                }
                return .done
            }
        case .cancel(let sequence, let destination):
            return try changing(destination, in: &tx) { lane, tx in
                try cancel(sequence, of: lane, in: &tx)
            }
        case .halted(let code, let destination):
            return try changing(destination, in: &tx) { lane, _ in
                lane.halted = code
                return .done
            }
        case .renew(let destination, let producer):
            return try renew(destination, as: producer, in: &tx)
        }
    }

    private static func changing<Transaction: OutboxTransaction>(
        _ destination: String, in tx: inout Transaction,
        _ body: (inout OutboxLane, inout Transaction) throws -> OutboxResult
    ) throws -> OutboxResult {
        guard let before = try tx.lane(destination) else {
            let text = "nothing was ever submitted to \(destination)"
            return .refused(Failure(.local, .internalError, text))
        }
        var lane = before
        let result = try body(&lane, &tx)
        if lane != before { try tx.save(lane) }
        return result
    }

    // MARK: Submitting

    /// A repetition under an id is the message that has it. Another body under it is the inbox's to
    /// reject, which alone knows whether the first was ever stored.
    private static func submit(
        _ messages: [NewMessage], to destination: String, isOffered: Bool,
        in tx: inout some OutboxTransaction
    ) throws -> OutboxResult {
        var lane =
            try tx.lane(destination)
            ?? OutboxLane(destination: destination, producer: tx.freshProducer())
        let isNext = lane.offeredBelow == lane.end
        var sequences: [LaneSequence] = []
        var fresh: [OutboxMessage] = []
        sequences.reserveCapacity(messages.count)
        fresh.reserveCapacity(messages.count)
        for message in messages {
            let id = message.envelope.id
            let holder = id.isEmpty ? nil : try holder(of: id, on: lane, in: &tx)
            // Of an id that an older version kept, the body is not known any more.
            if let holder, holder.digest ?? message.digest == message.digest {
                sequences.append(holder.sequence)
                continue
            }
            let sequence = lane.end
            lane.chain = lane.chain.adding(sequence, message.envelope, message.digest)
            lane.end = sequence.next
            fresh.append(
                OutboxMessage(
                    sequence: sequence, envelope: message.envelope, expires: message.expires,
                    digest: message.digest, body: message.body, chain: lane.chain))
            try tx.append(fresh[fresh.count - 1], to: lane)
            if !id.isEmpty, holder == nil {
                let holder = IDHolder(sequence: sequence, digest: message.digest)
                try tx.remember(id: id, holder, of: lane)
            }
            sequences.append(sequence)
        }
        if isOffered, isNext { lane.offer(below: lane.end) }
        try tx.save(lane)
        var submitted = Submitted(
            producer: lane.producer, sequences: sequences, offeredBelow: lane.offeredBelow)
        if lane.offeredBelow == lane.end { submitted.fresh = fresh }
        return .submitted(submitted)
    }

    private static func holder(
        of id: String, on lane: OutboxLane, in tx: inout some OutboxTransaction
    ) throws -> IDHolder? {
        guard var holder = try tx.holder(ofID: id, of: lane) else { return nil }
        holder.digest = try holder.digest ?? tx.message(holder.sequence, of: lane)?.digest
        return holder
    }

    // MARK: What the inbox says

    /// Histories that do not fit together halt the lane under their name; nothing is guessed.
    private static func ready(
        _ standing: InboxStanding, _ mode: DeliveryMode, _ lane: inout OutboxLane,
        in tx: inout some OutboxTransaction
    ) throws -> OutboxResult {
        if let halted = lane.halted { return .refused(.halted(halted)) }
        if mode == .exactlyOnce, let code = try mismatch(standing, lane, in: &tx) {
            if code != .staleGeneration { lane.halted = code }
            return .refused(.halted(code))
        }
        lane.inbox = standing.inbox.id
        lane.generation = max(lane.generation, standing.inbox.generation)
        lane.offer(below: standing.next.advanced(by: Bound.offeredAhead))
        return try resolve(below: standing.next, standing.exceptions, of: &lane, in: &tx)
    }

    private static func mismatch(
        _ standing: InboxStanding, _ lane: OutboxLane, in tx: inout some OutboxTransaction
    ) throws -> FailureCode? {
        if let met = lane.inbox, met != standing.inbox.id { return .inboxChanged }
        // An older host is waited for; a file brought back from a copy is judged by what it knows.
        if standing.inbox.generation.moves < lane.generation.moves { return .staleGeneration }
        if standing.next < lane.settledBelow { return .historyLost }
        if standing.next > lane.end { return .outboxRolledBack }
        let chain = try chain(below: standing.next, of: lane, in: &tx)
        return chain == standing.chain ? nil : .outboxRolledBack
    }

    private static func chain(
        below next: LaneSequence, of lane: OutboxLane, in tx: inout some OutboxTransaction
    ) throws -> ChainValue? {
        if next == lane.settledBelow { return lane.settledChain }
        if next == lane.end { return lane.chain }
        return try tx.chain(of: LaneSequence(next.value - 1), of: lane)
    }

    private static func resolve(
        below next: LaneSequence, _ exceptions: [LaneException], of lane: inout OutboxLane,
        in tx: inout some OutboxTransaction
    ) throws -> OutboxResult {
        guard next > lane.settledBelow else { return .lane(lane) }
        guard next <= lane.end, let chain = try chain(below: next, of: lane, in: &tx) else {
            lane.halted = .outboxRolledBack
            return .refused(.halted(.outboxRolledBack))
        }
        for exception in exceptions where exception.sequence >= lane.settledBelow {
            try tx.record(exception, of: lane)
        }
        lane.settledBelow = next
        lane.settledChain = chain
        lane.offer(below: next)
        try tx.drop(below: next, of: lane)
        return .lane(lane)
    }

    // MARK: What the user wants

    private static func cancel(
        _ sequence: LaneSequence, of lane: OutboxLane, in tx: inout some OutboxTransaction
    ) throws -> OutboxResult {
        if sequence < lane.settledBelow {
            let resolution = try tx.exception(sequence, of: lane)
            return .known(resolution.map(MessageOutcome.resolved) ?? .accepted)
        }
        guard var message = try tx.message(sequence, of: lane) else {
            let text = "no message \(sequence.value) was submitted to \(lane.destination)"
            return .refused(Failure(.local, .malformedMessage, text))
        }
        if message.skipped == nil, sequence >= lane.offeredBelow { message.skipped = .cancelled }
        message.cancelRequested = true
        try tx.update(message, of: lane)
        return message.skipped.map { .known(.resolved(.skipped($0))) } ?? .done
    }

    private static func renew(
        _ destination: String, as producer: ProducerID, in tx: inout some OutboxTransaction
    ) throws -> OutboxResult {
        guard let old = try tx.lane(destination) else { return .done }
        var lane = OutboxLane(destination: destination, producer: producer)
        try tx.save(lane)
        for value in old.settledBelow.value..<old.end.value {
            let sequence = LaneSequence(value)
            guard var message = try tx.message(sequence, of: old) else { continue }
            message.sequence = lane.end
            lane.chain = lane.chain.adding(lane.end, message.envelope, message.digest)
            message.chain = lane.chain
            try tx.move(sequence, of: old, to: lane, as: message)
            if !message.envelope.id.isEmpty {
                let holder = IDHolder(sequence: lane.end, digest: message.digest)
                try tx.remember(id: message.envelope.id, holder, of: lane)
            }
            lane.end = lane.end.next
        }
        try tx.save(lane)
        return .lane(lane)
    }
}

extension Failure {
    /// Why a lane stops until the user decides. [FTSL §7.3]
    static func halted(_ code: FailureCode) -> Failure {
        let text =
            switch code {
            case .inboxChanged: "another inbox answers than the one met before"
            case .historyLost: "the inbox lacks messages that it had accepted"
            case .outboxRolledBack: "the outbox lacks messages that it sent: restored or copied"
            case .foreignProducer: "the outbox's producer belongs to another identity"
            case .staleGeneration: "the inbox is older than when it was met before"
            default: "the lane is halted"
            }
        return Failure(.peer, code, text)
    }
}
