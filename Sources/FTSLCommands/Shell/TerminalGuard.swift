internal import CPlatform

/// Gives the terminal back as it was, however the process ends.
enum TerminalGuard {
    static func begin() { cplatform_guard_terminal(0) }

    /// As Ctrl-Z does by itself; comes back with `fg`.
    static func stopProcess() { cplatform_stop() }
}
