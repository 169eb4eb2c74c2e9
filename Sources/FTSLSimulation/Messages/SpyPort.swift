internal import FTSLCore
internal import NIOCore

/// Stands between a session and the inbox's port: what comes in is looked at by the checker, and
/// changed by mutations.
final class SpyPort: MessagePort {
    private let port: InboxPort
    private let client: Int
    private let session: SessionID
    private unowned let world: MessageWorld

    init(_ port: InboxPort, client: Int, session: SessionID, world: MessageWorld) {
        self.port = port
        self.client = client
        self.session = session
        self.world = world
    }

    func attached(now: Instant) { port.attached(now: now) }
    func detached(now: Instant) { port.detached(now: now) }
    var deadline: Instant { port.deadline }
    func handleTimeout(now: Instant) { port.handleTimeout(now: now) }

    func receive(_ frame: MessageFrame, now: Instant) throws(Failure) {
        world.checker.hostReceives(frame, from: client, session, world.outboxTables(client))
        if world.mutation == .noFence, case .settle(let settlement) = frame,
            let lease = world.checker.newestLease(of: settlement.index, for: client),
            lease.token != settlement.token, let holder = world.host.ports[lease.session]
        {
            var trusted = settlement
            trusted.token = lease.token
            try holder.receive(.settle(trusted), now: now)
        }
        try port.receive(frame, now: now)
    }

    func transmit(into writer: inout FrameWriter, limit: Int, now: Instant) {
        port.transmit(into: &writer, limit: limit, now: now)
    }
}

extension MessageWorld {
    func outboxTables(_ client: Int) -> OutboxTables? {
        clients.indices.contains(client) ? clients[client].outbox?.tables : nil
    }

    /// Looks at the frames that leave the host on an attached session.
    func inspect(_ buffers: [ByteBuffer], to link: Link, _ session: SessionID) {
        guard !buffers.isEmpty, let client = link.client else { return }
        var decoder = FrameDecoder(maxPayload: 1 << 24)
        for buffer in buffers { decoder.append(buffer) }
        do {
            while let element = try decoder.next() {
                guard case .message(let frame) = element else { continue }
                checker.hostSends(
                    frame, to: client, session, inbox.tables, now: host.clock(now))
            }
        } catch {
            // The end of a handshake leaves with the first frames.
        }
    }
}
