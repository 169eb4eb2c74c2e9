package import FTSLCore
package import NIOCore

/// What a program leaves to the next one of the same process. [FTSL §12]
package struct RestartImage {
    package struct Session {
        package var image: SessionImage
        /// It came from another host before.
        package var isAdopted: Bool
        /// Nil: its application has ended, or has not begun.
        package var application: ByteBuffer?

        package init(image: SessionImage, isAdopted: Bool, application: ByteBuffer?) {
            self.image = image
            self.isAdopted = isAdopted
            self.application = application
        }
    }

    /// What a descriptor is for.
    package enum Purpose: UInt8, Sendable {
        /// The listening socket.
        case listener = 0
        /// The one beside the inbox.
        case local = 1
        case control = 2
        /// The operator who asked for the restart.
        case reply = 3
    }

    private static let label = "FTSL restart"
    /// Raised when an older program could not read it; 2: commands that have ended, and whose
    /// outputs are still open.
    package static let version: UInt16 = 2
    /// The oldest that is read.
    private static let oldest: UInt16 = 1
    /// More than all sessions that a process can have descriptors for.
    private static let maxSessions: UInt32 = 1 << 22

    package var descriptors: [Purpose: CInt] = [:]
    /// Of the service, beyond its sessions.
    package var service = ByteBuffer()
    package var sessions: [Session] = []
    /// When the last program stopped serving, by the monotonic clock.
    package var since = Instant(nanoseconds: 0)

    package init() {}

    package var encoded: ByteBuffer {
        var out = ByteBuffer()
        out.writeString(Self.label)
        out.writeInteger(Self.version)
        out.writeInteger(since.nanoseconds)
        out.writeInteger(UInt8(descriptors.count))
        for (purpose, number) in descriptors.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            out.writeInteger(purpose.rawValue)
            out.writeInteger(number)
        }
        out.writeLong(service)
        out.writeInteger(UInt32(sessions.count))
        for session in sessions {
            out.write(session.image)
            out.write(session.isAdopted)
            out.write(session.application != nil)
            if let application = session.application { out.writeLong(application) }
        }
        return out
    }

    /// Throws a violation when it is of another version, or none.
    package init(_ bytes: ByteBuffer) throws(Failure) {
        var input = bytes
        guard input.readString(length: Self.label.utf8.count) == Self.label else {
            throw .violation(.malformedFrame, "this is no image of a restart")
        }
        let version: UInt16 = try input.need()
        guard (Self.oldest...Self.version).contains(version) else {
            throw .violation(
                .versionMismatch,
                "an image of a restart has version \(version) here and \(Self.version) there")
        }
        since = Instant(nanoseconds: try input.need())
        for _ in 0..<(try input.need(UInt8.self)) {
            guard let purpose = Purpose(rawValue: try input.need()) else { throw Self.strange }
            descriptors[purpose] = try input.need()
        }
        service = try input.needLong()
        let count: UInt32 = try input.need()
        guard count <= Self.maxSessions else { throw Self.strange }
        for _ in 0..<count {
            let image = try input.needSessionImage()
            let isAdopted = try input.needPresence()
            let application = try input.needPresence() ? try input.needLong() : nil
            sessions.append(
                Session(image: image, isAdopted: isAdopted, application: application))
        }
        guard input.readableBytes == 0 else { throw Self.strange }
    }

    private static var strange: Failure {
        .violation(.malformedFrame, "an image of a restart that contradicts itself")
    }
}
