internal import FTSLCore
internal import NIOCore

/// The invariants that hold at every moment, looked at after every event of a client.
extension World {
    func inspect(_ client: Int) {
        guard checker.failure == nil else { return }
        guard let initiator = initiators[client].application else { return }
        let maxWindow = scenario.clients[client].maxWindow
        let retained = initiator.session.sendingChannels[0].retention.byteCount
        initiators[client].peakRetained = max(initiators[client].peakRetained, retained)
        checkBounds(initiator, maxWindow: max(maxWindow, UInt64(initiatorWindow(client))))
        guard let run = services[client].last, !run.application.isDead else {
            checkComplaint(initiator)
            return
        }
        let service = run.application
        let window = max(
            scenario.acceptorMaxWindow, UInt64(scenario.acceptorLimits.initialWindow),
            UInt64(Bound.reservedWindow))
        checkBounds(service, maxWindow: window)
        check(from: initiator, to: service)
        check(from: service, to: initiator)
        let reserved = acceptor.core.budget.budget.reserved
        if reserved > scenario.maxMemory {
            checker.fail(.bounded, "\(reserved) bytes are reserved")
        }
    }

    private func initiatorWindow(_ client: Int) -> UInt32 {
        scenario.clients[client].limits.initialWindow
    }

    private func checkComplaint(_ application: Application) {
        if let complaint = application.complaint { checker.fail(.prefix, complaint) }
    }

    private func check(from writer: Application, to reader: Application) {
        checkComplaint(reader)
        for (index, source) in writer.writers.enumerated() {
            guard let sink = reader.readers.first(where: { $0.channel == source.channel }) else {
                continue
            }
            if sink.taken > source.written {
                checker.fail(
                    .prefix,
                    "\(reader.role) read \(sink.taken) of \(source.written) bytes written")
            }
            let acknowledged = writer.session.sendingChannels[index].acknowledged
            let taken = sink.taken + (sink.endTaken ? 1 : 0)
            if sink.stoppedAt == nil, acknowledged > taken {
                checker.fail(
                    .noEarlyAcknowledgement,
                    "\(reader.role) took \(taken), but \(acknowledged) are acknowledged")
            }
            if sink.sawEnd, sink.stoppedAt == nil {
                let queued = sink.queue.reduce(UInt64(0)) { $0 + UInt64($1.readableBytes) }
                if !source.ended || sink.taken + queued != source.written {
                    checker.fail(
                        .trustedEnd,
                        "\(reader.role) was told the end at \(sink.taken + queued); the other "
                            + "wrote \(source.written)\(source.ended ? "" : " and goes on")")
                }
            }
        }
    }

    private func checkBounds(_ application: Application, maxWindow: UInt64) {
        for send in application.session.sendingChannels {
            // Whole buffers are retained: the one that is acknowledged in part counts.
            if send.retention.byteCount > Int(maxWindow) {
                checker.fail(.bounded, "\(send.retention.byteCount) bytes are retained")
            }
            let ahead = send.end - min(send.end, send.sentHigh)
            if ahead > UInt64(Bound.readAhead), application.session.outcome == nil {
                checker.fail(.bounded, "\(ahead) bytes are read ahead")
            }
        }
        for receive in application.session.receivingChannels {
            if receive.buffered > maxWindow || receive.granted > maxWindow {
                checker.fail(
                    .bounded, "\(receive.buffered) bytes wait, \(receive.granted) are granted")
            }
        }
    }

    /// An attacker's bytes may only lead to the end of its own connection, or of another
    /// stranger's.
    func checkEffect(_ event: AcceptorEvent, of cause: Link) {
        guard case .attacker = cause.kind else { return }
        switch event {
        case .close(let connection, _):
            guard let link = acceptor.link(connection), link.client != nil else { return }
            let isSession = acceptor.applications.keys.contains {
                acceptor.core.connection(of: $0) == connection
            }
            if isSession {
                checker.fail(.proofFirst, "a stranger closed the connection of a session")
            }
        case .forgotten(let id) where acceptor.applications[id] == nil: return
        case .confirmed, .attached, .detached, .activity, .ended, .forgotten, .wrote, .adopted,
            .departed:
            checker.fail(.proofFirst, "a stranger's bytes led to \(event)")
        }
    }
}
