internal import FTSLCore
internal import NIOCore

/// What an outbox has on its disk. Bodies are functions of their message's number, which stands in
/// `created`, so large ones take no room.
struct OutboxTables: OutboxTransaction {
    private struct IDKey: Hashable {
        var producer: ProducerID
        var name: String
    }

    /// The only destination of a simulated outbox.
    static let destination = "inbox"

    private var rng: SimulationRandom
    var now: UInt64 = 0
    private var lanes: [String: OutboxLane] = [:]
    var messages: [LanePlace: OutboxMessage] = [:]
    private var exceptions: [LanePlace: Resolution] = [:]
    private var ids: [IDKey: IDHolder] = [:]

    init(rng: SimulationRandom) { self.rng = rng }

    var lane: OutboxLane? { lanes[Self.destination] }

    mutating func freshProducer() -> ProducerID { .random(using: &rng) }
    func lane(_ destination: String) -> OutboxLane? { lanes[destination] }
    mutating func save(_ lane: OutboxLane) { lanes[lane.destination] = lane }

    private func place(_ sequence: LaneSequence, _ lane: OutboxLane) -> LanePlace {
        LanePlace(producer: lane.producer, sequence: sequence)
    }

    mutating func append(_ message: OutboxMessage, to lane: OutboxLane) {
        messages[place(message.sequence, lane)] = message
    }

    func message(_ sequence: LaneSequence, of lane: OutboxLane) -> OutboxMessage? {
        messages[place(sequence, lane)]
    }

    func chain(of sequence: LaneSequence, of lane: OutboxLane) -> ChainValue? {
        message(sequence, of: lane)?.chain
    }

    mutating func update(_ message: OutboxMessage, of lane: OutboxLane) {
        messages[place(message.sequence, lane)] = message
    }

    mutating func move(
        _ sequence: LaneSequence, of lane: OutboxLane, to other: OutboxLane,
        as message: OutboxMessage
    ) {
        messages[place(sequence, lane)] = nil
        messages[place(message.sequence, other)] = message
    }

    mutating func drop(below: LaneSequence, of lane: OutboxLane) {
        var sequence = LaneSequence(below.value - 1)
        while sequence >= .first, messages.removeValue(forKey: place(sequence, lane)) != nil {
            sequence.value -= 1
        }
    }

    mutating func record(_ exception: LaneException, of lane: OutboxLane) {
        exceptions[place(exception.sequence, lane)] = exception.resolution
    }

    func exception(_ sequence: LaneSequence, of lane: OutboxLane) -> Resolution? {
        exceptions[place(sequence, lane)]
    }

    func holder(ofID id: String, of lane: OutboxLane) -> IDHolder? {
        ids[IDKey(producer: lane.producer, name: id)]
    }

    mutating func remember(id: String, _ holder: IDHolder, of lane: OutboxLane) {
        ids[IDKey(producer: lane.producer, name: id)] = holder
    }
}

extension OutboxTables: DiskTables {
    func isChange(_ request: OutboxRequest) -> Bool {
        if case .change = request { true } else { false }
    }

    mutating func apply(_ request: OutboxRequest) throws -> OutboxReply {
        guard case .change(let change) = request else { return read(request) }
        return .changed(try OutboxRules.apply(change, in: &self))
    }

    mutating func tidy() {}

    static func failed(_ text: String) -> OutboxReply {
        .failed(Failure(.local, .localInputOutput, text))
    }

    func read(_ request: OutboxRequest) -> OutboxReply {
        guard let lane else { return Self.failed("nothing was submitted") }
        switch request {
        case .change: return Self.failed("a change is not read")
        case .fetch(let from, let maxMessages, let maxBytes):
            var found: [OutboxMessage] = []
            var bytes: UInt64 = 0
            var sequence = from
            while found.count < maxMessages, bytes < maxBytes,
                let message = message(sequence, of: lane)
            {
                found.append(message)
                bytes += message.body.count
                sequence = sequence.next
            }
            return .messages(found, wallClock: now)
        case .fetchPiece(let sequence, let offset, let maxBytes):
            guard let message = message(sequence, of: lane) else {
                return Self.failed("message \(sequence.value) is not there")
            }
            let count = min(UInt64(maxBytes), message.digest.count - offset)
            return .piece(
                PseudoStream(seed: message.envelope.created)
                    .bytes(from: offset, count: Int(count)))
        }
    }
}
