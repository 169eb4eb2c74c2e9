package import FTSLCore
package import FTSLTransport
package import NIOCore

/// One plain TCP or Unix connection to a backend per session.
package final class ForwardService: SessionService {
    let backend: Endpoint
    let loop: any EventLoop
    var running: [SessionID: ForwardSession] = [:]
    package var onEnded: ((SessionHandle, Outcome) -> Void)?

    package init(to backend: Endpoint, on loop: any EventLoop) {
        self.backend = backend
        self.loop = loop
    }

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        let session = ForwardSession(handle)
        running[handle.id] = session
        session.dial(backend, on: loop)
        return session.plumbing
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) {
        running[handle.id] = nil
        onEnded?(handle, outcome)
    }
}

/// The connection behind one session.
final class ForwardSession {
    private let handle: SessionHandle
    let plumbing: Plumbing
    /// Bytes that come before the backend answers wait in the receive window.
    let early = EarlySink()
    /// Nil until the backend has answered.
    private(set) var pipe: ChannelPipe?
    /// The connection is there, and not in use yet.
    private(set) var isAdopting = false

    init(_ handle: SessionHandle) {
        self.handle = handle
        plumbing = Plumbing(handle)
    }

    func dial(_ backend: Endpoint, on loop: any EventLoop) {
        plumbing.attach(sink: early, to: .main)
        PlainChannel.dial(backend, on: loop).assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success(let pipe): connected(pipe)
            case .failure(let error):
                let reason = (error as? Failure)?.text ?? "\(error)"
                fail(.backendUnreachable, "the backend \(backend) is not there: \(reason)")
            }
        }
    }

    /// Goes on with a connection that was there before; a direction that is over is not used again.
    func adopt(_ descriptor: CInt, _ pipe: ChannelPipe, on loop: any EventLoop) {
        isAdopting = true
        if pipe.isOutputUsed { plumbing.attach(sink: early, to: .main) }
        PlainChannel.adopt(descriptor, pipe, on: loop).assumeIsolated().whenComplete {
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
}

/// A sink that holds what it is given until the real one is there; bounded by the receive window.
package final class EarlySink: ByteSink {
    package var onTaken: ((Int) -> Void)? { didSet { sink?.onTaken = onTaken } }
    package var onFinished: (() -> Void)? { didSet { sink?.onFinished = onFinished } }
    package var onFailed: ((SinkFailure) -> Void)? { didSet { sink?.onFailed = onFailed } }

    private enum Held {
        case bytes(ByteBuffer)
        case finish
        case fail
    }

    private var held: [Held] = []
    private var sink: (any ByteSink)?
    private var isCancelled = false

    package init() {}

    /// What waits for the real one.
    var waiting: [ByteBuffer] {
        held.compactMap { if case .bytes(let bytes) = $0 { bytes } else { nil } }
    }

    package func open(onto sink: any ByteSink) {
        if isCancelled {
            sink.cancelOutput()
            return
        }
        self.sink = sink
        sink.onTaken = onTaken
        sink.onFinished = onFinished
        sink.onFailed = onFailed
        for item in held {
            switch item {
            case .bytes(let bytes): sink.write(bytes)
            case .finish: sink.finish()
            case .fail: sink.fail()
            }
        }
        held = []
    }

    package func write(_ bytes: ByteBuffer) {
        if let sink { sink.write(bytes) } else { held.append(.bytes(bytes)) }
    }

    package func finish() {
        if let sink {
            sink.finish()
        } else if isCancelled {
            onFinished?()
        } else {
            held.append(.finish)
        }
    }

    package func fail() {
        if let sink {
            sink.fail()
        } else if isCancelled {
            onFinished?()
        } else {
            held.append(.fail)
        }
    }

    package func cancelOutput() {
        isCancelled = true
        held = []
        sink?.cancelOutput()
        if sink == nil { onFinished?() }
    }
}
