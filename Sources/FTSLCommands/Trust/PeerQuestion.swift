internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// Asks the person at the terminal whether a listener that was never met is the right one, as ssh
/// does.
///
/// stdin may be data and stdout somebody's pipe; so the question goes to the terminal itself.
final class PeerQuestion {
    private let terminal: CInt
    private let source: DescriptorSource
    private var line = ""

    /// Nil where there is nobody to ask.
    init?(on loop: any EventLoop) {
        guard StandardError.isTerminal else { return nil }
        terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return nil }
        source = DescriptorSource(descriptor: terminal, on: loop)
    }

    static func text(_ key: Fingerprint, at endpoint: Endpoint) -> String {
        "The listener at \(endpoint) is not known here. Its key is\n\(key)\n"
            + "\(RandomArt.draw(key))\nDoes 'ftsl key show --art' on that machine say the same?"
    }

    /// Calls back once with the answer; anything but "yes" is no.
    func ask(_ key: Fingerprint, at endpoint: Endpoint, answered: @escaping (Bool) -> Void) {
        RawOutput.write(Self.text(key, at: endpoint) + " (yes/no) ", to: terminal)
        source.onBytes = { [self] bytes in
            line += String(decoding: bytes.readableBytesView, as: UTF8.self)
            guard line.contains("\n") else {
                source.demand()
                return
            }
            finish(answered)
        }
        source.onEnd = { [self] _ in finish(answered) }
        source.demand()
    }

    private func finish(_ answered: (Bool) -> Void) {
        source.cancelInput(.sessionOver)
        let word = line.split(separator: "\n").first.map(String.init) ?? ""
        answered(word.trimmingSpaces == "yes")
    }
}

extension String {
    fileprivate var trimmingSpaces: Substring {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
