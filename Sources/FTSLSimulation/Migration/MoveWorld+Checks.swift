internal import FTSLCore
internal import NIOCore

struct Place: Hashable {
    var session: SessionID
    var moves: UInt64
}

/// What is true of a run though no process knows all of it.
struct MoveGhost {
    struct Decision {
        var source: Int
        var target: Int
        /// Generations that these sessions have at the target.
        var sessions: [SessionID: UInt64]
    }

    /// Tickets whose record *moved* is on disk.
    var decided: [TicketID: Decision] = [:]
    var forced: Set<TicketID> = []
    /// Where sessions were started that came from elsewhere.
    var adopted: Set<Place> = []
    /// Sessions that died with the process that served them.
    var excused: Set<SessionID> = []
    var outcomes: [SessionID: Outcome] = [:]
}

/// The invariants that hold at every moment. [design §2]
extension MoveWorld {
    // MARK: Decisions

    func noteDecisions(
        of host: MovingHost, _ tables: HostTables, before: HostTables? = nil
    ) {
        let before = before ?? host.disk.tables
        for (ticket, source) in tables.sources where before.sources[ticket]?.state != source.state {
            switch source.state {
            case .moved:
                ghost.decided[ticket] = MoveGhost.Decision(
                    source: host.index, target: source.target,
                    sessions: source.signposts.mapValues(\.target.generation.moves))
            case .thawed where ghost.decided[ticket] != nil:
                fail(.durable, "a decision was taken back")
            case .frozen, .thawed, .fenced: break
            }
        }
    }

    /// What was decided for a target is not dropped there.
    func checkDiscard(_ ticket: TicketID, at host: MovingHost) {
        if ghost.decided[ticket] != nil {
            fail(.durable, "host \(host.index) drops what was decided for it")
        }
    }

    /// The process is gone: what it served is lost, unless it had given it away; what was prepared
    /// for another time is not.
    func excuse(_ host: MovingHost) {
        let tables = host.disk.tables
        for id in host.core.sessionIDs {
            guard let session = host.core.session(id) else { continue }
            let moves = session.host.generation.moves
            let known = tables.generations[id] ?? 0
            if host.core.standing(of: id)?.state == .prepared {
                if known >= moves { ghost.excused.insert(id) }
            } else if known <= moves {
                ghost.excused.insert(id)
            }
        }
    }

    // MARK: Owners

    /// A client obeys hosts of rising generations only.
    func checkOwner(of client: StreamClient) {
        guard let host = client.dialer.core.session?.host else { return }
        if let before = client.proven {
            if host.generation < before.generation {
                fail(.oneOwner, "client \(client.index) went back to \(host.generation)")
            }
            if host.generation == before.generation, host.instance != before.instance {
                fail(.oneOwner, "client \(client.index) obeys two at \(host.generation)")
            }
        }
        client.proven = host
    }

    /// A host serves nothing that it has given away.
    func checkServed(_ id: SessionID, by host: MovingHost) {
        guard let session = host.core.session(id) else { return }
        let moves = session.host.generation.moves
        for decision in ghost.decided.values
        where decision.source == host.index && decision.sessions[id] ?? 0 > moves {
            fail(.oneOwner, "host \(host.index) serves what it gave away, at \(moves)")
        }
        guard let proven = client(of: id)?.proven, proven.generation.moves > moves else { return }
        fail(.oneOwner, "host \(host.index) serves a client that has met a newer one")
    }

    /// A session has one program at a time.
    func checkAlone(_ id: SessionID, _ client: StreamClient, _ here: MovingHost) {
        guard !scenario.isForced else { return }
        for host in hosts where host.isUp {
            guard let other = host.services[id], !other.isDead else { continue }
            fail(
                .oneOwner,
                "client \(client.index) has programs at \(host.index) and at \(here.index)")
        }
    }

    /// Senders are let to one inbox only.
    func checkInboxAlone() {
        let serving = hosts.filter {
            $0.isUp && $0.core.absence == nil && $0.core.absenceOfInbox == nil
        }.compactMap(\.lanes?.identity.id)
        if Set(serving).count < serving.count { fail(.oneOwner, "two hosts serve one inbox") }
    }

    // MARK: Streams

    func inspect(_ client: StreamClient) {
        guard checker.failure == nil, let mine = client.application else { return }
        if let complaint = mine.complaint { fail(.prefix, complaint) }
        note(mine, client, .down)
        guard let theirs = client.services.last else { return }
        if let complaint = theirs.complaint { fail(.prefix, complaint) }
        note(theirs, client, .up)
        // What was served at two places may contradict itself.
        guard !scenario.isForced else { return }
        check(from: mine, to: theirs, client.taken[.up] ?? [])
        check(from: theirs, to: mine, client.taken[.down] ?? [])
    }

    /// An application is about to give back what it has taken and not used; it counts as taken.
    func noteTaken(by application: Application, _ id: SessionID) {
        if let client = client(of: id) { note(application, client, .up) }
    }

    private func note(_ reader: Application, _ client: StreamClient, _ way: Direction) {
        let now = reader.readers.map {
            $0.stoppedAt == nil ? $0.taken + ($0.endTaken ? 1 : 0) : .max
        }
        let before = client.taken[way] ?? now
        client.taken[way] = zip(now, before).map { max($0, $1) }
    }

    private func check(from writer: Application, to reader: Application, _ taken: [UInt64]) {
        for (index, source) in writer.writers.enumerated() {
            guard let at = reader.readers.firstIndex(where: { $0.channel == source.channel }),
                taken.indices.contains(at)
            else { continue }
            let sink = reader.readers[at]
            if sink.taken > source.written {
                fail(
                    .prefix,
                    "\(reader.role) read \(sink.taken) of \(source.written) bytes written")
            }
            let acknowledged = writer.session.sendingChannels[index].acknowledged
            if acknowledged > taken[at] {
                fail(
                    .noEarlyAcknowledgement,
                    "\(reader.role) took \(taken[at]), but \(acknowledged) are acknowledged")
            }
        }
    }

    // MARK: Messages

    /// What a sender records as accepted is on the disk of an inbox.
    func checkAccepted(_ sender: Sender, from before: OutboxLane?) {
        guard let lane = sender.outbox.tables.lane else { return }
        var sequence = before?.settledBelow ?? .first
        while sequence < lane.settledBelow {
            let isStored = hosts.contains { host in
                host.inbox.tables.messages.contains {
                    $0.producer == lane.producer && $0.sequence == sequence
                }
            }
            if !isStored {
                fail(.durable, "message \(sequence.value) is recorded as accepted, and nowhere")
            }
            sequence = sequence.next
        }
    }
}
