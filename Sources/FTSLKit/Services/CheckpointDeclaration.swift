internal import Glibc

/// How a command wants to be asked for a checkpoint: the first line that it writes to descriptor 4.
/// [FTSL §11]
package enum CheckpointDeclaration: Equatable, Sendable {
    /// `ready`: its input ends.
    case endOfInput
    /// `ready USR1`: by that signal.
    case signal(CInt)

    /// What a first line may be at most.
    static let maxLine = 64

    private static let signals: [Substring: CInt] = [
        "USR1": SIGUSR1, "USR2": SIGUSR2, "TERM": SIGTERM, "INT": SIGINT, "HUP": SIGHUP,
        "WINCH": SIGWINCH,
    ]

    /// Nil: the command has not said anything that is a whole line.
    ///
    /// Throws when it said something else than it may.
    package static func parse(
        _ bytes: some Collection<UInt8>
    ) throws(Unmovable) -> (declaration: CheckpointDeclaration, length: Int)? {
        let start = bytes.prefix(maxLine)
        guard let end = start.firstIndex(of: 0x0A) else {
            guard start.count < maxLine else { throw unknown(start) }
            return nil
        }
        let line = start[..<end]
        let words = String(decoding: line, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false)
        guard words.first == "ready", words.count <= 2 else { throw unknown(line) }
        guard words.count == 2 else { return (.endOfInput, line.count + 1) }
        guard let number = signals[words[1]] else { throw unknown(line) }
        return (.signal(number), line.count + 1)
    }

    private static func unknown(_ line: some Collection<UInt8>) -> Unmovable {
        let text = String(decoding: line, as: UTF8.self).debugDescription
        return Unmovable(
            "its command wrote \(text) to descriptor 4, which must begin with 'ready' or 'ready "
                + "SIGNAL' and a newline")
    }
}
