internal import FTSLCore

/// What must be true when all is over: the ends agree, and only excusable losses are losses.
extension World {
    func checkEndings() {
        for client in initiators.indices {
            checkEnding(client)
            if checker.failure != nil { return }
        }
    }

    private func checkEnding(_ client: Int) {
        guard let ending = initiators[client].ending else { return }
        let run = services[client].last
        let lostState = restarts > 0
        guard let outcome = ending.outcome else {
            if run != nil { checker.fail(.definite, "client \(client) never knew its session") }
            if ending.failure?.code == .limits, scenario.maxMemory < 16 << 20 { return }
            if !lostState, !hadLongOutage {
                checker.fail(.definite, "client \(client) never got a session: \(ending)")
            }
            return
        }
        checkOutcome(outcome, of: initiators[client].application, peer: run?.application)
        guard let run else {
            if case .lost = outcome { return excuse(outcome, "client \(client)") }
            if case .aborted(let failure, _, _) = outcome, failure.fault == .local { return }
            checker.fail(.definite, "client \(client) ended \(outcome) without a service")
            return
        }
        guard let theirs = run.outcome else {
            if !run.application.isDead {
                checker.fail(.definite, "the service of client \(client) has no outcome")
            }
            return
        }
        checkOutcome(theirs, of: run.application, peer: initiators[client].application)
        compare(outcome, theirs, client)
        checkPromptness(client, run)
    }

    /// Once both know and nothing goes wrong any more, the last words take moments, not time-outs.
    private func checkPromptness(_ client: Int, _ run: ServiceRun) {
        let process = initiators[client]
        let known = max(process.settledAt ?? 0, run.settledAt, quietSince + 25_000_000_000)
        let moment: UInt64 = 5_000_000_000
        if process.endedAt > known + moment, !run.application.isDead {
            checker.fail(
                .live,
                "client \(client) ended \((process.endedAt - known) / 1_000_000) ms after both knew"
            )
        }
        if scenario.plan.faults.isEmpty, now > process.endedAt + moment, initiators.count == 1 {
            checker.fail(.live, "the acceptor remembers an ended session without need")
        }
    }

    private var hadLongOutage: Bool { outage > 20_000_000_000 }

    private func excuse(_ outcome: Outcome, _ who: String) {
        guard restarts == 0, !hadLongOutage else { return }
        checker.fail(.definite, "\(who) ended \(outcome) though the other end lives")
    }

    /// The client stayed for the last word as long as it was told to, and the service was slower.
    private func lingeredOut(_ client: Int) -> Bool {
        guard let settledAt = initiators[client].settledAt else { return false }
        return initiators[client].endedAt - settledAt + initiators[client].clockOffset
            >= scenario.linger.wholeNanoseconds
    }

    private func compare(_ mine: Outcome, _ theirs: Outcome, _ client: Int) {
        switch (mine, theirs) {
        case (.aborted, .aborted), (.complete, .complete), (.complete, .stopped),
            (.stopped, .complete), (.stopped, .stopped):
            break
        case (.lost, _): excuse(mine, "client \(client)")
        case (_, .lost):
            if !lingeredOut(client) { excuse(theirs, "the service of client \(client)") }
        case (.aborted, _), (_, .aborted):
            checker.fail(
                .definite, "outcomes disagree: client \(client) \(mine), service \(theirs)")
        }
    }

    private func checkOutcome(_ outcome: Outcome, of end: Application?, peer: Application?) {
        guard let end else { return }
        switch outcome {
        case .complete, .stopped: checkSuccess(outcome, of: end, peer: peer)
        case .lost: break
        case .aborted(let failure, let received, _):
            if failure.code.isViolation {
                checker.fail(.definite, "\(end.role) of client \(end.client) ended \(outcome)")
            }
            guard end.aborted == nil else { return }
            guard let peer, peer.aborted != nil else {
                checker.fail(.definite, "\(outcome) though nobody gave up")
                return
            }
            // What an aborting end wrote is delivered first.
            let reader = end.readers[0]
            if reader.stoppedAt == nil,
                reader.taken < peer.writers[0].written || received < reader.taken
            {
                checker.fail(
                    .trustedEnd,
                    "aborted after \(reader.taken) of \(peer.writers[0].written) bytes")
            }
        }
    }

    private func checkSuccess(_ outcome: Outcome, of end: Application, peer: Application?) {
        guard let peer else {
            checker.fail(.trustedEnd, "\(end.role) ended \(outcome) without a peer")
            return
        }
        for (from, to) in [(end, peer), (peer, end)] {
            for writer in from.writers {
                guard let reader = to.readers.first(where: { $0.channel == writer.channel }) else {
                    continue
                }
                guard reader.stoppedAt == nil else { continue }
                if !reader.endTaken || reader.taken != writer.written || !writer.ended {
                    checker.fail(
                        .trustedEnd,
                        "\(end.role) ended \(outcome); \(to.role) took \(reader.taken) of "
                            + "\(writer.written) bytes\(reader.endTaken ? "" : " and no end")")
                }
            }
        }
        checkStop(outcome, of: end, peer: peer)
    }

    /// A writer is told where its reader went away, and only then.
    private func checkStop(_ outcome: Outcome, of end: Application, peer: Application) {
        let stops = end.writers.compactMap { writer in
            peer.readers.first { $0.channel == writer.channel }?.stoppedAt
        }
        switch outcome {
        case .stopped(let at) where !stops.contains(at):
            checker.fail(.definite, "\(end.role) was stopped at \(at); the reader: \(stops)")
        case .complete where !stops.isEmpty:
            checker.fail(.trustedEnd, "\(end.role) ended complete; its reader stopped at \(stops)")
        default: break
        }
    }
}
