internal import FTSLCore
internal import NIOCore

/// The network: dials, deliveries, closings, as in `World`.
extension MessageWorld {
    func dial(_ process: ClientProcess, _ id: ConnectionID) {
        let shape = scenario.shapes[process.client]
        let link = Link(
            number: links.count, kind: .client(process.client, id), incarnation: host.incarnation,
            shape: shape)
        links.append(link)
        process.links.append(link)
        let path = paths[process.client]
        if path.refusedUntil > now || !host.isUp {
            queue.push(.dialFailed(link: link.number), at: now + 2 * shape.latency)
            return
        }
        if path.unreachableUntil > now { return }
        queue.push(.accepted(link: link.number), at: now + shape.latency)
        queue.push(.connected(link: link.number), at: now + 2 * shape.latency)
    }

    /// Hands bytes to a socket; true when there were any.
    func write(_ buffers: [ByteBuffer], to link: Link, _ direction: Direction) -> Bool {
        var any = false
        for buffer in buffers where buffer.readableBytes > 0 {
            any = true
            trace.note(
                now, direction == .up ? "sends up" : "sends down", UInt64(link.number),
                UInt64(buffer.readableBytes))
            let most = link[direction].shape.chunk
            link[direction].write(
                buffer, now: now, chunk: most <= 1 ? 1 : rng.within(most / 4 + 1...most))
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
        if receiver == .acceptor { hostReceives(bytes, link) } else { clientReceives(bytes, link) }
    }

    /// Bytes for an end that closed: its kernel resets, or it half-closed and drops them.
    private func unwanted(_ bytes: ByteBuffer, _ link: Link, _ receiver: Role) {
        guard receiver == .acceptor, link.incarnation == host.incarnation, !link.isBroken
        else { return }
        guard scenario.acceptorResets else { return hostReceives(bytes, link) }
        link.down.lose()
        link.up.lose()
        if link.initiatorHolds {
            queue.push(.notice(link: link.number, .initiator), at: now + link.down.shape.latency)
        }
    }

    /// The sender's socket has room again.
    private func wakeSender(_ link: Link, _ direction: Direction) {
        guard link.holds(direction.sender) else { return }
        if direction.sender == .acceptor {
            host.dirty.insert(link.number)
            if host.pausedUntil <= now { pumpHost() }
        } else if let client = link.client, clients[client].pausedUntil <= now {
            pump(clients[client])
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

    /// The process died: its kernel resets the connection.
    func reset(_ link: Link, by role: Role) {
        if role == .initiator { link.isAbandoned = true }
        link.letGo(role)
        let isBroken = link.isBroken
        link.up.lose()
        link.down.lose()
        guard !isBroken else { return }
        let other: Role = role == .initiator ? .acceptor : .initiator
        queue.push(.notice(link: link.number, other), at: now + link.down.shape.latency)
    }

    func notice(_ link: Link, _ role: Role) {
        lose(link, role, Failure(.peer, .unreachable, "connection reset by peer"))
    }

    /// An end learns that the connection is over.
    private func lose(_ link: Link, _ role: Role, _ failure: Failure?) {
        guard link.holds(role) else { return }
        close(link, by: role)
        if role == .acceptor { hostLoses(link, failure) } else { clientLoses(link, failure) }
    }

    // MARK: Inputs of clients

    func connected(_ link: Link) {
        guard let client = link.client, !link.isAbandoned, let id = link.initiatorID else { return }
        guard link.incarnation == host.incarnation, host.isUp, !link.isBroken else {
            dialFailed(link)
            return
        }
        trace.note(now, "connected", UInt64(client), id.value)
        let process = clients[client]
        link.initiatorHolds = true
        process.core?.connected(id, now: process.clock(now))
        pump(process)
    }

    func dialFailed(_ link: Link) {
        guard let client = link.client, !link.isAbandoned, let id = link.initiatorID else { return }
        trace.note(now, "refused", UInt64(client), id.value)
        let process = clients[client]
        link.isAbandoned = true
        let failure = Failure(.peer, .unreachable, "connection refused")
        process.core?.dialFailed(id, failure, now: process.clock(now))
        pump(process)
    }

    private func clientReceives(_ bytes: ByteBuffer, _ link: Link) {
        guard let client = link.client, let id = link.initiatorID else { return }
        clients[client].core?.receive(id, bytes, now: clients[client].clock(now))
        pump(clients[client])
    }

    private func clientLoses(_ link: Link, _ failure: Failure?) {
        guard let client = link.client, let id = link.initiatorID else { return }
        trace.note(now, "client lost", UInt64(client), id.value, failure?.text ?? "end")
        clients[client].core?.closed(id, failure, now: clients[client].clock(now))
        pump(clients[client])
    }
}
