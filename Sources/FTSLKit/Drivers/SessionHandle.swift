package import FTSLCore
package import NIOCore

/// What an application does with one session; everything on the event loop.
package protocol SessionApplication: AnyObject {
    /// New bytes in order. Answer with `took` when they are where they belong.
    func received(_ bytes: ByteBuffer, on channel: ChannelNumber)
    /// The peer's stream ended well. Answer with `tookEnd`.
    func finished(_ channel: ChannelNumber)
    /// The peer's reader went away: no more writing on this channel.
    func stopped(_ channel: ChannelNumber, at position: UInt64)
    /// There may be room for writing.
    func room(on channel: ChannelNumber)
    func exited(_ report: ExitReport)
    /// The user's terminal is, or has become, like this.
    func terminalChanged(_ state: TerminalState)
    /// A connection was lost, or is back.
    func detached(_ failure: Failure)
    func attached(resumed: Bool)
    /// The outcome is fixed; told once.
    func settled(_ outcome: Outcome)
}

extension SessionApplication {
    /// Most have none.
    package func terminalChanged(_ state: TerminalState) {}
}

/// An application's end of a session: its calls, followed by whatever must leave on the wire.
package final class SessionHandle {
    package let session: Session
    /// Who is at the other end, as far as TLS has verified it.
    package internal(set) var peer = PeerIdentity.plaintext
    package weak var application: (any SessionApplication)?
    private let flush: (SessionHandle) -> Void

    init(session: Session, flush: @escaping (SessionHandle) -> Void) {
        self.session = session
        self.flush = flush
    }

    package var id: SessionID { session.identity.id }

    package func room(on channel: ChannelNumber) -> Int { session.room(on: channel) }

    package func write(_ bytes: ByteBuffer, to channel: ChannelNumber) {
        session.write(bytes, to: channel)
        flush(self)
    }

    package func finish(_ channel: ChannelNumber) {
        session.finish(channel)
        flush(self)
    }

    package func took(_ count: Int, from channel: ChannelNumber) {
        session.took(count, from: channel, now: MonotonicClock.now)
        flush(self)
    }

    package func tookEnd(_ channel: ChannelNumber) {
        session.tookEnd(channel)
        flush(self)
    }

    /// Room for so many bytes that nobody has taken; false where the bounds do not allow it.
    package func widen(_ channel: ChannelNumber, to bytes: UInt64) -> Bool {
        defer { flush(self) }
        return session.widen(channel, to: bytes)
    }

    /// The last bytes that came were not used by the application that took them: the next one is
    /// told them as new.
    package func takeBack(_ unread: ByteBuffer, from channel: ChannelNumber) {
        session.takeBack(unread, from: channel)
        flush(self)
    }

    /// The reader went away and left `unread` bytes of what was taken.
    package func stopReading(_ channel: ChannelNumber, unread: Int = 0) {
        session.stopReading(channel, unread: UInt64(unread), now: MonotonicClock.now)
        flush(self)
    }

    /// False when it is too late: the peer may already know success.
    @discardableResult
    package func abort(_ failure: Failure) -> Bool {
        defer { flush(self) }
        return session.abort(failure)
    }

    package func exit(_ report: ExitReport) {
        session.exit(report)
        flush(self)
    }

    /// Tells the command what the user's terminal is like.
    package func setTerminal(_ state: TerminalState) {
        session.setTerminal(state)
        flush(self)
    }

    /// Passes the session's events on; `detach` is the driver's.
    func drain(detach: (Failure) -> Void) {
        while let event = session.nextEvent() {
            switch event {
            case .data(let channel, let bytes): application?.received(bytes, on: channel)
            case .finished(let channel): application?.finished(channel)
            case .stopped(let channel, let position):
                application?.stopped(channel, at: position)
            case .room(let channel): application?.room(on: channel)
            case .exited(let report): application?.exited(report)
            case .terminal(let state): application?.terminalChanged(state)
            case .detach(let failure): detach(failure)
            case .settled(let outcome): application?.settled(outcome)
            case .over: break
            }
        }
    }
}
