internal import DequeModule

extension Initiator {
    // MARK: Failing and trying again

    func lost(_ failure: Failure, now: Instant) {
        guard let session else { return }
        // Where it was served last it most likely still is.
        if case .attached(_, let endpoint) = state { nextEndpoint = endpoint }
        session.detach(now: now)
        events.append(.detached(failure))
        // Acknowledgements are delayed: a link that dies sooner than they come may still carry
        // much.
        if session.progress > progressAtAttach { backoff.reset() }
        drain(now: now)
        if case .ended = state { return }
        lastFailure = failure
        wait(backoff.next(using: &rng), failure, now: now)
    }

    func failed(
        _ failure: Failure, permanent: Bool, isGone: Bool = false, now: Instant
    ) {
        lastFailure = failure
        // An endpoint that did not answer did not say "gone" either.
        if !isGone { gone.interrupt() }
        failuresThisPass += 1
        let first = session == nil
        let exhausted = failuresThisPass >= endpointCount
        if first, exhausted, permanent || !configuration.retryFirst {
            end(nil, failure)
            return
        }
        // Alternatives are tried at once; only a whole pass without success waits.
        wait(exhausted ? backoff.next(using: &rng) : .zero, failure, now: now)
        if exhausted { failuresThisPass = 0 }
    }

    func wait(_ delay: Duration, _ failure: Failure, now: Instant) {
        events.append(.waiting(delay, failure))
        state = .waiting(until: now + delay)
        if delay == .zero { dial(now: now) }
    }

    func dial(now: Instant) {
        let id = ConnectionID(nextConnection)
        let endpoint = nextEndpoint
        nextConnection += 1
        nextEndpoint = (nextEndpoint + 1) % max(1, endpointCount)
        state = .dialling(id, endpoint: endpoint, since: now)
        events.append(.dial(id, endpoint: endpoint))
    }

    func abandonDial(now: Instant, _ failure: Failure) {
        switch state {
        case .dialling(let id, _, _), .asking(let id, _, _, _, _):
            events.append(.close(id, failure))
            failed(failure, permanent: false, now: now)
        case .idle, .attached, .waiting, .ended: return
        }
    }
}
