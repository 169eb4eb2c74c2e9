package import FTSLCore

/// A client of some hosts: it knows where to begin, and is told the rest.
package struct MovingClient: Sendable {
    package var client: ClientScenario
    /// Hosts that it dials, in this order.
    package var endpoints: [Int]

    package init(_ client: ClientScenario, endpoints: [Int]) {
        self.client = client
        self.endpoints = endpoints
    }
}

/// An operator's wish: everything of one host goes to another.
package struct PlannedMove: Sendable {
    /// Milliseconds after the beginning.
    package var time: Int
    package var source: Int
    package var target: Int

    package init(time: Int, from source: Int, to target: Int) {
        self.time = time
        self.source = source
        self.target = target
    }
}

/// One thing that goes wrong while hosts move, as data.
package struct MoveFault: Sendable, Hashable, CustomStringConvertible {
    package enum Trigger: Sendable, Hashable {
        /// Milliseconds since the beginning.
        case time(Int)
        /// When a host has taken its so manieth step with a ticket, which is an effect, a record on
        /// disk or a message, and so many milliseconds later.
        case step(host: Int, Int, later: Int)
    }

    /// Places are hosts first, then clients, then senders.
    package enum Effect: Sendable, Hashable {
        /// The process dies with all that is not on its disk; started again after so many
        /// milliseconds.
        case crash(Int, Int)
        /// The connections between two places are reset.
        case cut(Int, Int)
        /// Nothing gets from one place to another, or to any, for so many milliseconds; nobody is
        /// told.
        case partition(Int, Int?, Int)
        /// A host's disk takes `by` milliseconds longer for so many milliseconds.
        case slowDisk(Int, by: Int, Int)
        /// A host's disk takes nothing for so many milliseconds.
        case full(Int, Int)
        /// The operator of a host vouches that the source of what is prepared there is dead.
        case resolve(Int, evenIfAlive: Bool)
        /// The operator of a host changes his mind.
        case abort(Int)
    }

    package var trigger: Trigger
    package var effect: Effect

    package init(_ trigger: Trigger, _ effect: Effect) {
        self.trigger = trigger
        self.effect = effect
    }

    package var description: String {
        switch trigger {
        case .time(let milliseconds): "at \(milliseconds) \(effect)"
        case .step(let host, let count, let later):
            "\(later) after step \(count) of \(host) \(effect)"
        }
    }
}

/// A whole run of moving hosts as data.
package struct MoveScenario: Sendable {
    package var seed: UInt64
    package var hosts = 2
    package var clients: [MovingClient] = []
    /// Senders of messages to the inbox, which host 0 has first.
    package var senders: [ProducerScenario] = []
    package var moves: [PlannedMove] = []
    package var faults: [MoveFault] = []
    package var flags: ServiceFlags = []
    package var session = SessionLimits(heartbeat: .seconds(1), sessionTimeout: .seconds(300))
    /// Between hosts.
    package var shape = LinkShape()
    /// Microseconds that a record or a commit takes, at most.
    package var diskTime = 4_000
    /// Milliseconds that clients may be made to wait.
    package var maxPause = 5_000
    /// Milliseconds that an application takes to leave what it has, at most.
    package var checkpointTime = 20
    /// The most bytes of its input that an application had not used yet.
    package var unused = 0
    /// Whoever starts a host again sees to it, in milliseconds, that all is over this long after
    /// the last fault.
    package var patience = 200_000

    package init(seed: UInt64, hosts: Int) {
        self.seed = seed
        self.hosts = hosts
    }

    var places: Int { hosts + clients.count + senders.count }

    /// The operator overruled the protocol somewhere: what was served twice may contradict itself.
    package var isForced: Bool {
        faults.contains { if case .resolve = $0.effect { true } else { false } }
    }
}

extension MoveScenario {
    /// As few of the faults, moves and clients as show the same failure.
    package func shrunk(mutation: MoveMutation? = nil) -> MoveScenario {
        func failure(_ scenario: MoveScenario) -> Checker.Invariant? {
            MoveWorld(scenario, mutation: mutation).run().violation?.invariant
        }
        guard let first = failure(self) else { return self }
        var best = self
        func drop<Part>(_ parts: WritableKeyPath<MoveScenario, [Part]>) {
            var index = 0
            while index < best[keyPath: parts].count {
                var smaller = best
                smaller[keyPath: parts].remove(at: index)
                if failure(smaller) == first { best = smaller } else { index += 1 }
            }
        }
        drop(\.faults)
        drop(\.moves)
        drop(\.senders)
        return best
    }
}
