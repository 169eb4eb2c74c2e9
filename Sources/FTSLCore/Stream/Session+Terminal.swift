/// A session whose command has a terminal. [FTSL §5.10]
extension Session {
    func beginTerminal() {
        switch identity.role {
        case .initiator: terminal = TerminalState()
        case .acceptor: promptWindow = PromptWindow()
        }
    }

    /// The initiator's terminal has another size, or must be drawn anew; nothing where the service
    /// has none. [FTSL §5.10]
    package func setTerminal(_ state: TerminalState) {
        guard identity.role == .initiator, terminal != nil else { return }
        terminal = state
        attachment?.owed.insert(.terminal)
    }

    func receive(_ state: TerminalState) throws(Failure) {
        guard identity.role == .acceptor, identity.flags.contains(.terminal) else {
            throw .violation(.unexpectedFrame, "TERMINAL where there is none")
        }
        guard terminal != state else { return }
        terminal = state
        events.append(.terminal(state))
    }

    /// Bytes of the main stream have been put into a frame.
    func sentMain(now: Instant) {
        promptWindow?.sent(
            to: sends[0].next, held: UInt64(sends[0].retention.byteCount), now: now)
    }
}
