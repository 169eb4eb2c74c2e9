internal import FTSLCore
package import FTSLTransport
package import NIOCore
internal import NIOPosix

/// Plain connections that belong to us: to a backend, or from a local client.
package enum PlainChannel {
    /// They begin small: a connection keeps its last one, also when it says nothing for hours.
    static let receiveBuffers = AdaptiveRecvByteBufferAllocator(
        minimum: 2048, initial: 4096, maximum: 256 << 10)

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
        return bootstrap.connect(to: endpoint).map { _ in bound.value }
            .flatMapErrorThrowing { throw TransportFailure.of($0) }
    }

    /// A connection that this process has already; owned from here.
    package static func adopt(
        _ descriptor: CInt, _ pipe: ChannelPipe, on loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(pipe, eventLoop: loop)
        return ClientBootstrap(group: loop)
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelOption(ChannelOptions.recvAllocator, value: receiveBuffers)
            .channelInitializer { configure($0, bound.value) }
            .withConnectedSocket(descriptor)
            .map { _ in }
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
            binding = bootstrap.bind(host: host, port: port)
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
