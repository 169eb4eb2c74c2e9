package import FTSLCore
package import NIOCore

/// Connects the channels of one session to sources and sinks: the byte's way from stdin to the
/// other side's stdout.
///
/// The source is asked for more only while the session has room, and the sink's "taken" is what the
/// peer gets as acknowledgement; so a stalled reader stalls its writer and nothing else. [FTSL §5]
package final class Plumbing: SessionApplication {
    private let handle: SessionHandle
    private var sources: [ChannelNumber: Source] = [:]
    private var sinks: [ChannelNumber: PacedSink] = [:]
    private var outcome: Outcome?
    /// The driver lets go of it when the session is over; what was received is still being written
    /// then.
    private var untilDrained: Plumbing?

    /// What a source's failure means for the session; nil: abort with it.
    package var onSourceFailure: ((ChannelNumber, Failure) -> Void)?
    /// A sink's reader went away; STOP was said.
    package var onReaderGone: ((ChannelNumber) -> Void)?
    /// A sink failed for a reason of this machine; the session was aborted.
    package var onSinkFailure: ((ChannelNumber, Failure) -> Void)?
    package var onStopped: ((ChannelNumber, UInt64) -> Void)?
    package var onExited: ((ExitReport) -> Void)?
    package var onDetached: ((Failure) -> Void)?
    package var onAttached: ((Bool) -> Void)?
    package var onSettled: ((Outcome) -> Void)?
    /// Asked at the clean end of a source; true: it is not to be told to the peer now.
    package var keepsEnd: ((ChannelNumber) -> Bool)?
    /// Bytes that sources may write beyond the session's room; nil: none, and nobody counts.
    package var overdraft: Int?
    /// A source wrote more than that; what it wrote is not lost.
    package var onOverdrawn: (() -> Void)?
    /// Every sink has written and closed what it was given.
    package var onDrained: (() -> Void)?

    private final class Source {
        let source: any ByteSource
        var isAsked = false
        var hasEnded = false
        init(_ source: any ByteSource) { self.source = source }
    }

    package init(_ handle: SessionHandle) { self.handle = handle }

    // MARK: Sources

    /// Begins to read the source into a channel.
    package func attach(source: any ByteSource, to channel: ChannelNumber) {
        let holder = Source(source)
        sources[channel] = holder
        source.onBytes = { [weak self, weak holder] bytes in
            holder?.isAsked = false
            self?.pass(bytes, to: channel)
            self?.ask(channel)
        }
        source.onEnd = { [weak self, weak holder] failure in
            holder?.hasEnded = true
            self?.sourceEnded(channel, failure)
        }
        ask(channel)
    }

    private func pass(_ bytes: ByteBuffer, to channel: ChannelNumber) {
        guard let left = overdraft else { return handle.write(bytes, to: channel) }
        let beyond = max(0, bytes.readableBytes - handle.room(on: channel))
        handle.write(bytes, to: channel)
        overdraft = max(0, left - beyond)
        if beyond > left { onOverdrawn?() }
    }

    /// Asks all sources again whose channel has room, or may do without.
    package func askAgain() {
        for channel in sources.keys { ask(channel) }
    }

    private func sourceEnded(_ channel: ChannelNumber, _ failure: Failure?) {
        guard let failure else {
            if keepsEnd?(channel) != true { handle.finish(channel) }
            return
        }
        if let onSourceFailure { onSourceFailure(channel, failure) } else { handle.abort(failure) }
    }

    private func ask(_ channel: ChannelNumber) {
        guard let holder = sources[channel], !holder.isAsked, !holder.hasEnded,
            handle.room(on: channel) > 0 || overdraft != nil
        else { return }
        holder.isAsked = true
        holder.source.demand()
    }

    // MARK: Sinks

    /// Writes a channel's bytes to the sink.
    package func attach(sink: any ByteSink, to channel: ChannelNumber) {
        let holder = PacedSink(sink)
        sinks[channel] = holder
        sink.onTaken = { [weak self, weak holder] count in
            holder?.took(count)
            self?.handle.took(count, from: channel)
            self?.settleIfDrained()
        }
        sink.onFinished = { [weak self, weak holder] in
            holder?.end()
            self?.handle.tookEnd(channel)
            self?.settleIfDrained()
        }
        sink.onFailed = { [weak self, weak holder] failure in
            holder?.end()
            self?.sinkFailed(channel, failure)
        }
    }

    private func sinkFailed(_ channel: ChannelNumber, _ failure: SinkFailure) {
        switch failure {
        case .readerGone(let unread):
            handle.stopReading(channel, unread: unread)
            onReaderGone?(channel)
        case .failed(let failure):
            handle.abort(failure)
            onSinkFailure?(channel, failure)
        }
        settleIfDrained()
    }

    /// Says that a channel's reader went away though its sink did not notice.
    package func stopReading(_ channel: ChannelNumber, unread: Int = 0) {
        guard let holder = sinks[channel], !holder.isDone else { return }
        holder.cancel()
        handle.stopReading(channel, unread: unread)
        settleIfDrained()
    }

    /// What a channel's sink was not given yet. [FTSL §12]
    func backlog(_ channel: ChannelNumber) -> [ByteBuffer] {
        guard let holder = sinks[channel], !holder.isDone else { return [] }
        return Array(holder.backlog)
    }

    /// Gives back what a channel's sink was not given yet; it gets nothing more.
    package func takeBack(_ channel: ChannelNumber) -> [ByteBuffer] {
        guard let holder = sinks[channel], !holder.isDone else { return [] }
        return holder.takeBack()
    }

    /// Tells the peer what the user's terminal is like.
    package func setTerminal(_ state: TerminalState) { handle.setTerminal(state) }

    // MARK: SessionApplication

    package func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        guard let holder = sinks[channel], !holder.isDone else { return }
        holder.write(bytes)
    }

    package func finished(_ channel: ChannelNumber) {
        guard let holder = sinks[channel], !holder.isDone else { return }
        holder.finish()
    }

    package func stopped(_ channel: ChannelNumber, at position: UInt64) {
        // The source's own writer learns it as programs do: its pipe has no reader any more.
        sources[channel]?.hasEnded = true
        sources[channel]?.source.cancelInput(.readerGone)
        onStopped?(channel, position)
    }

    package func room(on channel: ChannelNumber) { ask(channel) }
    package func exited(_ report: ExitReport) { onExited?(report) }
    package func detached(_ failure: Failure) { onDetached?(failure) }
    package func attached(resumed: Bool) { onAttached?(resumed) }

    package func settled(_ outcome: Outcome) {
        self.outcome = outcome
        untilDrained = self
        for holder in sources.values where !holder.hasEnded {
            holder.hasEnded = true
            holder.source.cancelInput(.sessionOver)
        }
        onSettled?(outcome)
        settleIfDrained()
    }

    /// What was received before a bad end still belongs to the reader.
    private func settleIfDrained() {
        guard let outcome else { return }
        for holder in sinks.values where !holder.isDone && !holder.isClosing {
            guard holder.pending == 0 else { return }
            if outcome.isGood { holder.finish() } else { holder.fail() }
        }
        guard sinks.values.allSatisfy(\.isDone) else { return }
        let tell = onDrained
        onDrained = nil
        untilDrained = nil
        tell?()
    }

    /// Closes everything without waiting.
    package func cancel() {
        untilDrained = nil
        for holder in sources.values where !holder.hasEnded {
            holder.source.cancelInput(.sessionOver)
        }
        for holder in sinks.values { holder.cancel() }
    }
}
