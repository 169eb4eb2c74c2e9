package import FTSLCore

/// A message that somebody will submit; its number is its body, its `created`, its name in every
/// check.
package struct PlannedMessage: Sendable {
    package var number: UInt64
    package var topic: String
    package var size: Int
    /// The idempotency key; empty: none.
    package var id = ""
    /// Milliseconds it is worth sending; nil: for ever.
    package var ttl: UInt64?
    /// Milliseconds after its submission at which it is no longer wanted.
    package var cancelAfter: Int?

    package init(number: UInt64, topic: String, size: Int) {
        self.number = number
        self.topic = topic
        self.size = size
    }
}

/// Messages submitted in one go.
package struct PlannedSubmission: Sendable {
    /// Milliseconds after the beginning.
    package var time: Int
    package var messages: [PlannedMessage]

    package init(time: Int, messages: [PlannedMessage]) {
        self.time = time
        self.messages = messages
    }
}

package struct ProducerScenario: Sendable {
    package var shape = LinkShape()
    package var submissions: [PlannedSubmission] = []
    /// The cursor that it watches; nil: none.
    package var watches: String?

    package init() {}
}

package struct ConsumerScenario: Sendable {
    package var shape = LinkShape()
    package var kind: MessageFrame.Subscribe.Kind
    package var cursor: String
    package var filter: TopicFilter
    /// Milliseconds after the beginning.
    package var start = 0
    package var maxMessages: UInt64 = 16
    package var maxBytes: UInt64 = 64 << 10
    package var maxAttempts: UInt32 = 3
    /// Milliseconds of work on a message, at most.
    package var work = 0
    /// Percent of the messages that are answered with RETRY, and with DEAD.
    package var retries = 0
    package var deaths = 0
    /// Puts the dead letters of its cursor back at these times, in milliseconds.
    package var returnsAt: [Int] = []

    package init(kind: MessageFrame.Subscribe.Kind, cursor: String, filter: TopicFilter) {
        self.kind = kind
        self.cursor = cursor
        self.filter = filter
    }

    var isDurable: Bool { kind == .cursor || kind == .group }
}

/// A whole run of messages as data.
package struct MessageScenario: Sendable {
    package var seed: UInt64
    package var producers: [ProducerScenario]
    package var consumers: [ConsumerScenario]
    package var plan = FaultPlan()
    package var limits = InboxLimits()
    /// Messages kept that every cursor has passed; nil: all.
    package var keep: Int?
    /// Topics that may be sent to.
    package var sendable = TopicFilter.everything
    package var session = SessionLimits(heartbeat: .seconds(1), sessionTimeout: .seconds(300))
    /// Microseconds that a commit takes, at most.
    package var commitTime = 2_000
    package var changesPerCommit = 64
    package var acceptorResets = false
    /// After this much quiet everything must be done, in milliseconds.
    package var patience = 150_000

    package init(
        seed: UInt64, producers: [ProducerScenario], consumers: [ConsumerScenario]
    ) {
        self.seed = seed
        self.producers = producers
        self.consumers = consumers
    }

    /// Producers and consumers are clients in this order.
    var shapes: [LinkShape] { producers.map(\.shape) + consumers.map(\.shape) }
}

extension MessageScenario {
    /// As few of the faults as show the same failure.
    package func shrunk(mutation: MessageMutation? = nil) -> MessageScenario {
        func failure(_ scenario: MessageScenario) -> Checker.Invariant? {
            MessageWorld(scenario, mutation: mutation).run().violation?.invariant
        }
        guard let first = failure(self) else { return self }
        var best = self
        var index = 0
        while index < best.plan.faults.count {
            var smaller = best
            smaller.plan.faults.remove(at: index)
            if failure(smaller) == first { best = smaller } else { index += 1 }
        }
        return best
    }
}
