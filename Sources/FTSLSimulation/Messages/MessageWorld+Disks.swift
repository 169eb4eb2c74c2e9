internal import FTSLCore
internal import NIOCore

/// Requests to the disks, and their answers.
extension MessageWorld {
    /// Milliseconds since 1970 on a process's machine.
    func wallClock(_ process: Process) -> UInt64 {
        1_700_000_000_000 + (now + process.clockOffset) / 1_000_000
    }

    // MARK: Asking

    func ask(_ id: StoreRequestID, _ request: InboxRequest) {
        if mutation == .earlyAccepted || mutation == .earlySettled { answerEarly(id, request) }
        if inbox.submit(id, request) { write(-1) } else { read(-1) }
    }

    func ask(_ id: StoreRequestID, _ request: OutboxRequest, of process: ClientProcess) {
        guard let outbox = process.outbox else { return }
        if mutation == .earlyRecorded, case .change(.resolved) = request {
            var tables = outbox.tables
            tables.now = wallClock(process)
            if let reply = try? tables.apply(request) {
                answeredEarly.insert(id)
                process.courier?.reply(id, reply, now: process.clock(now))
            }
        }
        if outbox.submit(id, request) { write(process.client) } else { read(process.client) }
    }

    private func answerEarly(_ id: StoreRequestID, _ request: InboxRequest) {
        switch request {
        case .change(.messages), .change(.skip), .change(.reject):
            guard mutation == .earlyAccepted else { return }
        case .change(.finish), .change(.bury), .change(.failed):
            guard mutation == .earlySettled else { return }
        default: return
        }
        var tables = inbox.tables
        tables.now = wallClock(host)
        guard let reply = try? tables.apply(request) else { return }
        answeredEarly.insert(id)
        host.inbox.reply(id, reply, now: host.clock(now))
    }

    // MARK: Time

    /// Begins a commit unless one is on its way.
    private func write(_ number: Int) {
        let most = rng.within(1...max(1, scenario.changesPerCommit))
        let process = process(number)
        var time = UInt64(rng.spread(1...scenario.commitTime)) * 1_000
        let clock = wallClock(process)
        if number < 0 {
            guard inbox.beginCommit(most, wallClock: clock, isFull: inbox.fullUntil > now) else {
                return
            }
            if inbox.slowUntil > now { time += inbox.slowBy }
            queue.push(.commit(number, epoch: inbox.epoch), at: now + time)
            strikeCommitFaults(.acceptor, number, inbox.commits)
        } else if let outbox = clients[number].outbox {
            guard outbox.beginCommit(most, wallClock: clock, isFull: outbox.fullUntil > now)
            else { return }
            if outbox.slowUntil > now { time += outbox.slowBy }
            queue.push(.commit(number, epoch: outbox.epoch), at: now + time)
            strikeCommitFaults(.initiator, number, outbox.commits)
        }
    }

    private func read(_ number: Int) {
        let time = UInt64(rng.spread(1...max(2, scenario.commitTime / 4))) * 1_000
        let epoch = number < 0 ? inbox.epoch : clients[number].outbox?.epoch ?? 0
        queue.push(.read(number, epoch: epoch), at: now + time)
    }

    func committed(_ number: Int, _ epoch: Int) {
        if number < 0 {
            guard epoch == inbox.epoch else { return }
            let before = inbox.tables
            inbox.finishCommit()
            checker.inboxCommitted(from: before, to: inbox.tables)
        } else if let outbox = clients[number].outbox {
            guard epoch == outbox.epoch else { return }
            let before = outbox.tables
            outbox.finishCommit()
            checker.outboxCommitted(number, from: before, to: outbox.tables)
        }
        trace.note(now, "commit", UInt64(bitPattern: Int64(number)))
        tellAnswers(number, epoch)
        write(number)
    }

    func hasRead(_ number: Int, _ epoch: Int) {
        let clock = wallClock(process(number))
        if number < 0 {
            guard epoch == inbox.epoch, inbox.readNext(wallClock: clock) else { return }
        } else {
            guard let outbox = clients[number].outbox, epoch == outbox.epoch,
                outbox.readNext(wallClock: clock)
            else { return }
        }
        tellAnswers(number, epoch)
    }

    /// From the store's thread to the loop.
    private func tellAnswers(_ number: Int, _ epoch: Int) {
        queue.push(
            .answers(number, epoch: epoch), at: now + UInt64(rng.spread(1...500)) * 1_000)
    }

    func answers(_ number: Int, _ epoch: Int) {
        if number < 0 {
            guard epoch == inbox.epoch, host.isUp else { return }
            for (id, reply) in inbox.takeAnswers() where answeredEarly.remove(id) == nil {
                if case .failed = reply { checker.storeFailed() }
                host.inbox.reply(id, mutated(reply), now: host.clock(now))
            }
            pumpHost()
        } else if let outbox = clients[number].outbox, epoch == outbox.epoch {
            let process = clients[number]
            for (id, reply) in outbox.takeAnswers() where answeredEarly.remove(id) == nil {
                if let submission = submissions.removeValue(forKey: id) {
                    submitted(submission.client, submission.submission, reply)
                } else if id.value < 1 << 40 {
                    process.courier?.reply(id, reply, now: process.clock(now))
                }
            }
            pump(process)
        }
    }

    private func mutated(_ reply: InboxReply) -> InboxReply {
        switch (mutation, reply) {
        case (.lostExceptions, .changed(.progress(let next, _, let hasRoom, let end))):
            return .changed(.progress(next: next, exceptions: [], hasRoom: hasRoom, end: end))
        case (.lostExceptions, .changed(.lane(var cursor, let hasRoom))):
            cursor.exceptions = []
            return .changed(.lane(cursor, hasRoom: hasRoom))
        case (.floorOffByOne, .changed(.consumer(var cursor, let end))) where cursor.floor < end:
            cursor.floor = cursor.floor.next
            return .changed(.consumer(cursor, end: end))
        case (.swapsBodies, .messages(var messages, let scanned)) where messages.count > 1:
            (messages[0].body, messages[1].body) = (messages[1].body, messages[0].body)
            (messages[0].digest, messages[1].digest) = (messages[1].digest, messages[0].digest)
            return .messages(messages, scanned: scanned)
        default: return reply
        }
    }
}
