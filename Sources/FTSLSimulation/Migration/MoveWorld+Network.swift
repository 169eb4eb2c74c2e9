internal import FTSLCore
internal import NIOCore

/// The network: dials, deliveries, closings, as in `World`, between any two places.
extension MoveWorld {
    func isCut(_ a: Int, _ b: Int) -> Bool { blocked(a, b) > now }

    /// Until when nothing gets from one place to the other.
    private func blocked(_ a: Int, _ b: Int) -> UInt64 {
        partitions.filter {
            ($0.a == a && ($0.b ?? b) == b) || ($0.a == b && ($0.b ?? a) == a)
        }.map(\.until).max() ?? 0
    }

    func dial(_ dialer: Dialer, _ id: ConnectionID, endpoint: Int) {
        let host = hosts[dialer.host(at: endpoint)]
        let link = Link(
            number: links.count, kind: .client(dialer.client, id), host: host.index,
            incarnation: host.life, shape: dialer.shape)
        links.append(link)
        dialer.links.append(link)
        trace.note(now, "dials", UInt64(dialer.client), UInt64(host.index))
        if isCut(dialer.place, host.index) { return }
        let latency = dialer.shape.latency
        guard host.isUp else {
            after(2 * latency) { [unowned self] in dialFailed(link, dialer) }
            return
        }
        after(latency) { [unowned self] in accepted(link, dialer) }
        after(2 * latency) { [unowned self] in connected(link, dialer) }
    }

    private func isReachable(_ link: Link) -> Bool {
        let host = hosts[link.host]
        return host.isUp && host.life == link.incarnation && !link.isBroken
    }

    private func accepted(_ link: Link, _ dialer: Dialer) {
        guard isReachable(link) else { return }
        let host = hosts[link.host]
        link.acceptorHolds = true
        host.links.append(link)
        host.core.accepted(
            link.acceptorID, from: "place \(dialer.place)", now: host.clock(now))
        if hosts.indices.contains(dialer.place) {
            // The transport has verified who is there.
            host.core.authenticated(
                link.acceptorID, as: .key("host \(dialer.place)"), rights: .migration)
        }
        pump(host)
        scheduleDelivery(link, .up)
    }

    private func connected(_ link: Link, _ dialer: Dialer) {
        guard !dialer.isGone, !link.isAbandoned, let id = link.initiatorID else { return }
        guard isReachable(link) else { return dialFailed(link, dialer) }
        link.initiatorHolds = true
        dialer.core.connected(
            id, isVerified: hosts.indices.contains(dialer.place), now: dialer.clock(now))
        pump(dialer)
    }

    private func dialFailed(_ link: Link, _ dialer: Dialer) {
        guard !dialer.isGone, !link.isAbandoned, let id = link.initiatorID else { return }
        link.isAbandoned = true
        let failure = Failure(.peer, .unreachable, "connection refused")
        dialer.core.dialFailed(id, failure, now: dialer.clock(now))
        pump(dialer)
    }

    /// Hands bytes to a socket; true when there were any.
    func write(_ buffers: [ByteBuffer], to link: Link, _ direction: Direction) -> Bool {
        var any = false
        for buffer in buffers where buffer.readableBytes > 0 {
            any = true
            let most = link[direction].shape.chunk
            link[direction].write(
                buffer, now: now, chunk: most <= 1 ? 1 : rng.within(most / 4 + 1...most))
        }
        if any { scheduleDelivery(link, direction) }
        return any
    }

    private func scheduleDelivery(_ link: Link, _ direction: Direction) {
        guard !link[direction].isScheduled, let time = link[direction].nextArrival(now: now)
        else { return }
        link[direction].isScheduled = true
        at(time) { [unowned self] in deliver(link, direction) }
    }

    private func deliver(_ link: Link, _ direction: Direction) {
        link[direction].isScheduled = false
        guard let dialer = link.client.map({ dialers[$0] }) else { return }
        let until = blocked(dialer.place, link.host)
        if until > now { link[direction].stalledUntil = until }
        if let bytes = link[direction].take(now: now, limit: .max) {
            arrive(bytes, link, direction, dialer)
            wakeSender(link, direction, dialer)
        } else if link[direction].endIsDue, link[direction].stalledUntil <= now {
            link[direction].endDelivered = true
            lose(link, direction.receiver, nil)
        }
        scheduleDelivery(link, direction)
    }

    private func arrive(
        _ bytes: ByteBuffer, _ link: Link, _ direction: Direction, _ dialer: Dialer
    ) {
        trace.note(
            now, direction == .up ? "up" : "down", UInt64(link.number),
            UInt64(bytes.readableBytes))
        trace.bytes(bytes)
        if direction == .up {
            // A socket that was closed is read on for a while.
            guard isReachable(link) else { return }
            let host = hosts[link.host]
            proving = link
            host.core.receive(link.acceptorID, bytes, now: host.clock(now))
            pump(host)
            proving = nil
        } else {
            guard link.initiatorHolds, let id = link.initiatorID else { return }
            dialer.core.receive(id, bytes, now: dialer.clock(now))
            pump(dialer)
        }
    }

    private func wakeSender(_ link: Link, _ direction: Direction, _ dialer: Dialer) {
        guard link.holds(direction.sender) else { return }
        if direction.sender == .acceptor { pump(hosts[link.host]) } else { pump(dialer) }
    }

    /// An end closes: what it wrote still arrives, then the end does.
    func close(_ link: Link, by role: Role) {
        if role == .initiator, !link.initiatorHolds { link.isAbandoned = true }
        link.letGo(role)
        let direction: Direction = role == .initiator ? .up : .down
        link[direction].endQueued = true
        scheduleDelivery(link, direction)
    }

    /// The process died: what it sent may still arrive, and its kernel resets the connection.
    func reset(_ link: Link, by role: Role) {
        if role == .initiator { link.isAbandoned = true }
        link.letGo(role)
        guard !link.isBroken else { return }
        if rng.chance(50) {
            link[role == .acceptor ? .down : .up].endQueued = true
            link[role == .acceptor ? .up : .down].lose()
            return scheduleDelivery(link, role == .acceptor ? .down : .up)
        }
        cut(link)
    }

    /// Both ends learn of it, unless they let go before.
    func cut(_ link: Link) {
        link.up.lose()
        link.down.lose()
        for role in [Role.initiator, .acceptor] {
            let delay =
                rng.chance(70) ? link.down.shape.latency : nanoseconds(rng.within(1...3_000))
            after(delay) { [unowned self] in
                lose(link, role, Failure(.peer, .unreachable, "connection reset by peer"))
            }
        }
    }

    private func lose(_ link: Link, _ role: Role, _ failure: Failure?) {
        guard link.holds(role) else { return }
        close(link, by: role)
        if role == .acceptor {
            let host = hosts[link.host]
            guard host.life == link.incarnation, host.isUp else { return }
            host.core.closed(link.acceptorID, failure, now: host.clock(now))
            pump(host)
        } else if let client = link.client, let id = link.initiatorID {
            let dialer = dialers[client]
            guard !dialer.isGone else { return }
            dialer.core.closed(id, failure, now: dialer.clock(now))
            pump(dialer)
        }
    }
}
