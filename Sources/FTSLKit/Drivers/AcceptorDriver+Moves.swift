package import FTSLCore
internal import NIOCore

/// Sessions that leave a host or arrive at it. [FTSL §10]
extension AcceptorDriver {
    /// A session as it is used here; nil when it has ended.
    package func handle(of id: SessionID) -> SessionHandle? { sessions[id]?.handle }

    /// Carries out what the core was told about moves.
    package func moved(_ body: (Acceptor, Instant) -> Void) {
        body(acceptor, MonotonicClock.now)
        pump()
    }

    /// Sessions that were adopted begin here, with what their applications left.
    package func activate(_ states: [SessionID: ApplicationState], _ ids: [SessionID]) {
        beginnings = states.mapValues { state in
            { [unowned self] in application(of: $0, from: state) }
        }
        moved { $0.activate(ids, now: $1) }
        beginnings = [:]
    }

    func resume(_ id: SessionID) {
        guard let session = acceptor.session(id) else { return }
        let handle = SessionHandle(session: session) { [weak self] in self?.touched($0.id) }
        handle.peer = acceptor.identity(of: id)
        let application = beginnings.removeValue(forKey: id)?(handle) ?? QuietApplication()
        handle.application = application
        sessions[id] = Running(handle: handle, application: application)
    }

    private func application(
        of handle: SessionHandle, from state: ApplicationState
    ) -> any SessionApplication {
        guard let movable = service as? any MovableService else {
            handle.abort(
                Failure(.local, .activationFailed, "nothing here can go on with the session"))
            return QuietApplication()
        }
        let peer = acceptor.address(of: handle.id)
        let application = movable.restore(handle, peer: peer, from: state)
        handle.session.takeBack(state.unread, from: .main)
        return application
    }

    /// Goes on here after a roll-back with what the application left.
    package func restart(_ id: SessionID, from state: ApplicationState) {
        guard let running = sessions[id] else { return }
        let application = application(of: running.handle, from: state)
        running.handle.application = application
        sessions[id] = Running(handle: running.handle, application: application)
        touched(id)
    }
}

/// Of a session that arrived when its application had ended: only its peer's last words are
/// missing.
final class QuietApplication: SessionApplication {
    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {}
    func finished(_ channel: ChannelNumber) {}
    func stopped(_ channel: ChannelNumber, at position: UInt64) {}
    func room(on channel: ChannelNumber) {}
    func exited(_ report: ExitReport) {}
    func detached(_ failure: Failure) {}
    func attached(resumed: Bool) {}
    func settled(_ outcome: Outcome) {}
}
