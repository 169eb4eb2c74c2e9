package import NIOCore

/// What one end says about one channel when it resumes. [FTSL §4.3]
package struct ChannelReport: Hashable, Sendable {
    package var channel: ChannelNumber
    /// First position not received yet; FIN counts as one.
    package var received: UInt64
    /// XXH3-64 of the data received.
    package var digest: UInt64
    /// Lowest position of its own stream this end can still send.
    package var oldestRetained: UInt64

    package init(
        channel: ChannelNumber, received: UInt64, digest: UInt64, oldestRetained: UInt64
    ) {
        self.channel = channel
        self.received = received
        self.digest = digest
        self.oldestRetained = oldestRetained
    }
}

/// What an acceptor says instead of OPENED or RESUMED. [FTSL §4.4]
package enum VerdictKind: UInt8, Sendable {
    case later = 1
    case moved = 2
    case final = 3
    case refused = 4
    case gone = 5
}

/// The frames that open or resume a session, without their MACs. [FTSL §4]
package enum HandshakeMessage: Hashable, Sendable {
    package struct Open: Hashable, Sendable {
        package var versions: [UInt16]
        package var nonce: [UInt8]
        package var publicKey: [UInt8]
        package var service: String
        package var limits: SessionLimits
        package var extensions = Extensions()
    }
    package struct Opened: Hashable, Sendable {
        package var version: UInt16
        package var id: SessionID
        package var nonce: [UInt8]
        package var publicKey: [UInt8]
        package var host: HostIdentity
        package var flags: ServiceFlags
        package var limits: SessionLimits
        package var extensions = Extensions()
    }
    package struct Resume: Hashable, Sendable {
        package var version: UInt16
        package var id: SessionID
        package var attachment: AttachmentNumber
        package var host: HostIdentity
        package var nonce: [UInt8]
        package var reports: [ChannelReport]
        package var extensions = Extensions()
    }
    package struct Resumed: Hashable, Sendable {
        package var nonce: [UInt8]
        package var attachment: AttachmentNumber
        package var host: HostIdentity
        package var reports: [ChannelReport]
        package var extensions = Extensions()
    }
    package struct Verdict: Hashable, Sendable {
        package var kind: VerdictKind
        package var code: FailureCode
        package var retryAfter: Duration = .zero
        package var text: String
        package var extensions = Extensions()
    }

    case open(Open)
    case opened(Opened)
    case confirm
    case resume(Resume)
    case resumed(Resumed)
    case proof
    case verdict(Verdict)

    package static let nonceLength = 32
    package static let keyLength = 32
    package static let macLength = 32

    package var kind: FrameKind {
        switch self {
        case .open: .open
        case .opened: .opened
        case .confirm: .confirm
        case .resume: .resume
        case .resumed: .resumed
        case .proof: .proof
        case .verdict: .verdict
        }
    }

    package var hasMAC: Bool { kind != .open }
}

extension HandshakeMessage {
    /// The frame up to its MAC; the length field already counts the MAC.
    package func encoded() -> ByteBuffer {
        var body = ByteBuffer()
        encodeBody(to: &body)
        var frame = ByteBuffer()
        frame.reserveCapacity(body.readableBytes + 5 + Self.macLength)
        frame.writeInteger(UInt32(1 + body.readableBytes + (hasMAC ? Self.macLength : 0)))
        frame.writeInteger(kind.rawValue)
        frame.writeBuffer(&body)
        return frame
    }

    private func encodeBody(to body: inout ByteBuffer) {
        switch self {
        case .open(let open):
            body.writeInteger(UInt8(open.versions.count))
            for version in open.versions { body.writeInteger(version) }
            body.writeBytes(open.nonce)
            body.writeBytes(open.publicKey)
            body.writeShortText(open.service)
            body.write(open.limits)
            open.extensions.write(to: &body)
        case .opened(let opened):
            body.writeInteger(opened.version)
            body.write(opened.id)
            body.writeBytes(opened.nonce)
            body.writeBytes(opened.publicKey)
            body.write(opened.host.generation)
            body.writeInteger(opened.host.instance)
            body.writeInteger(opened.flags.rawValue)
            body.write(opened.limits)
            opened.extensions.write(to: &body)
        case .resume(let resume):
            body.writeInteger(resume.version)
            body.write(resume.id)
            body.writeInteger(resume.attachment.value)
            body.write(resume.host.generation)
            body.writeInteger(resume.host.instance)
            body.writeBytes(resume.nonce)
            Self.write(resume.reports, to: &body)
            resume.extensions.write(to: &body)
        case .resumed(let resumed):
            body.writeBytes(resumed.nonce)
            body.writeInteger(resumed.attachment.value)
            body.write(resumed.host.generation)
            body.writeInteger(resumed.host.instance)
            Self.write(resumed.reports, to: &body)
            resumed.extensions.write(to: &body)
        case .verdict(let verdict):
            body.writeInteger(verdict.kind.rawValue)
            body.writeInteger(verdict.code.rawValue)
            body.writeInteger(
                UInt32(clamping: verdict.retryAfter.wholeNanoseconds / 1_000_000))
            body.writeShortText(verdict.text)
            verdict.extensions.write(to: &body)
        case .confirm, .proof:
            break
        }
    }

    private static func write(_ reports: [ChannelReport], to body: inout ByteBuffer) {
        body.writeInteger(UInt8(reports.count))
        for report in reports {
            body.writeInteger(report.channel.value)
            body.writeInteger(report.received)
            body.writeInteger(report.digest)
            body.writeInteger(report.oldestRetained)
        }
    }

    private static func reports(
        from body: inout ByteBuffer
    ) throws(Failure) -> [ChannelReport] {
        var reports: [ChannelReport] = []
        for _ in 0..<(try body.need(UInt8.self)) {
            let report = ChannelReport(
                channel: ChannelNumber(try body.need()), received: try body.need(),
                digest: try body.need(), oldestRetained: try body.need())
            guard !reports.contains(where: { $0.channel == report.channel }) else {
                throw .violation(.malformedFrame, "a channel is reported twice")
            }
            reports.append(report)
        }
        return reports
    }

    /// Decodes the part of a handshake frame after its kind and before its MAC.
    package init(kind: FrameKind, body: ByteBuffer) throws(Failure) {
        var body = body
        switch kind {
        case .open: self = .open(try Self.open(from: &body))
        case .opened: self = .opened(try Self.opened(from: &body))
        case .confirm: self = .confirm
        case .resume: self = .resume(try Self.resume(from: &body))
        case .resumed:
            self = .resumed(
                Resumed(
                    nonce: try body.need(bytes: Self.nonceLength),
                    attachment: AttachmentNumber(try body.need()),
                    host: try Self.host(from: &body), reports: try Self.reports(from: &body),
                    extensions: try Extensions(from: &body)))
        case .proof: self = .proof
        case .verdict: self = .verdict(try Self.verdict(from: &body))
        case .data, .fin, .ack, .blocked, .heartbeat, .stop, .abort, .exit, .bye, .superseded,
            .endpoints, .redirect, .extension, .lane, .ready, .message, .accepted, .recorded, .skip,
            .refused, .watch, .processed, .subscribe, .subscribed, .delivery, .settle, .settled,
            .grant, .caughtUp,
            .return:
            throw .violation(.unexpectedFrame, "a session frame inside a handshake")
        }
        try body.needEnd()
    }

    private static func host(from body: inout ByteBuffer) throws(Failure) -> HostIdentity {
        HostIdentity(generation: try body.needGeneration(), instance: try body.need())
    }

    private static func open(from body: inout ByteBuffer) throws(Failure) -> Open {
        let count = Int(try body.need(UInt8.self))
        guard (1...Bound.versions).contains(count) else {
            throw .violation(.malformedFrame, "\(count) versions offered")
        }
        var versions: [UInt16] = []
        for _ in 0..<count { versions.append(try body.need()) }
        return Open(
            versions: versions, nonce: try body.need(bytes: nonceLength),
            publicKey: try body.need(bytes: keyLength), service: try body.needText(),
            limits: try body.needLimits(), extensions: try Extensions(from: &body))
    }

    private static func opened(from body: inout ByteBuffer) throws(Failure) -> Opened {
        Opened(
            version: try body.need(), id: try body.needSessionID(),
            nonce: try body.need(bytes: nonceLength), publicKey: try body.need(bytes: keyLength),
            host: try host(from: &body), flags: ServiceFlags(rawValue: try body.need()),
            limits: try body.needLimits(), extensions: try Extensions(from: &body))
    }

    private static func resume(from body: inout ByteBuffer) throws(Failure) -> Resume {
        Resume(
            version: try body.need(), id: try body.needSessionID(),
            attachment: AttachmentNumber(try body.need()), host: try host(from: &body),
            nonce: try body.need(bytes: nonceLength), reports: try reports(from: &body),
            extensions: try Extensions(from: &body))
    }

    private static func verdict(from body: inout ByteBuffer) throws(Failure) -> Verdict {
        guard let kind = VerdictKind(rawValue: try body.need()) else {
            throw .violation(.malformedFrame, "an unknown verdict")
        }
        let code = FailureCode(rawValue: try body.need()) ?? .internalError
        let milliseconds: UInt32 = try body.need()
        return Verdict(
            kind: kind, code: code, retryAfter: .milliseconds(Int64(milliseconds)),
            text: try body.needText(), extensions: try Extensions(from: &body))
    }
}
