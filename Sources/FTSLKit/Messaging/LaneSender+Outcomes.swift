internal import FTSLCore
internal import FTSLStore

/// Telling what became of messages that somebody waits for.
extension LaneSender {
    func tell(_ range: ClosedRange<UInt64>) {
        var start = range.lowerBound
        for (sequence, resolution) in exceptions.sorted(by: { $0.key < $1.key })
        where range.contains(sequence.value) {
            if start < sequence.value { onAccepted?(start...(sequence.value - 1)) }
            onOutcome?(sequence, .resolved(resolution))
            start = sequence.value + 1
        }
        if start <= range.upperBound { onAccepted?(start...range.upperBound) }
    }

    func ask(_ range: ClosedRange<UInt64>) {
        for value in range { askOutcome(of: LaneSequence(value)) }
    }

    private func askOutcome(of sequence: LaneSequence) {
        guard case .file(let outbox) = backing, let producer else { return }
        outbox.ask(.outcome(producer, sequence)) { [weak self] reply in
            guard let self else { return }
            switch reply {
            case .outcome(let outcome?): onOutcome?(sequence, outcome)
            case .failed(let failure): end(failure)
            default:
                end(Failure(.local, .unknownOutcome, "the outbox no longer knows the message"))
            }
        }
    }
}
