internal import FTSLCore

/// What this process has sent, and how far each message is; as ranges, because a million messages
/// may wait.
struct SentMessages {
    private(set) var count: UInt64 = 0
    private var producer: ProducerID?
    /// Stored, without an outcome.
    private(set) var open: [ClosedRange<UInt64>] = []
    /// The ids that senders gave themselves.
    private var names: [UInt64: String] = [:]
    /// Accepted, and not processed yet.
    private var unprocessed: [ClosedRange<UInt64>] = []
    /// What the inbox said last of consumers: they may be faster than our own disk.
    private var newest: MessageFrame.Processed?
    /// The first that will never be of use, and how many they are.
    private(set) var firstBad: (id: String, state: MessageState)?
    private(set) var badCount: UInt64 = 0
    private let awaitsProcessing: Bool

    init(awaitsProcessing: Bool) { self.awaitsProcessing = awaitsProcessing }

    var openCount: UInt64 { open.size }
    var isComplete: Bool { open.isEmpty && unprocessed.isEmpty }
    var unprocessedCount: UInt64 { unprocessed.size }

    /// Messages are stored; returns where, as ranges.
    mutating func stored(
        _ producer: ProducerID, _ sequences: [LaneSequence], ids: [String]
    ) -> [ClosedRange<UInt64>] {
        self.producer = producer
        count += UInt64(sequences.count)
        var ranges: [ClosedRange<UInt64>] = []
        for (sequence, id) in zip(sequences, ids) {
            if let last = ranges.last, last.upperBound + 1 == sequence.value {
                ranges[ranges.count - 1] = last.lowerBound...sequence.value
            } else {
                ranges.append(sequence.value...sequence.value)
            }
            if !id.isEmpty { names[sequence.value] = id }
        }
        open.insert(all: ranges)
        return ranges
    }

    /// What people call a message.
    func name(of sequence: UInt64) -> String {
        if let own = names[sequence] { return own }
        guard let producer else { return "\(sequence)" }
        return "\(MessageName(producer: producer, sequence: sequence))"
    }

    mutating func accepted(_ range: ClosedRange<UInt64>) {
        open.remove(range)
        if awaitsProcessing { unprocessed.insert(all: [range]) } else { forget(range) }
    }

    /// The message's name and state; nil for one that is not ours or was told before.
    mutating func resolved(
        _ sequence: LaneSequence, _ outcome: MessageOutcome
    ) -> (name: String, state: MessageState)? {
        guard open.holds(sequence.value) else { return nil }
        let name = name(of: sequence.value)
        let state = MessageState(outcome)
        if state.isBad { failed(name, state) }
        if awaitsProcessing, state == .accepted {
            unprocessed.insert(sequence.value)
        } else {
            forget(sequence.value...sequence.value)
        }
        open.remove(sequence.value...sequence.value)
        return (name, state)
    }

    private mutating func failed(_ name: String, _ state: MessageState) {
        badCount += 1
        if firstBad == nil { firstBad = (name, state) }
    }

    private mutating func forget(_ range: ClosedRange<UInt64>) {
        if !names.isEmpty { for sequence in range { names[sequence] = nil } }
    }

    mutating func processed(_ news: MessageFrame.Processed) { newest = news }

    /// What consumers have got to the end with since it was asked last, and how.
    mutating func takeProcessed() -> [(name: String, state: MessageState)] {
        guard let newest else { return [] }
        var told: [(name: String, state: MessageState)] = []
        for sequence in newest.dead {
            guard !unprocessed.take(sequence.value...sequence.value).isEmpty else { continue }
            let name = name(of: sequence.value)
            failed(name, .dead)
            told.append((name, .dead))
            forget(sequence.value...sequence.value)
        }
        var done = unprocessed.take(below: newest.floor.value)
        for range in newest.ranges { done += unprocessed.take(range) }
        for range in done {
            told += range.map { (name(of: $0), .processed) }
            forget(range)
        }
        return told
    }

    /// Dead letters from here on are not told yet; nil: all are.
    var deadLettersMissing: LaneSequence? {
        guard let dead = newest?.dead, dead.count >= Bound.processedRanges else { return nil }
        return dead.last?.next
    }

    /// How it ends when every message has its outcome.
    var ending: Ending {
        guard let firstBad else { return .success }
        let code = firstBad.state.code ?? .messageDead
        if count == 1 {
            // Alone, it is not a message of many that failed, but the command.
            let status = code == .topicForbidden ? ExitStatus.noPermission : .rejected
            return Ending(status, "message \(firstBad.id) is \(firstBad.state.text)", code: code)
        }
        return Ending(
            .rejected,
            "\(badCount) of \(count) messages failed; the first, \(firstBad.id), is "
                + firstBad.state.text, code: code)
    }
}
