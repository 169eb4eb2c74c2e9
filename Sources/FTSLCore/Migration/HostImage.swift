package import NIOCore

/// The sessions of one ticket, as they leave and arrive. [FTSL §10.4]
package struct HostImage {
    private static let label = "FTSL image"
    package let ticket: TicketID
    package var sessions: [SessionImage] = []

    package init(ticket: TicketID) { self.ticket = ticket }

    package var encoded: ByteBuffer {
        var out = ByteBuffer()
        out.writeString(Self.label)
        out.writeInteger(MigrationMessage.imageVersion)
        out.write(ticket)
        out.writeInteger(UInt32(sessions.count))
        for session in sessions { out.write(session) }
        return out
    }

    /// Throws a violation when it is of another version, or none.
    package init(_ bytes: ByteBuffer) throws(Failure) {
        var input = bytes
        guard input.readString(length: Self.label.utf8.count) == Self.label,
            input.readInteger(as: UInt16.self) == MigrationMessage.imageVersion
        else { throw .violation(.versionMismatch, "an image of another version") }
        ticket = try input.needTicket()
        let count: UInt32 = try input.need()
        for _ in 0..<count { sessions.append(try input.needSessionImage()) }
    }

    package static func digest(_ bytes: ByteBuffer) -> [UInt8] {
        let digest = ImageDigest()
        digest.update(bytes)
        return digest.value
    }

    /// The newest generation, after the move.
    package var moves: UInt64 { (sessions.map(\.generation.moves).max() ?? 0) + 1 }
}

extension ByteBuffer {
    /// With its length before it.
    package mutating func write(_ session: SessionImage) {
        var one = ByteBuffer()
        session.encode(into: &one)
        writeLong(one)
    }

    package mutating func needSessionImage() throws(Failure) -> SessionImage {
        var one = try needLong()
        let image = try SessionImage(from: &one)
        guard one.readableBytes == 0 else {
            throw .violation(.malformedFrame, "an image with a rest")
        }
        return image
    }
}
