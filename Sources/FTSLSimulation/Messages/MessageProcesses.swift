internal import FTSLCore

/// The process that hosts the inbox.
final class HostProcess: Process {
    let core: Acceptor
    let inbox: InboxHost
    let incarnation: Int
    var links: [Link] = []
    var ports: [SessionID: InboxPort] = [:]
    var clients: [SessionID: Int] = [:]
    /// Numbers of links that may have something to send.
    var dirty: Set<Int> = []
    var isUp = true

    init(core: Acceptor, inbox: InboxHost, incarnation: Int) {
        self.core = core
        self.inbox = inbox
        self.incarnation = incarnation
        super.init(role: .acceptor, client: -1)
    }

    func link(_ id: ConnectionID) -> Link? { links.first { $0.acceptorID == id } }
}

/// A courier or a consumer, over all its lives.
final class ClientProcess: Process {
    var core: Initiator?
    /// Counts starts of the process.
    var life = 0
    var isUp = false
    var links: [Link] = []
    var backoff = Backoff()
    /// Of a producer: its outbox and what delivers from it.
    var outbox: FakeDisk<OutboxTables>?
    var courier: ProducerPort?
    /// What it need not read back.
    var recent = RecentMessages()
    /// A named error, or nothing left to do for this process.
    var stopped: Failure?
    var processed: MessageFrame.Processed?
    /// Of a consumer.
    var consumer: ConsumerPort?
    var application: ConsumerApplication?
    var identity: InboxIdentity?

    init(client: Int) { super.init(role: .initiator, client: client) }

    var port: (any MessagePort)? { courier ?? consumer }
}

/// A consumer's program: works on what it is given and answers it.
struct ConsumerApplication {
    struct Delivery {
        var head: MessageFrame.DeliveryHead
        var bytes = PseudoCheck()
        /// Bytes that are in memory: what is larger than the window is put away as it comes.
        var untaken: UInt64 = 0
        var isWhole = false
    }

    /// By index; what is in hand.
    var deliveries: [InboxIndex: Delivery] = [:]
    var untakenMessages: UInt64 = 0
    var untakenBytes: UInt64 = 0
    /// Tells deliveries of one message apart.
    var serials: [InboxIndex: Int] = [:]
    var caughtUp: InboxIndex?
    /// The last message an ephemeral consumer was given.
    var position: InboxIndex?
}
