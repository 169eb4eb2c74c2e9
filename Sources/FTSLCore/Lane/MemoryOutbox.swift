internal import DequeModule

/// An outbox that dies with its process: the source of *at-least-once* lanes. [FTSL §7.1]
package struct MemoryOutbox: OutboxTransaction {
    private struct Key: Hashable {
        var producer: ProducerID
        var name: String
    }

    private struct Place: Hashable {
        var producer: ProducerID
        var sequence: LaneSequence
    }

    private let fresh: ProducerID
    private var lanes: [String: OutboxLane] = [:]
    private var messages: [Place: OutboxMessage] = [:]
    /// The newest outcomes other than *accepted*; those who wait are told, and nobody asks later.
    private var exceptions: Deque<(place: Place, resolution: Resolution)> = []
    private var ids: [Key: IDHolder] = [:]
    /// Body bytes held, for whoever bounds them.
    package private(set) var byteCount: UInt64 = 0
    package var messageCount: Int { messages.count }

    /// `producer` is the identity of its lane; a second destination needs an outbox of its own.
    package init(producer: ProducerID) { fresh = producer }

    /// Messages at or after a sequence, up to so many and about so many body bytes.
    package func messages(
        from first: LaneSequence, of lane: OutboxLane, maxMessages: Int, maxBytes: UInt64
    ) -> [OutboxMessage] {
        var found: [OutboxMessage] = []
        var bytes: UInt64 = 0
        var sequence = first
        while found.count < maxMessages, bytes < maxBytes,
            let message = messages[Place(producer: lane.producer, sequence: sequence)]
        {
            found.append(message)
            bytes += message.body.count
            sequence = sequence.next
        }
        return found
    }

    package func freshProducer() -> ProducerID { fresh }
    package func lane(_ destination: String) -> OutboxLane? { lanes[destination] }
    package mutating func save(_ lane: OutboxLane) { lanes[lane.destination] = lane }

    package mutating func append(_ message: OutboxMessage, to lane: OutboxLane) {
        byteCount += message.body.count
        messages[Place(producer: lane.producer, sequence: message.sequence)] = message
    }

    package func message(_ sequence: LaneSequence, of lane: OutboxLane) -> OutboxMessage? {
        messages[Place(producer: lane.producer, sequence: sequence)]
    }

    package func chain(of sequence: LaneSequence, of lane: OutboxLane) -> ChainValue? {
        message(sequence, of: lane)?.chain
    }

    package mutating func update(_ message: OutboxMessage, of lane: OutboxLane) {
        messages[Place(producer: lane.producer, sequence: message.sequence)] = message
    }

    package mutating func move(
        _ sequence: LaneSequence, of lane: OutboxLane, to other: OutboxLane,
        as message: OutboxMessage
    ) {
        messages[Place(producer: lane.producer, sequence: sequence)] = nil
        messages[Place(producer: other.producer, sequence: message.sequence)] = message
    }

    package mutating func drop(below: LaneSequence, of lane: OutboxLane) {
        var sequence = LaneSequence(below.value - 1)
        while sequence >= .first,
            let message = messages.removeValue(
                forKey: Place(producer: lane.producer, sequence: sequence))
        {
            byteCount -= message.body.count
            if !message.envelope.id.isEmpty {
                ids[Key(producer: lane.producer, name: message.envelope.id)] = nil
            }
            sequence.value -= 1
        }
    }

    package mutating func record(_ exception: LaneException, of lane: OutboxLane) {
        let place = Place(producer: lane.producer, sequence: exception.sequence)
        if exceptions.count == Bound.laneExceptions { exceptions.removeFirst() }
        exceptions.append((place, exception.resolution))
    }

    package func exception(_ sequence: LaneSequence, of lane: OutboxLane) -> Resolution? {
        let place = Place(producer: lane.producer, sequence: sequence)
        return exceptions.last { $0.place == place }?.resolution
    }

    package func holder(ofID id: String, of lane: OutboxLane) -> IDHolder? {
        ids[Key(producer: lane.producer, name: id)]
    }

    package mutating func remember(id: String, _ holder: IDHolder, of lane: OutboxLane) {
        ids[Key(producer: lane.producer, name: id)] = holder
    }
}
