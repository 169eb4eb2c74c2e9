internal import DequeModule
internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// The sessions of a shell, and how it ends with them.
extension SessionShell {
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

    func freeName(_ wanted: String) -> String {
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

    /// Everything said to a session is on its way.
    func emptied(_ session: ShellSession) {
        guard case .saying(let awaited) = work, awaited === session else { return }
        work = nil
        later { $0.pump() }
    }

    func ended(_ session: ShellSession, _ ending: Ending) {
        later { $0.settle(session, ending) }
    }

    func settle(_ session: ShellSession, _ ending: Ending) {
        if terminal(of: session) != nil { takeTerminalBack() }
        if isAwaited(session) { work = nil }
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

    func isAwaited(_ session: ShellSession) -> Bool {
        switch work {
        case .opening(let awaited), .closing(let awaited), .saying(let awaited),
            .remote(let awaited, _):
            awaited === session
        case .child, nil: false
        }
    }

    func forget(_ session: ShellSession) {
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
    // MARK: The end

    /// Ctrl-D ends the input of the session, and without one the shell.
    func inputEnded() throws(Ending) {
        if isSingle, sessions.count == 1 { screen?.editor.stop() }
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
    func finish(_ ending: Ending?) {
        if result == nil { result = ending }
        isClosing = true
        inputs = []
        // A script that is over waits for its sessions as a pipe does; a person does not.
        if hasTerminal || result != nil { limitDraining() }
        endIfOver()
    }

    private func limitDraining() {
        guard !isDraining, let loop else { return }
        isDraining = true
        let limit = TimeAmount.nanoseconds(Int64(global.drainTimeout.duration.wholeNanoseconds))
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: limit) {
            bound.value.end(
                bound.value.result
                    ?? Ending(.incomplete, "a session did not end within the drain time"))
        }
    }

    func endIfOver() {
        guard isClosing, sessions.isEmpty else { return }
        end(result ?? .success)
    }

    func end(_ ending: Ending) {
        takeTerminalBack()
        screen?.editor.stop()
        // Who has interrupted a flood does not want to see the rest of it.
        screen?.flush(discarding: ending.status == ExitStatus.signal(SIGINT))
        log.printer = nil
        ProcessEnd.with(ending, log)
    }
}
