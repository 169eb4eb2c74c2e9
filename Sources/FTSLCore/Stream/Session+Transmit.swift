package import NIOCore

extension Session {
    /// Writes what should leave now on the current attachment, urgent things first, up to about
    /// `limit` bytes.
    ///
    /// States, acknowledgements, credit and heartbeats are newest-value: they are made here, when
    /// there is room, and never queued. Headers share one buffer; payloads go out as the slices
    /// they came in. [FTSL §5]
    package func transmit(into out: inout [ByteBuffer], limit: Int, now: Instant) {
        guard attachment != nil, limit > 0 else { return }
        guard !isFrozen else { return beat(into: &out, now: now) }
        var writer = FrameWriter(reusing: headers)
        headers = ByteBuffer()
        writeStates(to: &writer)
        let bytesBefore = writer.byteCount
        if case .open = phase {
            port?.transmit(into: &writer, limit: limit - bytesBefore, now: now)
        }
        writeData(to: &writer, limit: limit - bytesBefore, now: now)
        // After BYE nobody asks any more: the peer of an aborted session learns here how far its
        // bytes came.
        let hasCompany = writer.byteCount > 0 || attachment?.owed.contains(.bye) == true
        writeAcknowledgements(to: &writer, hasCompany: hasCompany, now: now)
        if attachment?.owed.contains(.bye) == true, sends.allSatisfy({ $0.unsent == 0 }) {
            attachment?.owed.remove(.bye)
            byeSent = true
            writer.write(.bye)
            evaluate()
        }
        if writer.byteCount == 0, attachment?.liveness.wantsHeartbeat(now: now) == true {
            writer.write(.heartbeat)
            for index in receives.indices { writer.write(receives[index].announce()) }
        }
        if writer.byteCount > 0 {
            statistics.framesSent += UInt64(writer.frameCount)
            attachment?.liveness.sent(now: now)
            tellRoom()
        }
        headers = writer.finish(into: &out)
    }

    /// All that a frozen session says.
    private func beat(into out: inout [ByteBuffer], now: Instant) {
        guard attachment?.liveness.wantsHeartbeat(now: now) == true else { return }
        var bytes = ByteBuffer()
        StreamFrame.heartbeat.encode(into: &bytes)
        out.append(bytes)
        attachment?.liveness.sent(now: now)
    }

    private func writeStates(to writer: inout FrameWriter) {
        guard let owed = attachment?.owed, !owed.isEmpty else { return }
        if owed.contains(.stop) {
            for receive in receives {
                guard let taken = receive.stoppedAt else { continue }
                writer.write(.stop(receive.number, taken: taken))
            }
        }
        if owed.contains(.abort), let ownAbort { writer.write(.abort(ownAbort)) }
        if owed.contains(.exit), let exitReport { writer.write(.exit(exitReport)) }
        if owed.contains(.terminal), let terminal { writer.write(.terminal(terminal)) }
        attachment?.owed.subtract([.stop, .abort, .exit, .terminal])
    }

    private func writeAcknowledgements(
        to writer: inout FrameWriter, hasCompany: Bool, now: Instant
    ) {
        for index in receives.indices {
            let must = receives[index].mustAnnounce(now: now)
            guard must || (hasCompany && receives[index].hasNews) else { continue }
            writer.write(receives[index].announce())
        }
        evaluate()
    }

    /// Channels by turns, a frame each. [FTSL §5]
    private func writeData(to writer: inout FrameWriter, limit: Int, now: Instant) {
        var idle = 0
        while writer.byteCount < limit, idle < sends.count {
            nextToServe = (nextToServe + 1) % sends.count
            if writeFrame(of: nextToServe, to: &writer, now: now) { idle = 0 } else { idle += 1 }
        }
    }

    private func writeFrame(of index: Int, to writer: inout FrameWriter, now: Instant) -> Bool {
        if let piece = sends[index].take(limit: identity.limits.sendPayload) {
            if index == 0 { sentMain(now: now) }
            writer.writeData(sends[index].number, position: piece.position, piece.bytes)
            return true
        }
        if let blocked = sends[index].takeBlocked() {
            writer.write(blocked)
        } else if ownAbort == nil, case .open = phase, let fin = sends[index].takeFin() {
            writer.write(fin)
        }
        return false
    }

    private func tellRoom() {
        for index in sends.indices where roomWanted[index] {
            guard room(on: sends[index].number) > 0 else { continue }
            roomWanted[index] = false
            events.append(.room(sends[index].number))
        }
    }
}

/// Collects frames for one vectored write: one header buffer, payload slices in between.
package struct FrameWriter {
    private var headers: ByteBuffer
    private var payloads: [(headerEnd: Int, bytes: ByteBuffer)] = []
    /// Payloads up to this size cost less to copy than to send as a piece of their own.
    private static let copied = 1024
    /// Enough for a message of a line or two with its acknowledgement, or for a dozen headers.
    private static let room = 256
    /// A header buffer that grew beyond this is not kept.
    private static let kept = 4096
    package private(set) var byteCount = 0
    private(set) var frameCount = 0

    /// `headers` is what the last writer gave back: used again when nothing else holds it any more.
    package init(reusing headers: ByteBuffer = ByteBuffer()) { self.headers = headers }

    private mutating func begin() {
        guard byteCount == 0 else { return }
        headers.clear(minimumCapacity: Self.room)
    }

    mutating func write(_ frame: StreamFrame) {
        begin()
        let before = headers.writerIndex
        frame.encode(into: &headers)
        byteCount += headers.writerIndex - before
        frameCount += 1
    }

    package mutating func write(_ frame: MessageFrame) {
        begin()
        let before = headers.writerIndex
        let payload = frame.encodeFields(into: &headers)
        byteCount += headers.writerIndex - before
        frameCount += 1
        if let payload { follow(with: payload) }
    }

    mutating func writeData(_ channel: ChannelNumber, position: UInt64, _ bytes: ByteBuffer) {
        begin()
        let before = headers.writerIndex
        StreamFrame.dataHeader(
            channel, position: position, count: bytes.readableBytes, into: &headers)
        byteCount += headers.writerIndex - before
        frameCount += 1
        follow(with: bytes)
    }

    private mutating func follow(with bytes: ByteBuffer) {
        byteCount += bytes.readableBytes
        if bytes.readableBytes <= Self.copied {
            headers.writeImmutableBuffer(bytes)
            return
        }
        payloads.append((headers.writerIndex, bytes))
    }

    /// Slices are cut only now: a header buffer that is shared while it grows would be copied each
    /// time.
    ///
    /// Gives back the header buffer for the next writer.
    package consuming func finish(into out: inout [ByteBuffer]) -> ByteBuffer {
        guard byteCount > 0 else { return headers }
        let storage = headers.storageCapacity <= Self.kept ? headers : ByteBuffer()
        for payload in payloads {
            let count = payload.headerEnd - headers.readerIndex
            if count > 0, let slice = headers.readSlice(length: count) { out.append(slice) }
            out.append(payload.bytes)
        }
        if headers.readableBytes > 0 { out.append(headers) }
        return storage
    }
}
