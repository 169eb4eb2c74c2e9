internal import Glibc

/// Whether a person can be at the keyboard, and what then is waited for.
enum ShellTerminal {
    /// A shell reads from a terminal and writes to one.
    static var isThere: Bool { isatty(0) == 1 && isatty(1) == 1 }

    /// Standard error is the terminal that the shell writes to.
    static var hasErrors: Bool {
        guard isatty(2) == 1, let name = name(of: 2) else { return false }
        return name == Self.name(of: 1)
    }

    private static func name(of terminal: CInt) -> String? {
        ttyname(terminal).map { String(cString: $0) }
    }

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
