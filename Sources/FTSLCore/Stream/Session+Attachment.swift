extension Session {
    /// A proven attachment carries the session from here. [FTSL §4.3]
    ///
    /// `reports` is what the peer said in RESUME or RESUMED; empty for the attachment that opened
    /// the session.
    package func attach(
        _ number: AttachmentNumber, reports: [ChannelReport], now: Instant
    ) {
        highestAttachment = max(highestAttachment, number)
        statistics.attachments += 1
        detachedAt = nil
        var owed = Owed()
        if receives.contains(where: { $0.stoppedAt != nil }) { owed.insert(.stop) }
        if ownAbort != nil { owed.insert(.abort) }
        if exitReport != nil, identity.role == .acceptor { owed.insert(.exit) }
        if terminal != nil, identity.role == .initiator { owed.insert(.terminal) }
        if case .open = phase {} else { owed.insert(.bye) }
        attachment = Attachment(
            number: number, decoder: FrameDecoder(maxPayload: identity.limits.receivePayload),
            liveness: Liveness(interval: identity.limits.heartbeat, now: now), owed: owed)
        port?.attached(now: now)
        guard number != .opening else { return }
        for index in receives.indices { receives[index].reannounce() }
        do { try rewind(to: reports) } catch { violated(error) }
    }

    private func rewind(to reports: [ChannelReport]) throws(Failure) {
        // A fixed outcome needs nothing resent but what an aborting end still owes.
        for index in sends.indices {
            guard let report = reports.first(where: { $0.channel == sends[index].number }) else {
                throw .violation(
                    .malformedFrame, "channel \(sends[index].number.value) is not reported")
            }
            if case .open = phase {
                try sends[index].rewind(to: report)
            } else if ownAbort != nil, sends[index].retention.byteCount > 0 {
                try sends[index].rewind(to: report)
            }
        }
        for receive in receives {
            guard let report = reports.first(where: { $0.channel == receive.number }),
                report.oldestRetained <= receive.received
            else {
                if case .open = phase {
                    throw .violation(.diverged, "the peer no longer has what is missing here")
                }
                return
            }
        }
    }

    /// The attachment is gone; the session waits for another.
    package func detach(now: Instant) {
        guard attachment != nil else { return }
        attachment = nil
        frozenInput = []
        detachedAt = now
        promptWindow?.detached()
        port?.detached(now: now)
    }

    /// Ends the session because the peer broke a rule. [FTSL §8]
    func violated(_ failure: Failure) {
        guard case .open = phase else {
            events.append(.detach(failure))
            return
        }
        ownFailure = failure
        ownAbort = StreamFrame.Abort(
            code: failure.code.rawValue, positions: [], text: failure.text)
        attachment?.owed.insert(.abort)
        evaluate()
        events.append(.detach(failure))
    }

    // MARK: Time

    /// When `handleTimeout` wants to be called next; later than the last call's `now`.
    package var deadline: Instant {
        guard let attachment else {
            guard let detachedAt, !isOver else { return .distantFuture }
            return detachedAt + identity.limits.sessionTimeout
        }
        var earliest = min(attachment.liveness.deadline, port?.deadline ?? .distantFuture)
        for receive in receives {
            if let due = receive.acknowledgementDeadline {
                earliest = min(earliest, due)
            }
        }
        return earliest
    }

    package func handleTimeout(now: Instant) {
        if let port, now >= port.deadline { port.handleTimeout(now: now) }
        if attachment != nil {
            if attachment?.liveness.isSilent(now: now) == true {
                events.append(
                    .detach(Failure(.time, .silentPeer, "nothing heard for 2.5 heartbeats")))
            }
            attachment?.liveness.heartbeatPassed(now: now)
            for index in receives.indices {
                receives[index].acknowledgementPassed(now: now)
            }
        } else if let detachedAt, now.since(detachedAt) >= identity.limits.sessionTimeout {
            let text = "no connection for \(identity.limits.sessionTimeout)"
            switch phase {
            case .open: giveUp(Failure(.time, .sessionTimeout, text))
            case .settled: stopLingering()
            case .over: break
            }
        }
    }
}
