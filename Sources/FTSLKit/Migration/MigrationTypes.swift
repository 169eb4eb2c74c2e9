package import FTSLCore
package import FTSLStore
package import FTSLTransport
internal import NIOCore

/// What a listener is, as far as moving it goes.
package struct MigrationSettings {
    package enum Unmovable: Sendable {
        /// Sessions that cannot move stay and end here.
        case drain
        /// One such session, and nothing moves.
        case refuse
    }

    /// Source and target of a migration have the same.
    package var label = "main"
    /// What serves streams: `exec`, `forward`, or empty; and a digest of how.
    package var service = ""
    package var serviceDigest: [UInt8] = []
    package var accepts = false
    /// Sessions without a verified peer are served here.
    package var acceptsPlaintext = true
    /// Plaintext sessions may go to other machines.
    package var movesPlaintext = false
    package var unmovable = Unmovable.drain
    /// Where this listener can be reached, and its own key; empty: it has none.
    package var endpoints: [String] = []
    package var key = ""
    /// Milliseconds that signposts of sessions stay.
    package var sessionTimeout: UInt64 = 24 * 3_600_000

    package init() {}
}

/// The inbox of a listener, which comes and goes with migrations.
package protocol InboxMover: AnyObject {
    var path: String { get }
    /// Nil while none is served.
    var store: InboxStore? { get }
    /// It is another host's: this one lets it go for good.
    func leave(to target: MoveTarget, then: @escaping (Failure?) -> Void)
    /// Puts another in the place of the one here, or of none, and serves it.
    func arrive(
        _ install: @escaping @Sendable () throws -> Void, then: @escaping (Failure?) -> Void)
}

/// What an operator asks for.
package struct MoveRequest {
    package var target: [Endpoint]
    package var isPlan = false
    package var maxPause: Duration = .seconds(10)
    /// Clients are sent over within this time, not all at once.
    package var spread: Duration = .zero
    /// How long the source stays to send late clients on; nil: until it is stopped.
    package var linger: Duration?

    package init(target: [Endpoint]) { self.target = target }
}

package enum MigrationPhase: String, Sendable {
    case offer, copy, freeze, image, decide, redirect, activate
}

/// What there is to tell while a ticket is on its way.
package struct MigrationProgress: Sendable {
    package var phase: MigrationPhase
    package var sessions: Int
    package var bytes: UInt64
    package var text: String
}

/// How it ended at the source.
package struct MigrationReport: Sendable {
    package var ticket: TicketID
    package var sessions = 0
    package var unmovable: [String] = []
    package var bytes: UInt64 = 0
    package var inboxBytes: UInt64 = 0
    package var pause: Duration = .zero
    package var generation: UInt64 = 0
    /// Sessions that the target could not start.
    package var failed = 0
}

/// What `--plan` says of this end.
package struct MigrationSurvey {
    package var movable = 0
    /// Bytes that sessions hold now.
    package var bytes: UInt64 = 0
    package var obstacles: [(session: String, text: String)] = []

    /// Measured: a few milliseconds of questions and syncs, some for each application's end, and
    /// 200 bytes a microsecond.
    package var pauseMilliseconds: UInt64 { 5 + UInt64(movable) / 4 + bytes / 200_000 }
}

extension MigrationSettings {
    /// Tells one command from another without telling what it is.
    package static func digest(of command: String) -> [UInt8] {
        let digest = ImageDigest()
        digest.update(ByteBuffer(string: command))
        return digest.value
    }
}
