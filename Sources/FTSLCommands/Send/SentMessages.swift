internal import FTSLCore

/// What this process has sent, and how far each message is.
struct SentMessages {
    private(set) var count: UInt64 = 0
    /// Stored, without an outcome: by sequence, with the ids that senders gave.
    private var open: [LaneSequence: String] = [:]
    /// Accepted, and not processed yet.
    private var unprocessed: Set<UInt64> = []
    /// The first that will never be of use, and how many they are.
    private(set) var firstBad: (id: String, state: MessageState)?
    private(set) var badCount: UInt64 = 0
    private let awaitsProcessing: Bool

    init(awaitsProcessing: Bool) { self.awaitsProcessing = awaitsProcessing }

    var openCount: Int { open.count }
    var openSequences: [LaneSequence] { open.keys.sorted() }
    var isComplete: Bool { open.isEmpty && unprocessed.isEmpty }
    var unprocessedCount: Int { unprocessed.count }

    mutating func stored(_ sequence: LaneSequence, _ name: String) {
        count += 1
        open[sequence] = name
    }

    /// The message's name and state; nil for one that is not ours or was told before.
    mutating func resolved(
        _ sequence: LaneSequence, _ outcome: MessageOutcome
    ) -> (name: String, state: MessageState)? {
        guard let name = open.removeValue(forKey: sequence) else { return nil }
        let state = MessageState(outcome)
        if state.isBad {
            badCount += 1
            if firstBad == nil { firstBad = (name, state) }
        } else if awaitsProcessing, state == .accepted {
            unprocessed.insert(sequence.value)
        }
        return (name, state)
    }

    mutating func processed(_ news: MessageFrame.Processed) {
        unprocessed = unprocessed.filter { sequence in
            sequence >= news.floor.value && !news.ranges.contains { $0.contains(sequence) }
        }
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
