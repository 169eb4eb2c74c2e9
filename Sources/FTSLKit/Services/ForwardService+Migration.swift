package import FTSLCore
internal import NIOCore

/// A session that moves gets a new connection to the backend of its next host, where the operator
/// has said that this will do.
extension ForwardService: MovableService {
    package func obstacle(of id: SessionID) -> Unmovable? {
        guard let session = running[id], !session.isDone else { return nil }
        guard options.reconnects else {
            return Unmovable(
                "its backend's connection cannot move, and stays until it ends "
                    + "(--forward-migrate reconnect gives it a new one)")
        }
        return session.obstacle
    }

    package func checkpoint(_ id: SessionID, then: @escaping (CheckpointAnswer) -> Void) {
        // Without one it has come from an earlier move or restart, or goes now.
        guard let session = running[id], !session.isDone else {
            running[id] = nil
            return then(.success(nil))
        }
        if let obstacle = obstacle(of: id) { return then(.failure(obstacle)) }
        session.checkpoint { [weak self] result in
            if case .success = result { self?.running[id] = nil }
            then(result)
        }
    }

    package func restore(
        _ handle: SessionHandle, peer: String, from state: ApplicationState
    ) -> any SessionApplication {
        let application = begin(handle, peer: peer)
        // The last backend was told the end already; the session will not tell it again.
        if state.closed.contains(.input) { application.finished(.main) }
        return application
    }
}

extension ForwardSession {
    /// The end of one connection, while the session waits for another.
    struct Leave {
        let answer: (CheckpointAnswer) -> Void
        /// What its backend was not given.
        var unread: ByteBuffer
        var timer: Scheduled<Void>?
    }

    /// All that its backend had to say is the session's, and the backend has everything: the
    /// connection is not needed any more, only the client has not heard it all.
    var isDone: Bool {
        let session = handle.session
        let input = session.receivingChannels[0]
        return session.outcome == nil && session.sendingChannels[0].finished
            && (input.endTaken || input.stoppedAt != nil)
    }

    var obstacle: Unmovable? {
        if handle.session.outcome != nil { return Unmovable("its session has ended") }
        if leave != nil { return Unmovable("its connection is being left already") }
        if isAdopting { return Unmovable("its backend is not connected again yet") }
        let hasEnded = handle.session.sendingChannels[0].finished
        return hasEnded ? Unmovable("its backend has said everything already") : nil
    }

    /// Ends the backend's input after what it was given, and waits for its last words.
    func checkpoint(then answer: @escaping (CheckpointAnswer) -> Void) {
        var unread = ByteBuffer()
        let waiting = pipe == nil ? early.waiting : []
        for bytes in waiting + plumbing.takeBack(.main) { unread.writeImmutableBuffer(bytes) }
        guard let pipe else {
            forget()
            return answer(.success(state(unread)))
        }
        let patience = service.options.patience
        let bound = NIOLoopBound(self, eventLoop: service.loop)
        let timer = service.loop.scheduleTask(
            in: .nanoseconds(Int64(patience.wholeNanoseconds))
        ) {
            bound.value.connectAnew("its backend did not end within \(patience.plain)")
        }
        leave = Leave(answer: answer, unread: unread, timer: timer)
        plumbing.overdraft = service.options.buffer
        plumbing.onOverdrawn = { [weak self] in
            self?.connectAnew("its backend says more than the session has room for")
        }
        plumbing.keepsEnd = { [weak self] _ in
            self?.left()
            return true
        }
        // Its end is the connection's, not the stream's.
        early.onFinished = nil
        plumbing.askAgain()
        pipe.finish()
    }

    private func left() {
        guard let leave = takeLeave() else { return }
        leave.answer(.success(state(leave.unread)))
    }

    func takeLeave() -> Leave? {
        defer { leave = nil }
        leave?.timer?.cancel()
        return leave
    }

    /// There is no way back to the old connection: a new one follows here.
    private func connectAnew(_ reason: String) {
        guard let leave = takeLeave() else { return }
        plumbing.keepsEnd = nil
        plumbing.cancel()
        pipe?.fail()
        dial()
        if isInputOver(leave.unread) { finished(.main) }
        handle.takeBack(leave.unread, from: .main)
        leave.answer(.failure(Unmovable(reason)))
    }

    private func isInputOver(_ unread: ByteBuffer) -> Bool {
        let input = handle.session.receivingChannels[0]
        return unread.readableBytes == 0 && (input.endTaken || input.stoppedAt != nil)
    }

    private func state(_ unread: ByteBuffer) -> ApplicationState {
        ApplicationState(
            state: [], closed: isInputOver(unread) ? .input : [], unread: unread)
    }
}
