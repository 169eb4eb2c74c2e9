internal import FTSLCore
internal import NIOCore

/// The network: dials, deliveries, closings.
extension World {
    func makeLink(_ kind: Link.Kind, shape: LinkShape) -> Link {
        let link = Link(
            number: links.count, kind: kind, incarnation: acceptor.incarnation, shape: shape)
        links.append(link)
        return link
    }

    func dial(_ process: InitiatorProcess, _ id: ConnectionID) {
        let client = process.client
        var shape = scenario.clients[client].shape
        if scenario.narrowsRedials, process.core.session != nil {
            shape.capacity = rng.within(1_024...max(1_024, shape.capacity))
        }
        let link = makeLink(.client(client, id), shape: shape)
        process.links.append(link)
        let path = paths[client]
        if path.refusedUntil > now {
            queue.push(.dialFailed(link: link.number), at: now + 2 * shape.latency)
            return
        }
        if path.unreachableUntil > now { return }
        let extra = path.slowUntil > now ? path.slowBy : 0
        queue.push(.accepted(link: link.number), at: now + shape.latency + extra)
        queue.push(.connected(link: link.number), at: now + 2 * shape.latency + extra)
    }

    /// Hands bytes to a socket; true when there were any.
    func write(_ buffers: [ByteBuffer], to link: Link, _ direction: Direction) -> Bool {
        var any = false
        for buffer in buffers where buffer.readableBytes > 0 {
            any = true
            trace.note(
                now, direction == .up ? "sends up" : "sends down", UInt64(link.number),
                UInt64(buffer.readableBytes))
            if direction == .up, link.capture.readableBytes < 2_048 {
                link.capture.writeImmutableBuffer(buffer)
            }
            let piece =
                link[direction].shape.chunk <= 1
                ? 1 : rng.within(1...link[direction].shape.chunk)
            link[direction].write(buffer, now: now, chunk: piece)
        }
        if any { scheduleDelivery(link, direction) }
        return any
    }

    func scheduleDelivery(_ link: Link, _ direction: Direction) {
        guard !link[direction].isScheduled, let time = link[direction].nextArrival(now: now) else {
            return
        }
        link[direction].isScheduled = true
        queue.push(.deliver(link: link.number, direction), at: max(time, now))
    }

    func deliver(_ link: Link, _ direction: Direction) {
        link[direction].isScheduled = false
        let limit = bytesToNextFault(link, direction)
        if let bytes = link[direction].take(now: now, limit: limit) {
            arrive(bytes, link, direction)
            strikeByteFaults(link, direction)
            // The sender's socket has room again.
            wakeSender(link, direction)
        } else if link[direction].endIsDue, link[direction].stalledUntil <= now {
            link[direction].endDelivered = true
            lose(link, direction.receiver, nil)
        }
        scheduleDelivery(link, direction)
    }

    private func arrive(_ bytes: ByteBuffer, _ link: Link, _ direction: Direction) {
        trace.note(
            now, direction == .up ? "gets up" : "gets down", UInt64(link.number),
            UInt64(bytes.readableBytes))
        trace.bytes(bytes)
        if let client = link.client {
            paths[client].delivered[direction, default: 0] += UInt64(bytes.readableBytes)
        }
        let receiver = direction.receiver
        guard link.holds(receiver) else {
            unwanted(bytes, link, receiver)
            return
        }
        switch (receiver, link.kind) {
        case (.acceptor, _): acceptorReceives(bytes, link)
        case (.initiator, .client(let client, _)): initiatorReceives(bytes, link, client)
        case (.initiator, .attacker(let attack)): attackerReceives(bytes, attack)
        }
    }

    /// Bytes for an end that closed: its kernel resets, or it half-closed and drops them.
    private func unwanted(_ bytes: ByteBuffer, _ link: Link, _ receiver: Role) {
        if mutation == .readsOldConnection, receiver == .initiator, let client = link.client,
            let id = initiators[client].core.connection
        {
            initiators[client].core.receive(id, bytes, now: initiators[client].clock(now))
            pump(initiators[client])
        }
        guard receiver == .acceptor, link.incarnation == acceptor.incarnation, !link.isBroken
        else { return }
        guard scenario.acceptorResets else { return acceptorReceives(bytes, link) }
        link.down.lose()
        link.up.lose()
        if link.initiatorHolds {
            queue.push(.notice(link: link.number, .initiator), at: now + link.down.shape.latency)
        }
    }

    private func wakeSender(_ link: Link, _ direction: Direction) {
        guard link.holds(direction.sender) else { return }
        switch (direction.sender, link.kind) {
        case (.acceptor, _):
            acceptor.dirty.insert(link.number)
            if acceptor.pausedUntil <= now { pumpAcceptor() }
        case (.initiator, .client(let client, _)):
            if initiators[client].pausedUntil <= now { pump(initiators[client]) }
        case (.initiator, .attacker): break
        }
    }

    /// An end closes: what it wrote still arrives, then the end does.
    func close(_ link: Link, by role: Role) {
        if role == .initiator, !link.initiatorHolds { link.isAbandoned = true }
        link.letGo(role)
        let direction: Direction = role == .initiator ? .up : .down
        link[direction].endQueued = true
        scheduleDelivery(link, direction)
    }

    func notice(_ link: Link, _ role: Role) {
        lose(link, role, Failure(.peer, .unreachable, "connection reset by peer"))
    }

    /// An end learns that the connection is over.
    private func lose(_ link: Link, _ role: Role, _ failure: Failure?) {
        guard link.holds(role) else { return }
        close(link, by: role)
        switch (role, link.kind) {
        case (.acceptor, _): acceptorLoses(link, failure)
        case (.initiator, .client(let client, _)): initiatorLoses(link, client, failure)
        case (.initiator, .attacker): break
        }
    }
}
