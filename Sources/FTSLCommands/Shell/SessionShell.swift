internal import DequeModule
internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import FTSLStore
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
        /// Until it gives back the terminal.
        case remote(ShellSession, RemoteTerminal)
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
    let hasTerminal: Bool
    var screen: Screen?
    var history: ShellHistory?
    private(set) var loop: (any EventLoop)?
    private(set) var children: ChildWatcher?
    var signals: SignalWatcher?

    var sessions: [ShellSession] = []
    var current: ShellSession?
    /// Commands that run beside the line: `tail`, `connect --local`.
    var background: [ShellChild] = []
    var work: Work?
    var inputs = Deque<Input>()
    var script: ShellScript?
    private var isAsking = false
    private var isPumping = false
    /// `set -e`: the first error ends the shell.
    var stopsAtError: Bool
    /// No more input is obeyed; the process ends with the last session.
    var isClosing = false
    var result: Ending?
    /// The time for ending is running.
    var isDraining = false
    /// A signal that everything ends for.
    var stopSignal: CInt?
    var question: ((Bool) -> Void)?
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

    /// Reads a script instead of a terminal.
    func read(_ script: ShellScript) { self.script = script }

    // MARK: Lines

    /// A line, or a paste of many, has been finished; nil: Ctrl-D.
    func typed(_ input: String?) {
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
}
