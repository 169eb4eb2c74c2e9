/// An endpoint that a host of the session has named, and whom to expect there.
package struct LearnedEndpoint: Hashable, Sendable {
    package var endpoint: String
    /// Empty: nothing is verified there.
    package var key: String
}

/// Following a session, or a listener, to where it lives now. [FTSL §4.4] [FTSL §10.7]
extension Initiator {
    var endpointCount: Int { configuration.endpointCount + learned.count }

    /// The key that the peer at an endpoint must have because a host of the session said so.
    package func learnedEndpoint(_ index: Int) -> LearnedEndpoint? {
        let own = index - configuration.endpointCount
        return learned.indices.contains(own) ? learned[own] : nil
    }

    /// REDIRECT and ENDPOINTS, whose MACs the session has checked.
    func followFrames(of session: Session, on id: ConnectionID, now: Instant) {
        if let target = session.nextHome {
            session.nextHome = nil
            _ = learn(target)
        }
        guard let target = session.redirect else { return }
        session.redirect = nil
        guard case .attached(id, _) = state else { return }
        let failure = Failure(.peer, .moved, "moved to \(target.endpointList)")
        events.append(.close(id, failure))
        if session.port != nil { return leave(for: target, failure) }
        session.detach(now: now)
        events.append(.detached(failure))
        drain(now: now)
        if case .ended = state { return }
        go(to: target, failure, now: now)
    }

    /// A verdict *moved*: of a resume it was proven; of an OPEN it is only as good as the
    /// connection, but nothing can be lost yet.
    ///
    /// What points to where the client was sent or has been already says nothing new: when its heir
    /// has lost the session, this host cannot help either, and that counts like *gone*.
    func follow(_ verdict: HandshakeMessage.Verdict, from endpoint: Int, now: Instant) {
        let failure = Failure(.peer, verdict.code, verdict.text)
        guard let target = verdict.extensions.target else {
            gone.interrupt()
            return failed(failure, permanent: false, now: now)
        }
        if let session, session.port == nil,
            target.generation.moves <= max(heir ?? 0, session.host.generation.moves)
        {
            _ = learn(target)
            return heardGone(from: endpoint, failure, now: now)
        }
        gone.interrupt()
        // Only ever forward: two hosts that point at each other are not followed in a circle.
        if let session, target.generation.moves <= session.host.generation.moves {
            return failed(failure, permanent: false, now: now)
        }
        if session?.port != nil { return leave(for: target, failure) }
        go(to: target, failure, now: now)
    }

    private func go(to target: MoveTarget, _ failure: Failure, now: Instant) {
        hops += 1
        heir = max(heir ?? 0, target.generation.moves)
        guard hops <= Bound.hops, let first = learn(target) else {
            // After a pause it is worth following again: hosts come back, and move on.
            hops = 0
            return failed(failure, permanent: false, now: now)
        }
        lastFailure = failure
        nextEndpoint = first
        // The target may be a moment behind: then it says *later*, or is dialled again soon.
        backoff.reset()
        wait(.zero, failure, now: now)
    }

    /// A lane or subscription loses nothing with its session: it begins anew over there.
    private func leave(for target: MoveTarget, _ failure: Failure) {
        _ = learn(target)
        end(losing: failure)
    }

    /// The index of the target's first endpoint; nil when it has none.
    private func learn(_ target: MoveTarget) -> Int? {
        for text in target.endpoints {
            let endpoint = LearnedEndpoint(endpoint: text, key: target.key)
            guard !learned.contains(endpoint) else { continue }
            learned.append(endpoint)
        }
        if learned.count > Bound.learnedEndpoints {
            learned.removeFirst(learned.count - Bound.learnedEndpoints)
        }
        guard let first = target.endpoints.first,
            let index = learned.lastIndex(of: LearnedEndpoint(endpoint: first, key: target.key))
        else { return nil }
        return configuration.endpointCount + index
    }
}

extension Bound {
    /// Endpoints that a session remembers of its hosts; the oldest are forgotten.
    package static let learnedEndpoints = 32
}
