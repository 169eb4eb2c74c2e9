internal import FTSLCore
internal import NIOCore

/// What must be true when all is over: ends agree, only excusable losses are losses, and each
/// message is in the inbox once.
extension MoveWorld {
    func checkEndings() {
        for client in clients where checker.failure == nil { checkEnding(of: client) }
        if checker.failure == nil { checkInbox() }
    }

    private func checkEnding(of client: StreamClient) {
        let who = "client \(client.index)"
        guard let ending = client.ending, let outcome = ending.outcome else {
            return fail(.definite, "\(who) never got a session: \(client.ending as Any)")
        }
        let isExcused = client.session.map { ghost.excused.contains($0) } ?? false
        switch outcome {
        case .complete, .stopped: checkSuccess(outcome, of: client)
        case .lost(let failure, _, _):
            if !isExcused, !scenario.isForced {
                fail(.definite, "\(who) was lost though what served it lives: \(failure)")
            }
        case .aborted(let failure, _, _):
            if scenario.isForced { return }
            if failure.code.isViolation { fail(.definite, "\(who) ended \(outcome)") }
            if client.application?.aborted == nil,
                client.services.allSatisfy({ $0.aborted == nil })
            {
                fail(.definite, "\(who) ended \(outcome), though nobody gave up")
            }
        }
        guard !scenario.isForced, let id = client.session, let theirs = ghost.outcomes[id] else {
            return
        }
        switch (outcome, theirs) {
        case (.aborted, .complete), (.aborted, .stopped), (.complete, .aborted),
            (.stopped, .aborted):
            fail(.definite, "\(who) ended \(outcome), its service \(theirs)")
        case (.complete, .lost), (.stopped, .lost):
            if !isExcused { fail(.definite, "\(who) ended \(outcome), its service \(theirs)") }
        default: break
        }
    }

    private func checkSuccess(_ outcome: Outcome, of client: StreamClient) {
        guard let mine = client.application, let theirs = client.services.last else {
            return fail(.trustedEnd, "client \(client.index) ended \(outcome) without a service")
        }
        if scenario.isForced { return }
        for (from, to, way) in [(mine, theirs, Direction.up), (theirs, mine, .down)] {
            for writer in from.writers {
                guard let at = to.readers.firstIndex(where: { $0.channel == writer.channel }),
                    to.readers[at].stoppedAt == nil
                else { continue }
                let reader = to.readers[at]
                // What an application took and gave back was taken: should its host die then, it
                // is lost with the application.
                let ever = client.taken[way].flatMap { $0.indices.contains(at) ? $0[at] : nil }
                let most = max(reader.taken + (reader.endTaken ? 1 : 0), ever ?? 0)
                if most != writer.written + 1 || !writer.ended {
                    fail(
                        .trustedEnd,
                        "client \(client.index) ended \(outcome); \(to.role) took "
                            + "\(reader.taken) of \(writer.written) bytes"
                            + "\(reader.endTaken ? "" : " and no end")")
                }
            }
        }
    }

    private func checkInbox() {
        let holders = hosts.filter { $0.lanes != nil && !$0.inbox.tables.producers.isEmpty }
        for host in hosts { checkOnce(host.inbox.tables) }
        checkInboxAlone()
        // Whoever met the empty inbox of a target sends nothing to the one that took its place.
        let hasSenders = senders.contains { $0.courier != nil && $0.stopped?.code != .inboxChanged }
        if scenario.isForced || !hasSenders { return }
        guard holders.count == 1, let inbox = holders.first?.inbox.tables else {
            return fail(.durable, "the inbox is served at \(holders.map(\.index))")
        }
        for sender in senders {
            guard let lane = sender.outbox.tables.lane else { continue }
            let stored = inbox.messages.filter { $0.producer == lane.producer }
            let sequences = stored.map(\.sequence.value)
            if sequences != Array(1..<lane.end.value) {
                fail(
                    .durable,
                    "sender \(sender.index) sent \(lane.end.value - 1) messages; the inbox has "
                        + "\(sequences)")
            }
        }
    }

    private func checkOnce(_ inbox: InboxTables) {
        var seen: Set<LanePlace> = []
        for message in inbox.messages {
            let place = LanePlace(producer: message.producer, sequence: message.sequence)
            if !seen.insert(place).inserted {
                fail(.exactlyOnce, "message \(message.sequence.value) is stored twice")
            }
            let stream = PseudoStream(seed: message.envelope.created)
            let body =
                if case .inline(let bytes) = message.body { Optional(bytes) } else {
                    inbox.bodies[message.index]
                }
            guard let body, UInt64(body.readableBytes) == message.digest.count,
                stream.firstDifference(body, at: 0) == nil
            else {
                fail(.delivered, "message \(message.sequence.value) has other bytes")
                continue
            }
        }
    }
}
