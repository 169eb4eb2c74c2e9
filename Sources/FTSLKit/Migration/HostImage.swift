internal import FTSLCore
internal import FTSLStore
internal import NIOCore

/// The sessions of one ticket, as they leave and arrive. [FTSL §10.4]
struct HostImage {
    private static let label = "FTSL image"
    var ticket: TicketID
    var sessions: [SessionImage] = []

    var encoded: ByteBuffer {
        var out = ByteBuffer()
        out.writeString(Self.label)
        out.writeInteger(MigrationMessage.imageVersion)
        out.write(ticket)
        out.writeInteger(UInt32(sessions.count))
        for session in sessions {
            var one = ByteBuffer()
            session.encode(into: &one)
            out.writeLong(one)
        }
        return out
    }

    init(ticket: TicketID) { self.ticket = ticket }

    init(_ bytes: ByteBuffer) throws(Failure) {
        var input = bytes
        guard input.readString(length: Self.label.utf8.count) == Self.label,
            input.readInteger(as: UInt16.self) == MigrationMessage.imageVersion
        else { throw .violation(.versionMismatch, "an image of another version") }
        ticket = try input.needTicket()
        guard let count = input.readInteger(as: UInt32.self) else {
            throw .violation(.malformedFrame, "an image that ends early")
        }
        for _ in 0..<count {
            var one = try input.needLong()
            sessions.append(try SessionImage(from: &one))
            guard one.readableBytes == 0 else {
                throw .violation(.malformedFrame, "an image with a rest")
            }
        }
    }

    static func digest(_ bytes: ByteBuffer) -> [UInt8] {
        let digest = ImageDigest()
        digest.update(bytes)
        return digest.value
    }

    /// What is known here of these sessions once they are at the target.
    func holdings(until: UInt64) -> [KnownGeneration] {
        sessions.map {
            KnownGeneration(.session($0.id), moves: $0.generation.moves + 1, until: until)
        }
    }

    /// The newest generation, after the move.
    var moves: UInt64 { (sessions.map(\.generation.moves).max() ?? 0) + 1 }
}

extension ApplicationState {
    /// Without what was unread, which belongs to the session.
    var encoded: ByteBuffer {
        var out = ByteBuffer()
        out.writeInteger(closed.rawValue)
        out.writeBytes(state)
        return out
    }

    init?(_ encoded: ByteBuffer, unread: ByteBuffer) {
        var input = encoded
        guard let closed: UInt8 = input.readInteger() else { return nil }
        self.init(
            state: Array(input.readableBytesView), closed: Closed(rawValue: closed),
            unread: unread)
    }
}
