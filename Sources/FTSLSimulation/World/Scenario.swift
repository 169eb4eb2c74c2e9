package import FTSLCore

/// One client and its path to the acceptor.
package struct ClientScenario: Sendable {
    package var shape = LinkShape()
    package var initiator: Script
    package var acceptor: Script
    /// Milliseconds after the beginning.
    package var start = 0
    package var limits = SessionLimits()
    package var maxWindow: UInt64 = 1 << 20

    package init(initiator: Script, acceptor: Script) {
        self.initiator = initiator
        self.acceptor = acceptor
    }
}

/// A whole run as data: everything but the code under test.
package struct Scenario: Sendable {
    package var seed: UInt64
    package var clients: [ClientScenario]
    package var plan: FaultPlan
    package var flags: ServiceFlags = []
    package var acceptorLimits = SessionLimits()
    package var acceptorMaxWindow: UInt64 = 1 << 20
    package var maxMemory: UInt64 = 64 << 20
    package var sharedWindow: UInt64 = 64 << 20
    /// The acceptor's sockets are closed at once, so that bytes on their way to it cause a reset
    /// that destroys its own last words; otherwise it reads on for a while.
    package var acceptorResets = false
    /// Socket buffers grow while a connection is used: a new one takes less at once than the last.
    package var narrowsRedials = false
    package var linger: Duration = .seconds(60)
    package var giveUpAfter: Duration?
    /// After this much quiet everything must have ended, in milliseconds; nil: from the session
    /// time-out.
    package var patience: Int?

    package init(seed: UInt64, clients: [ClientScenario], plan: FaultPlan = FaultPlan()) {
        self.seed = seed
        self.clients = clients
        self.plan = plan
    }
}
