package import FTSLCore
package import FTSLTransport
package import NIOCore
internal import NIOPosix

/// Plain connections that belong to us: to a backend, or from a local client.
package enum PlainChannel {
    static let receiveBuffers = AdaptiveRecvByteBufferAllocator(
        minimum: 4096, initial: 65_536, maximum: 256 << 10)

    /// Settings every plain connection gets: reading by demand, half-close both ways.
    static func configure(_ channel: any Channel, _ pipe: ChannelPipe) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(pipe, eventLoop: channel.eventLoop)
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(bound.value)
        }
    }

    /// Dials a backend.
    package static func dial(
        _ endpoint: Endpoint, on loop: any EventLoop
    ) -> EventLoopFuture<ChannelPipe> {
        let pipe = ChannelPipe()
        let bound = NIOLoopBound(pipe, eventLoop: loop)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.seconds(10))
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelOption(
                ChannelOptions.recvAllocator, value: receiveBuffers
            )
            .channelInitializer { configure($0, bound.value) }
        let dialled: EventLoopFuture<any Channel>
        switch endpoint {
        case .tcp(let host, let port):
            dialled =
                bootstrap
                .channelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: port)
        case .unix(let path): dialled = bootstrap.connect(unixDomainSocketPath: path)
        }
        return dialled.map { _ in bound.value }
            .flatMapErrorThrowing { throw TransportFailure.of($0) }
    }

    /// Accepts plain clients; each comes with its pipe.
    package static func listen(
        _ endpoint: Endpoint, on loop: any EventLoop,
        onAccept: @escaping (ChannelPipe) -> Void
    ) -> EventLoopFuture<Endpoint> {
        let accept = NIOLoopBound(onAccept, eventLoop: loop)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                ChannelOptions.recvAllocator, value: receiveBuffers
            )
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelInitializer { channel in
                let pipe = ChannelPipe()
                let bound = NIOLoopBound(pipe, eventLoop: channel.eventLoop)
                return configure(channel, pipe).map { accept.value(bound.value) }
            }
        let binding: EventLoopFuture<any Channel>
        switch endpoint {
        case .tcp(let host, let port):
            binding =
                bootstrap
                .childChannelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
                .bind(host: host, port: port)
        case .unix(let path):
            if UnixSocketFile.isServed(path) {
                return loop.makeFailedFuture(UnixSocketFile.inUse)
            }
            binding = bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
        }
        return binding.map { channel in
            guard let local = channel.localAddress, let ip = local.ipAddress,
                let port = local.port
            else { return endpoint }
            return .tcp(host: ip, port: port)
        }
        .flatMapErrorThrowing { throw TransportFailure.of($0) }
    }
}

/// One plain TCP or Unix connection to a backend per session.
package final class ForwardService: SessionService {
    private let backend: Endpoint
    private let loop: any EventLoop
    package var onEnded: ((SessionHandle, Outcome) -> Void)?

    package init(to backend: Endpoint, on loop: any EventLoop) {
        self.backend = backend
        self.loop = loop
    }

    package func begin(_ handle: SessionHandle, peer: String) -> any SessionApplication {
        let plumbing = Plumbing(handle)
        let backend = backend
        // Bytes that come before the backend answers wait in the receive window.
        let early = EarlySink()
        plumbing.attach(sink: early, to: .main)
        PlainChannel.dial(backend, on: loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let pipe):
                early.open(onto: pipe)
                plumbing.attach(source: pipe, to: .main)
            case .failure(let error):
                let reason = (error as? Failure)?.text ?? "\(error)"
                handle.abort(
                    Failure(
                        .local, .backendUnreachable,
                        "the backend \(backend) is not there: \(reason)"
                    ))
                early.cancelOutput()
            }
        }
        return plumbing
    }

    package func ended(_ handle: SessionHandle, _ outcome: Outcome) { onEnded?(handle, outcome) }
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
