package import FTSLKit
package import NIOCore

/// What a peer says, printed above the line that is being typed.
package final class ScreenSink: ByteSink {
    package var onTaken: ((Int) -> Void)?
    package var onFinished: (() -> Void)?
    package var onFailed: ((SinkFailure) -> Void)?
    /// The beginning of the peer's line without an end has changed.
    package var onBeginning: ((String) -> Void)?
    /// Stands before each line: whose it is, where that is not clear.
    package var label: () -> String = { "" }

    private let screen: Screen
    private var text: PeerText
    private var isClosed = false

    package init(_ screen: Screen, colored: Bool) {
        self.screen = screen
        text = PeerText(colored: colored)
    }

    package func write(_ bytes: ByteBuffer) {
        guard !isClosed else { return }
        let count = bytes.readableBytes
        let lines = labelled(text.lines(after: bytes))
        let beginning = text.beginning
        screen.print(lines) { [weak self] in self?.onTaken?(count) }
        onBeginning?(beginning)
    }

    package func finish() {
        let last = labelled(text.flush())
        screen.print(last) { [weak self] in
            self?.isClosed = true
            self?.onFinished?()
        }
        onBeginning?("")
    }

    package func fail() { finish() }

    package func cancelOutput() {
        isClosed = true
        onTaken = nil
        onFinished = nil
        onFailed = nil
    }

    private func labelled(_ lines: String) -> String {
        let label = label()
        guard !label.isEmpty, !lines.isEmpty else { return lines }
        return lines.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .map { "\(label)\($0)\n" }.joined()
    }
}
