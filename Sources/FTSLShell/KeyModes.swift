@preconcurrency internal import CReadline
internal import Glibc

/// The terminal's modes while lines are edited.
///
/// Ctrl-C is a key like others then: as a signal it would come before keys that were typed before
/// it, and the terminal would throw those away.
enum KeyModes {
    /// What makes the terminal send SIGINT.
    nonisolated(unsafe) private static var interruptCharacter: cc_t = 3
    nonisolated(unsafe) private static var isEntered = false

    static func enter(_ meta: CInt) {
        guard !isEntered else { return }
        isEntered = true
        rl_prep_terminal(meta)
        interruptCharacter = change(to: 0) ?? 3
    }

    static func leave() {
        guard isEntered else { return }
        isEntered = false
        rl_deprep_terminal()
    }

    /// While no key is read, as when the terminal takes no output, Ctrl-C is a signal again.
    static func readsKeys(_ isReading: Bool) {
        guard isEntered else { return }
        _ = change(to: isReading ? 0 : interruptCharacter)
    }

    /// Gives back what it was.
    private static func change(to character: cc_t) -> cc_t? {
        var modes = termios()
        guard tcgetattr(0, &modes) == 0 else { return nil }
        let old = withUnsafeMutableBytes(of: &modes.c_cc) { characters in
            defer { characters[Int(VINTR)] = character }
            return characters[Int(VINTR)]
        }
        return tcsetattr(0, TCSANOW, &modes) == 0 ? old : nil
    }
}
