package import FTSLCore
package import FTSLTransport
package import NIOCore

/// One plain TCP or Unix connection to a backend per session.
package final class ForwardService: SessionService {
    package struct Options: Sendable {
        /// A session moves, and gets a new connection there; otherwise it stays until it ends.
        package var reconnects = false
        /// How long a backend may take to end after its input has.
        package var patience = Duration.seconds(5)
        /// Bytes that it may write meanwhile beyond the session's room.
        package var buffer = 16 << 20

        package init() {}
    }

    let backend: Endpoint
    let options: Options
    let loop: any EventLoop
    var running: [SessionID: ForwardSession] = [:]
    package var onEnded: ((SessionHandle, Outcome) -> Void)?

    package init(to backend: Endpoint, options: Options = Options(), on loop: any EventLoop) {
        self.backend = backend
        self.options = options
        self.loop = loop
    }

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        let session = ForwardSession(handle, self)
        running[handle.id] = session
        session.dial()
        return session
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) {
        running[handle.id] = nil
        onEnded?(handle, outcome)
    }
}

/// The connection behind one session.
final class ForwardSession: SessionApplication {
    let handle: SessionHandle
    let service: ForwardService
    private(set) var plumbing: Plumbing
    /// Bytes that come before the backend answers wait in the receive window.
    private(set) var early = EarlySink()
    /// Nil until the backend has answered.
    private(set) var pipe: ChannelPipe?
    /// The connection is there, and not in use yet.
    private(set) var isAdopting = false
    /// It is being left, so that another one can follow elsewhere.
    var leave: Leave?

    init(_ handle: SessionHandle, _ service: ForwardService) {
        self.handle = handle
        self.service = service
        plumbing = Plumbing(handle)
    }

    func dial() {
        let early = EarlySink()
        self.early = early
        pipe = nil
        plumbing = Plumbing(handle)
        plumbing.attach(sink: early, to: .main)
        let backend = service.backend
        PlainChannel.dial(backend, on: service.loop).assumeIsolated().whenComplete {
            [self] result in
            // Left before it was there.
            guard self.early === early else {
                if case .success(let pipe) = result { pipe.fail() }
                return
            }
            switch result {
            case .success(let pipe): connected(pipe)
            case .failure(let error):
                let reason = (error as? Failure)?.text ?? "\(error)"
                fail(.backendUnreachable, "the backend \(backend) is not there: \(reason)")
            }
        }
    }

    /// Goes on with a connection that was there before; a direction that is over is not used again.
    func adopt(_ descriptor: CInt, _ pipe: ChannelPipe) {
        isAdopting = true
        if pipe.isOutputUsed { plumbing.attach(sink: early, to: .main) }
        PlainChannel.adopt(descriptor, pipe, on: service.loop).assumeIsolated().whenComplete {
            [self] result in
            isAdopting = false
            switch result {
            case .success: connected(pipe)
            case .failure(let error):
                fail(.applicationFailed, "cannot use the backend's socket: \(error)")
            }
        }
    }

    private func connected(_ pipe: ChannelPipe) {
        self.pipe = pipe
        if pipe.isOutputUsed { early.open(onto: pipe) }
        if pipe.isInputUsed { plumbing.attach(source: pipe, to: .main) }
    }

    private func fail(_ code: FailureCode, _ why: String) {
        handle.abort(Failure(.local, code, why))
        early.cancelOutput()
    }

    /// Lets go of a connection that is not there yet.
    func forget() { early = EarlySink() }

    // MARK: SessionApplication

    func received(_ bytes: ByteBuffer, on channel: ChannelNumber) {
        plumbing.received(bytes, on: channel)
    }

    func finished(_ channel: ChannelNumber) { plumbing.finished(channel) }
    func stopped(_ channel: ChannelNumber, at position: UInt64) {
        plumbing.stopped(channel, at: position)
    }
    func room(on channel: ChannelNumber) { plumbing.room(on: channel) }
    func exited(_ report: ExitReport) {}
    func detached(_ failure: Failure) {}
    func attached(resumed: Bool) {}

    func settled(_ outcome: Outcome) {
        takeLeave()?.answer(.failure(Unmovable("its session has ended")))
        plumbing.settled(outcome)
    }
}
