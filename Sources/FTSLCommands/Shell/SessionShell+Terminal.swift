internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import Glibc
internal import NIOCore

/// The terminal of a shell: signals, questions, prompt, what is printed.
extension SessionShell {
    func takeTerminal(on loop: any EventLoop) {
        TerminalGuard.begin()
        let screen = Screen(on: loop)
        self.screen = screen
        history = ShellHistory(screen.editor, log: log)
        history?.use(ShellHistory.withoutSession)
        screen.editor.onLine = { [unowned self] in typed($0) }
        screen.editor.onCompletion = { [unowned self] in
            vocabulary.completion(of: $0, from: $1, to: $2)
        }
        screen.onInterrupt = { [unowned self] in interrupted() }
        screen.onGone = { [unowned self] in terminalGone() }
        if ShellTerminal.hasErrors { log.printer = LogLines(on: screen, log).print }
        screen.start(prompt: prompt)
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            bound.value.showPrompt()
        }
    }

    // MARK: Signals

    func watchSignals(on loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        // On a terminal the screen takes care of SIGINT.
        let others = hasTerminal ? ShellTerminal.signals : [SIGINT]
        let all = [SIGTERM, SIGHUP, SIGUSR1] + others
        signals = SignalWatcher(all, on: loop) { bound.value.received(signal: $0) }
    }

    func received(signal number: CInt) {
        switch number {
        case SIGWINCH, SIGTSTP:
            if let remote { return remote.received(signal: number) }
            guard number == SIGTSTP else {
                screen?.editor.resize()
                return
            }
            screen?.editor.pause()
            TerminalGuard.stopProcess()
            screen?.editor.resume()
        case SIGHUP, SIGUSR1: for session in sessions { session.client?.received(signal: number) }
        default: stop(number)
        }
    }

    /// Ctrl-C: the line, else what is waited for, else the only session.
    func interrupted() {
        if let screen, screen.editor.interrupt() { return }
        if answer(false) { return }
        if isClosing { return stop(SIGINT) }
        switch work {
        case .child(let child): child.signal(SIGINT)
        case .opening(let session), .closing(let session), .saying(let session),
            .remote(let session, _):
            session.client?.received(signal: SIGINT)
        case nil:
            if isSingle || screen?.isBusy == true {
                let session = current ?? sessions.first
                session?.client?.received(signal: SIGINT)
            } else {
                say("(/quit or Ctrl-D ends the shell, /close a session)\n")
            }
        }
    }

    /// Everything ends, told as a signal; a second one is not waited for.
    func stop(_ number: CInt) {
        guard stopSignal == nil, !sessions.isEmpty else {
            return end(Ending(status: ExitStatus.signal(number)))
        }
        stopSignal = number
        finish(Ending(status: ExitStatus.signal(number)))
        for session in sessions { session.client?.received(signal: number) }
    }

    func terminalGone() {
        let failure = Failure(.local, .localInputOutput, "the terminal hung up")
        finish(Ending(.inputOutput, failure.text))
        for session in sessions { session.client?.abort(failure) }
        for child in background { child.signal(SIGHUP) }
    }

    // MARK: Questions

    /// False where there is nobody to ask.
    func ask(_ text: String, _ answered: @escaping (Bool) -> Void) -> Bool {
        guard let screen, screen.editor.isActive, question == nil else { return false }
        question = answered
        screen.print(text + "\n")
        showPrompt()
        return true
    }

    func answer(_ isYes: Bool) -> Bool {
        guard let answered = question else { return false }
        question = nil
        showPrompt()
        answered(isYes)
        return true
    }

    // MARK: The terminal

    /// Prints text of our own; data in a script.
    func say(_ text: String) {
        if let screen { screen.print(text) } else { RawOutput.write(text, to: 1) }
    }

    /// Where a session's output goes on the terminal; nil without one.
    func sink(of session: ShellSession) -> ScreenSink? {
        guard let screen else { return nil }
        let sink = ScreenSink(screen, colored: isColored)
        sink.label = { [unowned self, unowned session] in
            current === session || sessions.count < 2 ? "" : "[\(session.name)] "
        }
        return sink
    }

    var prompt: String {
        if question != nil { return "(yes/no) " }
        var prompt = Prompt(
            name: current?.name ?? "ftsl", state: current?.state ?? .none)
        prompt.beginning = current?.beginning ?? ""
        return prompt.text(colored: isColored)
    }

    func showPrompt() {
        screen?.editor.setPrompt(prompt)
        showRemoteState()
    }
}
