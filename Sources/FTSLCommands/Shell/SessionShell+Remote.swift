internal import DequeModule
internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import Glibc
internal import NIOCore

/// A session whose command has a terminal of its own takes this one until it ends. [FTSL §5.10]
extension SessionShell {
    /// The terminal, where a remote program has it.
    var remote: RemoteTerminal? {
        if case .remote(_, let terminal) = work { terminal } else { nil }
    }

    func terminal(of session: ShellSession) -> RemoteTerminal? {
        if case .remote(let owner, let terminal) = work, owner === session { terminal } else { nil }
    }

    /// Nil where there is no terminal, or the command at the other end has none.
    func lendTerminal(to session: ShellSession) -> RemoteTerminal? {
        guard let screen, let loop, remote == nil, session.client?.hasTerminal == true else {
            return nil
        }
        let typed = typedAhead() + screen.lend()
        let terminal = RemoteTerminal(on: loop)
        work = .remote(session, terminal)
        // Nothing of ours may stand between what the remote program writes.
        if StandardError.isTerminal { log.hold() }
        terminal.onEscape = { [unowned self] in obey($0) }
        terminal.onGone = { [unowned self] in terminalGone() }
        terminal.onChanged = { [unowned session] in session.client?.setTerminal($0) }
        terminal.onEnter = { [unowned session] in
            if case .lost = session.state { session.client?.received(signal: SIGHUP) }
        }
        session.client?.setTerminal(terminal.state)
        terminal.start(typed: typed)
        return terminal
    }

    /// Lines that were finished before the session was there.
    private func typedAhead() -> String {
        defer { inputs = [] }
        return inputs.map { input in
            switch input {
            case .line(.text(let text)): text + "\r"
            case .line(.command(let text)): "/\(text)\r"
            case .end: "\u{4}"
            }
        }.joined()
    }

    func takeTerminalBack() {
        guard case .remote(_, let terminal) = work else { return }
        terminal.stop()
        work = nil
        if !isSingle { screen?.takeBack() }
        log.release()
    }

    // MARK: Escapes

    private func obey(_ escape: EscapeKeys.Escape) {
        guard case .remote(let session, let terminal) = work else { return }
        switch escape {
        case .help: terminal.say(EscapeKeys.help)
        case .status: terminal.say(status(of: session))
        case .suspend: terminal.suspend(TerminalGuard.stopProcess)
        case .end: session.client?.leave(Failure(.local, .shuttingDown, "ended by ~."))
        }
    }

    private func status(of session: ShellSession) -> String {
        guard let monitor = session.client?.monitor else { return "no session yet" }
        return "ftsl: \(monitor.peer): \(Self.word(session.state)), attachment "
            + "\(monitor.session.highestAttachment.value); \(monitor.reconnects) reconnects, "
            + "\(Numbers.seconds(monitor.offlineNow.inSeconds)) offline, "
            + "\(Numbers.bytes(monitor.replayed)) replayed\n"
            + "      \(Numbers.bytes(monitor.sent)) typed, "
            + "\(Numbers.bytes(monitor.unacknowledged)) of them unconfirmed, "
            + "\(Numbers.bytes(monitor.received)) received"
    }

    /// A lost connection stands in the window's title: the screen is the remote program's.
    func showRemoteState() {
        guard case .remote(let session, let terminal) = work else { return }
        if case .lost = session.state {
            let peer = session.client?.monitor?.peer ?? session.place
            terminal.show(title: "\(Log.harmless(peer)): \(Self.word(session.state))")
        } else {
            terminal.show(title: nil)
        }
    }
}

extension RemoteTerminal {
    /// SIGWINCH, or SIGTSTP from elsewhere.
    func received(signal number: CInt) {
        if number == SIGWINCH { resized() } else { suspend(TerminalGuard.stopProcess) }
    }
}
