internal import FTSLCore
internal import Glibc
internal import NIOCore

/// A command on a terminal goes on under the next program of this process. [FTSL §12]
extension TerminalSession {
    func hold(_ kept: KeptDescriptors) throws(Unmovable) -> ApplicationHold {
        pipe.deliverAll()
        guard !isOver, !hasEnded || pipe.isInputOpen else { return ApplicationHold() }
        var words = ByteBuffer()
        words.write(process != nil)
        guard let process, let terminal, let input else { return ApplicationHold(words: words) }
        words.writeInteger(hasEnded ? 0 : process.pid)
        words.writeInteger(try kept.keep(terminal.descriptor))
        words.write(pipe.isInputOpen)
        words.write(input.hasEnded)
        let state = state ?? TerminalState()
        for value in [state.columns, state.rows, state.redraws] { words.writeInteger(value) }
        var unread = ByteBuffer()
        if !hasEnded {
            for bytes in [input.unwritten()] + plumbing.backlog(.main) {
                unread.writeImmutableBuffer(bytes)
            }
        }
        return ApplicationHold(words: words, unread: unread)
    }

    func goOn(from words: ByteBuffer) throws(Failure) {
        var words = words
        guard try words.needPresence() else { return waitForTerminal() }
        let pid: pid_t = try words.need()
        let descriptor: CInt = try words.need()
        try KeptDescriptors.adopt(descriptor)
        let hasOutput = try words.needPresence()
        let hasEnded = try words.needPresence()
        let state = TerminalState(
            columns: try words.need(), rows: try words.need(), redraws: try words.need())
        do throws(ChildProcess.SpawnFailure) {
            try serve(pid, PseudoTerminal(descriptor), state, hasOutput: hasOutput)
        } catch {
            throw Failure(.local, .applicationFailed, error.text)
        }
        if hasEnded, pid > 0 { input?.goOnEnding() }
    }
}
