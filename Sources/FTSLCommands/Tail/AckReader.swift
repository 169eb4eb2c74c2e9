internal import FTSLCore
internal import FTSLKit
internal import Glibc
internal import NIOCore

/// `--ack-fd`: the indexes of finished messages, a line each, as another program writes them.
final class AckReader {
    /// Longer lines are no numbers.
    private static let longestLine = 32

    /// In the order in which they came.
    var onFinished: ((UInt64) -> Void)?
    /// Nil: whoever wrote them is gone.
    var onEnd: ((Ending?) -> Void)?

    private let source: any ByteSource
    private var line: [UInt8] = []
    private var lineNumber: UInt64 = 1
    private var isOver = false

    init(_ source: any ByteSource) {
        self.source = source
        source.onBytes = { [unowned self] bytes in
            for byte in bytes.readableBytesView where !isOver { take(byte) }
            if !isOver { source.demand() }
        }
        source.onEnd = { [unowned self] failure in
            if let failure {
                end(Ending(.inputOutput, "--ack-fd: \(failure.text)", code: failure.code))
                return
            }
            // The last line perhaps without its newline.
            if !line.isEmpty { take(0x0A) }
            end(nil)
        }
    }

    func start() { source.demand() }

    private func take(_ byte: UInt8) {
        guard byte == 0x0A else {
            line.append(byte)
            if line.count > Self.longestLine { complain() }
            return
        }
        let text = String(decoding: line, as: UTF8.self).trimmedSpace
        // A sign would be taken too.
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let index = UInt64(text),
            index > 0
        else {
            complain()
            return
        }
        line = []
        lineNumber += 1
        onFinished?(index)
    }

    private func complain() {
        let text = String(decoding: line.prefix(Self.longestLine), as: UTF8.self)
        end(
            Ending(
                .badData,
                "--ack-fd: line \(lineNumber) is '\(Log.harmless(text))', not the index of a "
                    + "message", code: .malformedMessage))
    }

    private func end(_ ending: Ending?) {
        guard !isOver else { return }
        isOver = true
        onEnd?(ending)
        onFinished = nil
        onEnd = nil
    }
}
