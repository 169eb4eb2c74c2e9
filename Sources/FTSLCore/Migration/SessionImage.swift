package import NIOCore

/// Everything that must live on for a session to go on at another host. [FTSL §10.4]
package struct SessionImage: Equatable, Sendable {
    package struct Send: Equatable, Sendable {
        package var channel: ChannelNumber
        package var acknowledged: UInt64
        package var credit: UInt64
        package var sentHigh: UInt64
        package var isFinished: Bool
        package var stoppedAt: UInt64?
        /// Position of the first retained byte, and the digest's state before it.
        package var start: UInt64
        package var digestBefore: [UInt8]
        package var retained: ByteBuffer
    }

    package struct Receive: Equatable, Sendable {
        package var channel: ChannelNumber
        package var received: UInt64
        package var taken: UInt64
        package var finPosition: UInt64?
        package var isEndTaken: Bool
        package var stoppedAt: UInt64?
        package var window: UInt64
        package var announcedAcknowledged: UInt64
        package var announcedCredit: UInt64
        package var digest: [UInt8]
    }

    package enum Standing: UInt8, Sendable {
        case unconfirmed = 0
        case confirmed = 1
        case tombstone = 2
    }

    package var id: SessionID
    package var secret: [UInt8]
    package var version: UInt16
    package var flags: ServiceFlags
    package var limits: AgreedLimits
    package var maxWindow: UInt64
    /// The host it leaves.
    package var generation: Generation
    package var highestAttachment: AttachmentNumber
    package var standing: Standing
    package var identity: PeerIdentity
    package var address: String
    package var sends: [Send]
    package var receives: [Receive]
    package var ownAbort: StreamFrame.Abort?
    package var peerAbort: StreamFrame.Abort?
    package var exitReport: ExitReport?
    package var outcome: Outcome?
    package var byeReceived: Bool
    /// What the application left; empty: it had ended, or had not begun.
    package var application: ByteBuffer?
    /// Of the main channel: received, and not used by the application.
    package var unread: ByteBuffer
}

extension SessionImage {
    package func encode(into out: inout ByteBuffer) {
        out.write(id)
        out.writeBytes(secret)
        out.writeInteger(version)
        out.writeInteger(flags.rawValue)
        for value in [
            UInt64(limits.sendPayload), UInt64(limits.receivePayload), limits.sendWindow,
            limits.receiveWindow, limits.heartbeat.wholeNanoseconds,
            limits.sessionTimeout.wholeNanoseconds, maxWindow,
        ] { out.writeInteger(value) }
        out.write(generation)
        out.writeInteger(highestAttachment.value)
        out.writeInteger(standing.rawValue)
        out.write(identity)
        out.writeShortText(address)
        out.writeInteger(UInt8(sends.count))
        for send in sends { Self.encode(send, into: &out) }
        out.writeInteger(UInt8(receives.count))
        for receive in receives { Self.encode(receive, into: &out) }
        out.writeOptional(ownAbort) { $0.write($1) }
        out.writeOptional(peerAbort) { $0.write($1) }
        out.writeOptional(exitReport) { $0.write($1) }
        out.writeOptional(outcome) { $0.write($1) }
        out.write(byeReceived)
        out.writeOptional(application) { $0.writeLong($1) }
        out.writeLong(unread)
    }

    private static func encode(_ send: Send, into out: inout ByteBuffer) {
        out.writeInteger(send.channel.value)
        for value in [send.acknowledged, send.credit, send.sentHigh] { out.writeInteger(value) }
        out.write(send.isFinished)
        out.writeOptional(send.stoppedAt) { $0.writeInteger($1) }
        out.writeInteger(send.start)
        out.writeLong(ByteBuffer(bytes: send.digestBefore))
        out.writeLong(send.retained)
    }

    private static func encode(_ receive: Receive, into out: inout ByteBuffer) {
        out.writeInteger(receive.channel.value)
        out.writeInteger(receive.received)
        out.writeInteger(receive.taken)
        out.writeOptional(receive.finPosition) { $0.writeInteger($1) }
        out.write(receive.isEndTaken)
        out.writeOptional(receive.stoppedAt) { $0.writeInteger($1) }
        out.writeInteger(receive.window)
        out.writeInteger(receive.announcedAcknowledged)
        out.writeInteger(receive.announcedCredit)
        out.writeLong(ByteBuffer(bytes: receive.digest))
    }

    /// Throws a violation when the image is none, or contradicts itself.
    package init(from input: inout ByteBuffer) throws(Failure) {
        id = try input.needSessionID()
        secret = try input.need(bytes: SessionSecret.length)
        version = try input.need()
        flags = ServiceFlags(rawValue: try input.need())
        limits = AgreedLimits(
            sendPayload: try input.needCount(), receivePayload: try input.needCount(),
            sendWindow: try input.need(), receiveWindow: try input.need(),
            heartbeat: .nanoseconds(Int64(clamping: try input.need(UInt64.self))),
            sessionTimeout: .nanoseconds(Int64(clamping: try input.need(UInt64.self))))
        maxWindow = try input.need()
        generation = try input.needGeneration()
        highestAttachment = AttachmentNumber(try input.need())
        guard let standing = Standing(rawValue: try input.need()) else { throw .notAnImage }
        self.standing = standing
        identity = try input.needIdentity()
        address = try input.needText()
        sends = []
        for _ in 0..<(try input.need(UInt8.self)) { sends.append(try Self.send(from: &input)) }
        receives = []
        for _ in 0..<(try input.need(UInt8.self)) {
            receives.append(try Self.receive(from: &input))
        }
        ownAbort = try input.needAbortIfAny()
        peerAbort = try input.needAbortIfAny()
        exitReport = try input.needPresence() ? try input.needExit() : nil
        outcome = try input.needPresence() ? try input.needOutcome() : nil
        byeReceived = try input.needPresence()
        application = try input.needPresence() ? try input.needLong() : nil
        unread = try input.needLong()
        guard isConsistent else { throw .notAnImage }
    }

    private static func send(from input: inout ByteBuffer) throws(Failure) -> Send {
        Send(
            channel: ChannelNumber(try input.need()), acknowledged: try input.need(),
            credit: try input.need(), sentHigh: try input.need(),
            isFinished: try input.needPresence(),
            stoppedAt: try input.needPresence() ? try input.need() : nil, start: try input.need(),
            digestBefore: Array((try input.needLong()).readableBytesView),
            retained: try input.needLong())
    }

    private static func receive(from input: inout ByteBuffer) throws(Failure) -> Receive {
        Receive(
            channel: ChannelNumber(try input.need()), received: try input.need(),
            taken: try input.need(), finPosition: try input.needPresence() ? try input.need() : nil,
            isEndTaken: try input.needPresence(),
            stoppedAt: try input.needPresence() ? try input.need() : nil, window: try input.need(),
            announcedAcknowledged: try input.need(), announcedCredit: try input.need(),
            digest: Array((try input.needLong()).readableBytesView))
    }

    /// What is retained, taken and unread adds up.
    package var isConsistent: Bool {
        let channels = flags.contains(.standardError) ? 2 : 1
        guard sends.count == channels, receives.count == 1, receives[0].channel == .main,
            sends.map(\.channel.value) == Array(0..<UInt8(channels))
        else { return false }
        for send in sends {
            let end = send.start + UInt64(send.retained.readableBytes)
            guard send.digestBefore.count == StreamDigest.imageSize, send.sentHigh <= end + 1,
                send.acknowledged <= send.sentHigh, send.start <= max(send.acknowledged, end)
            else { return false }
        }
        let receive = receives[0]
        let bytes = receive.finPosition ?? receive.received
        guard receive.digest.count == StreamDigest.imageSize, receive.taken <= bytes else {
            return false
        }
        // What came and was not taken before the outcome was fixed is of no use to anybody.
        return outcome != nil || UInt64(unread.readableBytes) == bytes - receive.taken
    }
}

extension Failure {
    static let notAnImage = Failure.violation(
        .malformedFrame, "an image of a session that contradicts itself")
}
