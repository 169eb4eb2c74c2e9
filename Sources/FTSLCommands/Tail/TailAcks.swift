internal import FTSLCore

/// What was handed to a pipeline and not given back.
final class TailAcks {
    var onFinished: ((InboxIndex) -> Void)?
    /// Nil: whoever gave indexes back is gone.
    var onEnd: ((Ending?) -> Void)?

    private let reader: AckReader
    private var expected: Set<UInt64> = []
    private var highest: UInt64 = 0

    init(_ reader: AckReader) {
        self.reader = reader
        reader.onFinished = { [unowned self] in finished($0) }
        reader.onEnd = { [unowned self] in onEnd?($0) }
    }

    var isEmpty: Bool { expected.isEmpty }

    func start() { reader.start() }

    func expect(_ index: InboxIndex) {
        expected.insert(index.value)
        highest = max(highest, index.value)
    }

    private func finished(_ index: UInt64) {
        if expected.remove(index) != nil {
            onFinished?(InboxIndex(index))
        } else if index > highest {
            onEnd?(
                Ending(
                    .badData, "--ack-fd: message \(index) was not handed out",
                    code: .malformedMessage))
        }
        // What was given back before changes nothing.
    }
}
