internal import DequeModule
package import NIOCore

extension Session {
    /// Bytes of the current attachment, in the order in which they arrived.
    package func receive(_ bytes: ByteBuffer, now: Instant) {
        guard attachment != nil else { return }
        attachment?.liveness.received(now: now)
        guard !isFrozen else { return frozenInput.append(bytes) }
        attachment?.decoder.append(bytes)
        let capacity = attachment?.decoder.heldCapacity ?? 0
        let eventsBefore = events.count
        var payloadBytes = 0
        do {
            while let element = try attachment?.decoder.next() {
                statistics.framesReceived += 1
                switch element {
                case .data(let channel, let position, let payload):
                    payloadBytes += payload.readableBytes
                    try receiveData(payload, at: position, on: channel, now: now)
                case .frame(let frame):
                    try receive(frame, now: now)
                case .message(let frame):
                    try receive(frame, now: now)
                }
            }
        } catch {
            violated(error)
        }
        if capacity > 2 * Bound.copyBelow, payloadBytes < capacity / 4 {
            compactEvents(from: eventsBefore)
        }
        attachment?.decoder.release()
        evaluate()
    }

    /// Makes room for an application that can take nothing of a channel before it has so many
    /// bytes; false where the bounds do not allow it. [FTSL §5.3]
    package func widen(_ channel: ChannelNumber, to bytes: UInt64) -> Bool {
        guard let index = receiveIndex(channel) else { return false }
        return receives[index].widen(to: bytes, reserve: reserve)
    }

    /// A few bytes must not keep a large read buffer alive while they wait for a slow reader.
    private func compactEvents(from start: Int) {
        for index in start..<max(start, events.count) {
            guard case .data(let channel, let bytes) = events[index] else { continue }
            events[index] = .data(channel, ByteBuffer(bytes: bytes.readableBytesView))
        }
    }

    private func receiveData(
        _ payload: ByteBuffer, at position: UInt64, on channel: ChannelNumber, now: Instant
    ) throws(Failure) {
        let index = try receiver(of: channel)
        // After a fixed outcome nothing more is taken, and so nothing more acknowledged.
        guard case .open = phase else { return }
        if let fresh = try receives[index].receive(payload, at: position, now: now) {
            events.append(.data(channel, fresh))
        }
    }

    private func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        guard let port else {
            throw .violation(.unexpectedFrame, "a message in a session that carries none")
        }
        guard case .open = phase else { return }
        try port.receive(frame, now: now)
    }

    private func receive(_ frame: StreamFrame, now: Instant) throws(Failure) {
        switch frame {
        case .fin(let channel, let position, let digest):
            let index = try receiver(of: channel)
            guard case .open = phase else { return }
            if try receives[index].finish(at: position, digest: digest),
                receives[index].stoppedAt == nil
            {
                events.append(.finished(channel))
            }
        case .ack(let channel, let acknowledged, let credit):
            let index = try sender(of: channel)
            let before = sends[index].acknowledged
            if try sends[index].acknowledge(acknowledged, credit: credit) {
                moved(sends[index].acknowledged - before, now: now)
                statistics.acknowledgements += 1
                if index == 0 { promptWindow?.acknowledged(acknowledged, now: now) }
            }
            if roomWanted[index], room(on: channel) > 0 {
                roomWanted[index] = false
                events.append(.room(channel))
            }
        case .blocked(let channel, _):
            let index = try receiver(of: channel)
            receives[index].share = budget.share.each
            receives[index].blocked(reserve: reserve)
        case .heartbeat, .extension:
            break
        case .terminal(let state): try receive(state)
        case .stop(let channel, let taken):
            let index = try sender(of: channel)
            guard case .open = phase, sends[index].stoppedAt == nil, !sends[index].isDone
            else { return }
            try sends[index].stop(taken: taken)
            events.append(.stopped(channel, at: taken))
        case .abort(let abort):
            guard case .open = phase else { return abandonSends() }
            if peerAbort == nil { peerAbort = abort }
        case .exit(let report):
            guard identity.role == .initiator, identity.flags.contains(.exitStatus) else {
                throw .violation(.unexpectedFrame, "EXIT where no command runs")
            }
            guard exitReport == nil else { return }
            exitReport = report
            events.append(.exited(report))
        case .bye:
            byeReceived = true
            if case .open = phase {} else { abandonSends() }
        case .superseded:
            guard identity.role == .initiator else {
                throw .violation(.unexpectedFrame, "SUPERSEDED from an initiator")
            }
            superseded()
        case .endpoints(let signed): try receive(signed, .endpoints)
        case .redirect(let signed): try receive(signed, .redirect)
        }
    }

    /// On our newest attachment this means that somebody else holds our session. [FTSL §4.6]
    private func superseded() {
        guard case .open = phase else { return }
        let failure = Failure(.peer, .superseded, "another connection took this session over")
        settle(.lost(failure, received: receives[0].bytesReceived, acknowledged: acknowledgedMain))
        stopLingering()
    }

    /// The channel that a frame of the peer's data is about. [FTSL §5.9]
    private func receiver(of channel: ChannelNumber) throws(Failure) -> Int {
        guard let index = receiveIndex(channel) else {
            throw .violation(
                .badChannel, "channel \(channel.value) does not exist in this direction")
        }
        return index
    }

    private func sender(of channel: ChannelNumber) throws(Failure) -> Int {
        guard let index = sendIndex(channel) else {
            throw .violation(
                .badChannel, "channel \(channel.value) does not exist in this direction")
        }
        return index
    }
}
