extension Initiator {
    /// When `handleTimeout` wants to be called next.
    package var deadline: Instant {
        var earliest = session?.deadline ?? .distantFuture
        switch state {
        case .dialling(_, _, let since): earliest = min(earliest, since + dialPatience)
        case .asking(_, _, _, _, let since):
            earliest = min(earliest, since + Bound.handshakeDeadline)
        case .waiting(let until): earliest = min(earliest, until)
        case .attached, .idle: break
        case .ended: return .distantFuture
        }
        if session == nil, let limit = configuration.firstTimeout {
            earliest = min(earliest, startedAt + limit)
        }
        if let settledAt { earliest = min(earliest, settledAt + lingerLimit) }
        if let giveUpAt { earliest = min(earliest, giveUpAt) }
        return earliest
    }

    /// Nobody waits long for the last word of a peer that broke the rules.
    private var lingerLimit: Duration {
        if case .aborted(let failure, _, _) = session?.outcome, failure.code.isViolation {
            return min(configuration.linger, .seconds(5))
        }
        return configuration.linger
    }

    private var dialPatience: Duration {
        session == nil ? Bound.handshakeDeadline : Bound.redialPatience
    }

    private var giveUpAt: Instant? {
        guard let session, session.outcome == nil, let detachedAt = session.detachedAt,
            let limit = configuration.giveUpAfter
        else { return nil }
        return detachedAt + limit
    }

    package func handleTimeout(now: Instant) {
        guard !isEnded else { return }
        if session == nil, let limit = configuration.firstTimeout, startedAt + limit <= now {
            let seconds = limit.inSeconds
            let because = lastFailure.map { ": \($0.text)" } ?? ""
            end(nil, Failure(.time, .timedOut, "no session within \(seconds) s\(because)"))
            return
        }
        if let giveUpAt, giveUpAt <= now {
            let because = lastFailure.map { " (\($0.text))" } ?? ""
            giveUp(
                Failure(
                    .time, .sessionTimeout,
                    "no connection for \(configuration.giveUpAfter?.inSeconds ?? 0) s\(because)"))
            return
        }
        if let settledAt, settledAt + lingerLimit <= now { session?.stopLingering() }
        if let session, session.deadline <= now { session.handleTimeout(now: now) }
        drain(now: now)
        advance(now: now)
    }

    private func advance(now: Instant) {
        switch state {
        case .waiting(let until) where until <= now: dial(now: now)
        case .dialling(_, _, let since) where since + dialPatience <= now:
            abandonDial(
                now: now,
                Failure(.time, .unreachable, "no connection within \(dialPatience)"))
        case .asking(_, _, let handshake, _, let since)
        where since + Bound.handshakeDeadline <= now:
            let text =
                handshake.heardAnything
                ? "the peer did not finish the handshake"
                : "the peer accepts connections but says nothing; is it an FTSL listener?"
            abandonDial(now: now, Failure(.time, .silentPeer, text))
        case .waiting, .dialling, .asking, .attached, .idle, .ended: break
        }
    }
}
