import FTSLCore
import Glibc
import NIOCore

struct SystemTrouble: Error {
    var call: String
    var code = errno
}

/// A blocking socket that says what it is told to, right or wrong.
final class RawClient {
    private let descriptor: CInt
    private(set) var session: Session?
    private var handshake: InitiatorHandshake?
    private var now = Instant(nanoseconds: 1)

    init(port: Int, seconds: Int = 10) throws {
        descriptor = try Loopback.connect(port)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    }

    deinit { close(descriptor) }

    func send(_ bytes: ByteBuffer) throws {
        var bytes = bytes
        while bytes.readableBytes > 0 {
            let count = bytes.withUnsafeReadableBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemTrouble(call: "send") }
            bytes.moveReaderIndex(forwardBy: count)
        }
    }

    func send(_ frames: StreamFrame...) throws {
        var buffer = ByteBuffer()
        for frame in frames { frame.encode(into: &buffer) }
        try send(buffer)
    }

    /// What came; nil at the end of the stream.
    func receive() throws -> ByteBuffer? {
        var bytes = ByteBuffer()
        var count = 0
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) {
            count = recv(descriptor, $0.baseAddress, $0.count, 0)
            return max(0, count)
        }
        guard count >= 0 else { throw SystemTrouble(call: "recv") }
        return count == 0 ? nil : bytes
    }

    /// Opens a session of which this client knows the secret; nil when it was refused.
    func open(limits: SessionLimits = SessionLimits()) throws -> Session? {
        var rng = SystemRandomNumberGenerator()
        let result = try ask(
            .opening(service: "", limits: limits, maxWindow: 1 << 20, using: &rng))
        guard case .opened(let identity, let host, _)? = result else { return nil }
        let session = Session(
            identity: identity, host: host, budget: SharedBudget(capacity: 1 << 30), now: now)
        self.session = session
        try prove()
        return session
    }

    /// RESUME as `session` stands, and PROOF; false when there was another answer than RESUMED.
    func resume(_ session: Session, as number: UInt64) throws -> Bool {
        var rng = SystemRandomNumberGenerator()
        let result = try ask(
            .resuming(session, as: AttachmentNumber(number), using: &rng))
        guard case .resumed? = result else { return false }
        try prove()
        return true
    }

    private func ask(_ question: InitiatorHandshake) throws -> InitiatorHandshake.Result? {
        var handshake = question
        if let bytes = handshake.takeOutgoing() { try send(bytes) }
        while let bytes = try receive() {
            if let result = try handshake.receive(bytes) {
                self.handshake = handshake
                return result
            }
        }
        return nil
    }

    private func prove() throws {
        if let bytes = handshake?.takeOutgoing() { try send(bytes) }
    }
}
