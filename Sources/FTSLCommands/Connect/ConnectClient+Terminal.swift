internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// A session whose command has a terminal. [FTSL §5.10]
extension ConnectClient {
    /// The command at the other end has a terminal.
    var hasTerminal: Bool { monitor?.session.identity.flags.contains(.terminal) ?? false }

    func setTerminal(_ state: TerminalState) { plumbing?.setTerminal(state) }

    /// Ends the session for good; the peer gets a moment to hear it, if it is there.
    func leave(_ failure: Failure) {
        abort(failure)
        guard let loop, running?.initiator.connection != nil else {
            running?.giveUp(failure)
            return
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .seconds(1)) { bound.value.running?.giveUp(failure) }
    }
}
