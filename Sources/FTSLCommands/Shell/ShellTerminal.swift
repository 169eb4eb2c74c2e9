internal import Glibc

/// Whether a person can be at the keyboard, and what then is waited for.
enum ShellTerminal {
    /// A shell reads from a terminal and writes to one.
    static var isThere: Bool { isatty(0) == 1 && isatty(1) == 1 }

    /// Changes of the window, and Ctrl-Z, which must give the terminal back first.
    static let signals: [CInt] = [SIGWINCH, SIGTSTP]

    /// Whether colours are wanted on the terminal.
    static func isColored(_ choice: ColorChoice) -> Bool {
        switch choice {
        case .always: return true
        case .never: return false
        case .auto:
            let isOff = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
            let terminal = getenv("TERM").map { String(cString: $0) } ?? ""
            return !isOff && !terminal.isEmpty && terminal != "dumb"
        }
    }
}
