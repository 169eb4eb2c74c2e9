internal import FTSLCore
internal import NIOCore

/// What a user types, on its way to a command's terminal.
///
/// A terminal stays open when no more comes: the end is typed as the character that says so, and
/// again each second until the command has ended, since to one program of it after the other the
/// input is at its end.
final class TerminalInput: ByteSink {
    var onTaken: ((Int) -> Void)?
    var onFinished: (() -> Void)?
    var onFailed: ((SinkFailure) -> Void)?

    private let pipe: ChannelPipe
    private let terminal: PseudoTerminal
    private let loop: any EventLoop
    /// Bytes of the user's that the terminal has not taken.
    private var owed = 0
    private var isAtLineStart = true
    private(set) var hasEnded = false
    private var again: RepeatedTask?

    init(_ pipe: ChannelPipe, of terminal: PseudoTerminal, on loop: any EventLoop) {
        self.pipe = pipe
        self.terminal = terminal
        self.loop = loop
        pipe.onTaken = { [weak self] in self?.took($0) }
        pipe.onFailed = { [weak self] in
            self?.stop()
            self?.onFailed?($0)
        }
    }

    func write(_ bytes: ByteBuffer) {
        guard let last = bytes.readableBytesView.last else { return }
        isAtLineStart = last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r")
        owed += bytes.readableBytes
        pipe.write(bytes)
    }

    private func took(_ count: Int) {
        let own = min(count, owed)
        owed -= own
        if own > 0 { onTaken?(own) }
    }

    func finish() {
        // The first one only ends the line.
        if !isAtLineStart { typeEnd() }
        typeEnd()
        goOnEnding()
        onFinished?()
    }

    /// The input is at its end for whoever reads it next.
    func goOnEnding() {
        hasEnded = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        again = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            bound.value.typeEndAgain()
        }
    }

    /// What the terminal has not taken of what the user typed. [FTSL §12]
    func unwritten() -> ByteBuffer {
        var rest = ByteBuffer()
        for bytes in pipe.takeStock() { rest.writeImmutableBuffer(bytes) }
        // Behind it the end was typed here.
        return rest.readSlice(length: min(owed, rest.readableBytes)) ?? ByteBuffer()
    }

    private func typeEndAgain() {
        // A program that edits lines itself ends no input inside of one.
        if !isAtLineStart, !terminal.editsLines { pipe.write(ByteBuffer(string: "\r")) }
        isAtLineStart = true
        typeEnd()
    }

    private func typeEnd() {
        guard let character = terminal.endOfInput else { return }
        pipe.write(ByteBuffer(bytes: [character]))
    }

    /// The terminal is hung up.
    func fail() {
        stop()
        pipe.fail()
        onFinished?()
    }

    func cancelOutput() {
        stop()
        onTaken = nil
        onFinished = nil
        onFailed = nil
        pipe.cancelOutput()
    }

    private func stop() {
        again?.cancel()
        again = nil
    }
}
