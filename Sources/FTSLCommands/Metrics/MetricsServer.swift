internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// What is answered to a GET.
struct WebAnswer {
    var status = HTTPResponseStatus.ok
    var type = "text/plain; charset=utf-8"
    var text: String
}

/// A web server for a monitoring system: short GETs, few at a time, each on its own connection.
final class MetricsServer {
    /// More connections at a time are closed without an answer.
    static let maxConnections = 32
    /// Bytes of a request with its headers.
    static let maxRequest = 8 << 10
    /// For asking and for taking the answer.
    static let patience: TimeAmount = .seconds(10)

    let endpoint: Endpoint
    private let channel: any Channel
    private let socketPath: String?

    private init(_ channel: any Channel, at endpoint: Endpoint, socketPath: String?) {
        self.channel = channel
        self.endpoint = endpoint
        self.socketPath = socketPath
    }

    /// Listens; `answer` gets the path of each request, on the event loop.
    static func start(
        at endpoint: Endpoint, on loop: any EventLoop, answer: @escaping (String) -> WebAnswer
    ) -> EventLoopFuture<MetricsServer> {
        let crowd = NIOLoopBound(ConnectionCount(), eventLoop: loop)
        let answer = NIOLoopBound(answer, eventLoop: loop)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard crowd.value.admits(channel) else { throw ChannelError.ioOnClosedChannel }
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(RequestLimit(MetricsServer.maxRequest))
                    try pipeline.addHandler(HTTPResponseEncoder())
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try pipeline.addHandler(MetricsRequest(answer.value))
                }
            }
        switch endpoint {
        case .tcp(let host, let port):
            return bootstrap.bind(host: host, port: port).map { channel in
                let local = channel.localAddress
                let bound = local.flatMap { address in
                    address.ipAddress.flatMap { ip in
                        address.port.map { Endpoint.tcp(host: ip, port: $0) }
                    }
                }
                return MetricsServer(channel, at: bound ?? endpoint, socketPath: nil)
            }.flatMapErrorThrowing { throw TransportFailure.of($0) }
        case .unix(let path):
            guard !UnixSocketFile.isServed(path) else {
                return loop.makeFailedFuture(UnixSocketFile.inUse)
            }
            return bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
                .map { MetricsServer($0, at: endpoint, socketPath: path) }
                .flatMapErrorThrowing { throw TransportFailure.of($0) }
        }
    }

    func close() {
        if let socketPath { FileStatus.remove(socketPath) }
        channel.close(promise: nil)
    }
}

/// Bounds how many there are at a time.
private final class ConnectionCount {
    private var count = 0

    func admits(_ channel: any Channel) -> Bool {
        guard count < MetricsServer.maxConnections else { return false }
        count += 1
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in count -= 1 }
        return true
    }
}

/// Closes a connection that says too much, or takes too long.
private final class RequestLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var left: Int
    private var clock: Scheduled<Void>?

    init(_ limit: Int) { left = limit }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        clock = context.eventLoop.scheduleTask(in: MetricsServer.patience) {
            bound.value.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        left -= unwrapInboundIn(data).readableBytes
        guard left >= 0 else { return context.close(promise: nil) }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        clock?.cancel()
        context.fireChannelInactive()
    }
}

/// One request and its answer.
private final class MetricsRequest: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: (String) -> WebAnswer
    private var head: HTTPRequestHead?
    private var isAnswered = false

    init(_ answer: @escaping (String) -> WebAnswer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head, !isAnswered else { return }
            isAnswered = true
            reply(to: head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What is no request gets no answer; nobody here could do anything about it.
        context.close(promise: nil)
    }

    private func reply(to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = String(head.uri.prefix { $0 != "?" })
        let isKnown = head.method == .GET || head.method == .HEAD
        let found =
            isKnown ? answer(path) : WebAnswer(status: .methodNotAllowed, text: "only GET\n")
        var headers = HTTPHeaders()
        headers.add(name: "Content-Type", value: found.type)
        headers.add(name: "Content-Length", value: "\(found.text.utf8.count)")
        headers.add(name: "Connection", value: "close")
        if !isKnown { headers.add(name: "Allow", value: "GET, HEAD") }
        let response = HTTPResponseHead(version: .http1_1, status: found.status, headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD {
            let body = ByteBuffer(string: found.text)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}
