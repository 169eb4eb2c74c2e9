internal import DequeModule
internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import FTSLStore
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// Many sessions and one line to type, or one script that is read: `ftsl shell`, and
/// `ftsl connect` on a terminal.
final class SessionShell {
    /// What is waited for before the next line is obeyed.
    enum Work {
        /// Until it is open or has failed.
        case opening(ShellSession)
        /// Until it has ended.
        case closing(ShellSession)
        case child(ShellChild)
        /// Until the session has room for what was said.
        case saying(ShellSession)
    }

    /// What waits to be obeyed.
    enum Input {
        case line(TypedLine)
        case end
    }

    let global: GlobalOptions
    let log: Log
    let isSingle: Bool
    let isColored: Bool
    private let hasTerminal: Bool
    private(set) var screen: Screen?
    private(set) var history: ShellHistory?
    private(set) var loop: (any EventLoop)?
    private(set) var children: ChildWatcher?
    private var signals: SignalWatcher?

    var sessions: [ShellSession] = []
    var current: ShellSession?
    /// Commands that run beside the line: `tail`, `connect --local`.
    var background: [ShellChild] = []
    var work: Work?
    var inputs = Deque<Input>()
    private var script: ShellScript?
    private var isAsking = false
    private var isPumping = false
    /// `set -e`: the first error ends the shell.
    var stopsAtError: Bool
    /// No more input is obeyed; the process ends with the last session.
    private(set) var isClosing = false
    private var result: Ending?
    private var question: ((Bool) -> Void)?
    var topics: Set<String> = []
    lazy var catalog = OptionCatalog.load()

    init(terminal: Bool, isSingle: Bool, global: GlobalOptions, log: Log) {
        hasTerminal = terminal
        self.isSingle = isSingle
        self.global = global
        self.log = log
        stopsAtError = !terminal
        isColored = terminal && ShellTerminal.isColored(global.color)
    }

    /// Begins, and does what there is to do first.
    func start(on loop: any EventLoop, _ first: () throws -> Void) {
        self.loop = loop
        children = ChildWatcher(on: loop)
        watchSignals(on: loop)
        if hasTerminal { takeTerminal(on: loop) }
        do {
            try first()
        } catch {
            finish(StoreFailure.ending(of: error))
        }
        pump()
    }

    private func takeTerminal(on loop: any EventLoop) {
        TerminalGuard.begin()
        let screen = Screen(on: loop)
        self.screen = screen
        history = ShellHistory(screen.editor, log: log)
        history?.use(ShellHistory.withoutSession)
        screen.editor.onLine = { [unowned self] in typed($0) }
        screen.editor.onCompletion = { [unowned self] in
            vocabulary.completion(of: $0, from: $1, to: $2)
        }
        screen.onGone = { [unowned self] in terminalGone() }
        log.beforeLine = { screen.editor.hide() }
        log.afterLine = { screen.editor.show() }
        screen.start(prompt: prompt)
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            bound.value.showPrompt()
        }
    }

    /// Reads a script instead of a terminal.
    func read(_ script: ShellScript) { self.script = script }

    // MARK: Signals

    private func watchSignals(on loop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let all = [SIGINT, SIGTERM, SIGHUP, SIGUSR1] + (hasTerminal ? ShellTerminal.signals : [])
        signals = SignalWatcher(all, on: loop) { bound.value.received(signal: $0) }
    }

    private func received(signal number: CInt) {
        switch number {
        case SIGWINCH: screen?.editor.resize()
        case SIGTSTP:
            screen?.editor.pause()
            TerminalGuard.stopProcess()
            screen?.editor.resume()
        case SIGHUP, SIGUSR1: for session in sessions { session.client?.received(signal: number) }
        case SIGINT where hasTerminal: interrupted()
        default: stop(number)
        }
    }

    /// Ctrl-C: the line, else what is waited for, else the only session.
    private func interrupted() {
        if let screen, screen.editor.interrupt() { return }
        if answer(false) { return }
        switch work {
        case .child(let child): child.signal(SIGINT)
        case .opening(let session), .closing(let session), .saying(let session):
            session.client?.received(signal: SIGINT)
        case nil:
            if isSingle || isClosing || screen?.isBusy == true {
                let session = current ?? sessions.first
                session?.client?.received(signal: SIGINT)
            } else {
                say("(/quit or Ctrl-D ends the shell, /close a session)\n")
            }
        }
    }

    /// Everything ends, told as a signal; a second one is not waited for.
    private func stop(_ number: CInt) {
        guard !isClosing, !sessions.isEmpty else {
            return end(Ending(status: ExitStatus.signal(number)))
        }
        finish(Ending(status: ExitStatus.signal(number)))
        for session in sessions { session.client?.received(signal: number) }
    }

    private func terminalGone() {
        let failure = Failure(.local, .localInputOutput, "the terminal hung up")
        finish(Ending(.inputOutput, failure.text))
        for session in sessions { session.client?.abort(failure) }
        for child in background { child.signal(SIGHUP) }
    }

    // MARK: Lines

    /// A line, or a paste of many, has been finished; nil: Ctrl-D.
    private func typed(_ input: String?) {
        guard let input else {
            inputs.append(.end)
            return pump()
        }
        if question != nil {
            _ = answer(input.trimmedSpace == "yes")
            return
        }
        history?.add(input)
        for line in TypedLine.read(input) { inputs.append(.line(line)) }
        pump()
    }

    /// Obeys what waits, as far as nothing must be waited for.
    func pump() {
        guard !isPumping else { return }
        isPumping = true
        while work == nil, !isClosing, let input = inputs.popFirst() {
            do throws(Ending) {
                switch input {
                case .line(let line): try obey(line)
                case .end: try inputEnded()
                }
            } catch {
                failed(error)
            }
        }
        isPumping = false
        showPrompt()
        readOn()
    }

    private func readOn() {
        guard let script, work == nil, inputs.isEmpty, !isClosing, !isAsking else { return }
        isAsking = true
        script.next { [unowned self] item in
            isAsking = false
            switch item {
            case .line(let line): inputs.append(.line(TypedLine.one(line[...])))
            case .end(let failure):
                if let failure {
                    failed(Ending(failure.code.exitStatus, failure.text, code: failure.code))
                }
                quit()
            }
            guard let loop else { return }
            let bound = NIOLoopBound(self, eventLoop: loop)
            // A long script must not become a deep stack.
            loop.execute { bound.value.pump() }
        }
    }

    private func obey(_ line: TypedLine) throws(Ending) {
        switch line {
        case .command(let text): try run(text)
        case .text(let text):
            guard let current else { return try obeyWithoutSession(text) }
            guard current.lines.add(text) else {
                throw Ending(
                    .unreachable,
                    current.lines.isFinished
                        ? "\(current.name) takes no more input: its end was said"
                        : "\(current.name) has no room: 16 MiB wait for it already")
            }
            // A script does not run ahead of its session.
            if script != nil, current.lines.pending > 1 << 20 { work = .saying(current) }
        }
    }

    /// Without a session to talk to, the slash may be left out.
    private func obeyWithoutSession(_ text: String) throws(Ending) {
        let word = text.split(whereSeparator: \.isWhitespace).first.map(String.init)
        guard let word, !word.hasPrefix("#") else { return }
        guard Self.commands[word] == nil else { return try run(text) }
        let hint = NearestName.hint(word, among: Self.commands.keys)
        throw Ending(
            .usage, "no session is open, and '\(word)' is no command\(hint)", see: "/help")
    }

    /// Tells an error; in a script it is the last thing done.
    func failed(_ ending: Ending) {
        if result == nil, stopsAtError {
            result = ending
            finish(ending)
            let failure = Failure(.local, .shuttingDown, "the script has failed")
            for session in sessions { session.client?.abort(failure) }
            endIfOver()
            return
        }
        log.error(ending)
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

    private func answer(_ isYes: Bool) -> Bool {
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

    private var prompt: String {
        if question != nil { return "(yes/no) " }
        var prompt = Prompt(
            name: current?.name ?? "ftsl", state: current?.state ?? .none)
        prompt.beginning = current?.beginning ?? ""
        return prompt.text(colored: isColored)
    }

    func showPrompt() { screen?.editor.setPrompt(prompt) }

    // MARK: The end

    /// Ctrl-D ends the input of the session, and without one the shell.
    private func inputEnded() throws(Ending) {
        if isSingle, current?.lines.isFinished != true { screen?.editor.stop() }
        guard let current else { return quit() }
        guard !current.lines.isFinished else {
            throw Ending(
                .usage, "the end was said to \(current.name) already; it is waited for",
                see: "/help")
        }
        current.lines.finish()
    }

    /// Says the end to every session, and ends with the last of them.
    func quit() {
        finish(result)
        for session in sessions where !session.lines.isFinished { session.lines.finish() }
        for child in background { child.signal(SIGTERM) }
        endIfOver()
    }

    /// From now on nothing is obeyed; bounded by the drain time.
    private func finish(_ ending: Ending?) {
        if result == nil { result = ending }
        guard !isClosing, let loop else { return }
        isClosing = true
        inputs = []
        let limit = TimeAmount.nanoseconds(Int64(global.drainTimeout.duration.wholeNanoseconds))
        let bound = NIOLoopBound(self, eventLoop: loop)
        // A script that is over waits for its sessions as a pipe does; a person does not.
        guard hasTerminal || result != nil else { return }
        loop.scheduleTask(in: limit) {
            bound.value.end(
                bound.value.result
                    ?? Ending(.incomplete, "a session did not end within the drain time"))
        }
        endIfOver()
    }

    func endIfOver() {
        guard isClosing, sessions.isEmpty else { return }
        end(result ?? .success)
    }

    private func end(_ ending: Ending) {
        screen?.editor.stop()
        // Who has interrupted a flood does not want to see the rest of it.
        screen?.flush(discarding: ending.status == ExitStatus.signal(SIGINT))
        log.beforeLine = nil
        log.afterLine = nil
        ProcessEnd.with(ending, log)
    }

    // MARK: Sessions

    /// Opens a session and waits for it.
    func connect(_ endpoints: [Endpoint], _ options: ConnectOptions) throws {
        guard let loop else { return }
        let session = ShellSession(
            name: freeName(options.endpoint), place: options.endpoint, in: self)
        sessions.append(session)
        current = session
        history?.use(session.place)
        work = .opening(session)
        do {
            try session.start(endpoints, options, global, log: log, on: loop)
        } catch {
            forget(session)
            throw error
        }
    }

    private func freeName(_ wanted: String) -> String {
        var name = wanted
        var number = 2
        while sessions.contains(where: { $0.name == name }) {
            name = "\(wanted)#\(number)"
            number += 1
        }
        return name
    }

    func changed(_ session: ShellSession) {
        if case .opening(let opening) = work, opening === session, session.isOpen {
            work = nil
            // Not now: the driver is still on the stack.
            later { $0.pump() }
        }
        showPrompt()
    }

    func ended(_ session: ShellSession, _ ending: Ending) {
        later { $0.settle(session, ending) }
    }

    private func settle(_ session: ShellSession, _ ending: Ending) {
        let wasAwaited = isAwaited(session)
        if wasAwaited { work = nil }
        forget(session)
        session.release()
        if isSingle, sessions.isEmpty {
            isClosing = true
            return end(ending)
        }
        if ending.status != 0 {
            if isClosing { if result == nil { result = ending } } else { failed(ending) }
        } else if hasTerminal {
            log.notice("\(session.name) has ended")
        }
        endIfOver()
        pump()
    }

    private func isAwaited(_ session: ShellSession) -> Bool {
        switch work {
        case .opening(let awaited), .closing(let awaited), .saying(let awaited):
            awaited === session
        case .child, nil: false
        }
    }

    private func forget(_ session: ShellSession) {
        if isAwaited(session) { work = nil }
        sessions.removeAll { $0 === session }
        if current === session { choose(sessions.last) }
    }

    /// Makes a session the current one.
    func choose(_ session: ShellSession?) {
        current = session
        history?.use(session?.place ?? ShellHistory.withoutSession)
        showPrompt()
    }

    func later(_ body: @escaping (SessionShell) -> Void) {
        guard let loop else { return }
        let bound = NIOLoopBound((self, body), eventLoop: loop)
        loop.execute { bound.value.1(bound.value.0) }
    }
}
