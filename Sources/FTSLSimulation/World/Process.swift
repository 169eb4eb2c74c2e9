internal import FTSLCore

/// What every simulated process has: a clock of its own, pauses, and one timer.
class Process {
    let role: Role
    let client: Int
    /// Added to the world's time: a clock that jumped.
    var clockOffset: UInt64 = 0
    var pausedUntil: UInt64 = 0
    var timerAt = UInt64.max
    var timerSerial: UInt64 = 0

    init(role: Role, client: Int) {
        self.role = role
        self.client = client
    }

    /// Clocks do not begin at zero: code that takes zero for "never" must not get away with it.
    private static let epoch: UInt64 = 5_000_000_000

    func clock(_ now: UInt64) -> Instant {
        Instant(nanoseconds: now + clockOffset + Self.epoch)
    }

    func worldTime(_ instant: Instant) -> UInt64 {
        guard instant != .distantFuture else { return .max }
        let origin = clockOffset + Self.epoch
        return instant.nanoseconds > origin ? instant.nanoseconds - origin : 0
    }
}

final class InitiatorProcess: Process {
    let core: Initiator
    var application: Application?
    var links: [Link] = []
    var ending: (outcome: Outcome?, failure: Failure?)?
    var settledAt: UInt64?
    var endedAt: UInt64 = 0
    var peakRetained = 0
    var attachedTimes: [UInt64] = []
    var detachedTimes: [UInt64] = []

    init(client: Int, core: Initiator) {
        self.core = core
        super.init(role: .initiator, client: client)
    }
}

final class AcceptorProcess: Process {
    let core: Acceptor
    let incarnation: Int
    var links: [Link] = []
    /// One for each session whose service was started.
    var applications: [SessionID: Application] = [:]
    var highest: [SessionID: AttachmentNumber] = [:]
    var outcomes: [SessionID: Outcome] = [:]
    /// Links on which there may be something to send; the driver looks at no others either.
    var dirty: Set<Int> = []

    init(core: Acceptor, incarnation: Int) {
        self.core = core
        self.incarnation = incarnation
        super.init(role: .acceptor, client: -1)
    }

    func link(_ id: ConnectionID) -> Link? { links.first { $0.acceptorID == id } }

    func touched(_ id: SessionID, now: UInt64) {
        core.touched(id, now: clock(now))
        if let connection = core.connection(of: id) { hasNews(on: connection) }
    }

    func hasNews(on connection: ConnectionID) {
        if let link = link(connection) { dirty.insert(link.number) }
    }
}
