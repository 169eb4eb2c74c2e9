internal import FTSLCore
internal import NIOCore

/// A session that moves though its command has ended by itself: its client has not heard everything
/// yet. [FTSL §11]
extension ExecSession {
    /// A wait for the last of what was written.
    struct Parting {
        let answer: (CheckpointAnswer) -> Void
        let timer: Scheduled<Void>
    }

    /// True when there is no command to be asked any more.
    var mayPart: Bool {
        hasEnded && !isOver && parting == nil && handle.session.outcome == nil
    }

    /// Others of the command's group may go on writing when it has ended.
    var isHeard: Bool { output.isInputOpen || error.isInputOpen }

    /// Answers once everything that was written is the session's.
    func part(then answer: @escaping (CheckpointAnswer) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: setup.loop)
        let limit = setup.options.checkpointTimeout
        let timer = setup.loop.scheduleTask(
            in: .nanoseconds(Int64(limit.wholeNanoseconds))
        ) {
            let text = "what its command left running did not close its output within"
            bound.value.parted(.failure(Unmovable("\(text) \(limit.plain)")))
        }
        parting = Parting(answer: answer, timer: timer)
        plumbing.keepsEnd = { [weak self] channel in
            self?.handle.finish(channel)
            self?.partIfHeardOut()
            return true
        }
        let buffer = setup.options.checkpointBuffer
        plumbing.overdraft = Int(clamping: buffer)
        plumbing.onOverdrawn = { [weak self] in
            let text = "what its command left running wrote \(buffer) bytes more than the session"
            self?.parted(.failure(Unmovable("\(text) has room for")))
        }
        output.deliverAll()
        error.deliverAll()
        plumbing.askAgain()
        partIfHeardOut()
    }

    func partIfHeardOut() {
        if parting != nil, !isHeard { parted(.success(nil)) }
    }

    func parted(_ result: CheckpointAnswer) {
        guard let parting else { return }
        self.parting = nil
        parting.timer.cancel()
        plumbing.keepsEnd = nil
        plumbing.overdraft = nil
        plumbing.onOverdrawn = nil
        parting.answer(result)
    }
}
