internal import Glibc
internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Carries TCP connections to an endpoint and cuts each at a random place, as a bad network would:
/// what it holds then is lost.
final class FaultProxy: Sendable {
    /// What it does to connections.
    struct Faults: Sendable {
        /// How long a connection lives.
        enum Life: Sendable {
            /// For 2 to the power of something in here, in bytes of both directions.
            case bytes(exponents: ClosedRange<Double>)
            case milliseconds(ClosedRange<Int64>)
        }

        /// At first: the longer it takes all in all, the longer connections live, so that a slow
        /// machine gets on between two cuts, too.
        var life: Life
        /// Turns one bit around in the first connection that has carried so many bytes.
        var flipAfter: Int?
    }

    /// What it has done.
    struct Counts: Sendable {
        var connections: UInt64 = 0
        var cuts: UInt64 = 0
    }

    private let target: Endpoint
    private let faults: Faults
    private let started = MonotonicClock.now
    private let state = Mutex((counts: Counts(), hasFlipped: false))

    init(to target: Endpoint, _ faults: Faults) {
        self.target = target
        self.faults = faults
    }

    /// How much longer connections live than at first.
    var patience: Double { max(1, MonotonicClock.now.since(started) / .seconds(3)) }

    var counts: Counts { state.withLock { $0.counts } }

    /// Begins to accept; gives back the endpoint.
    func listen(on loop: any EventLoop) throws -> String {
        let channel = try ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [self] channel in accept(channel) }
            .bind(host: "127.0.0.1", port: 0).wait()
        return "127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        state.withLock { $0.counts.connections += 1 }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ProxyLink(self, faults.life).front)
        }
    }

    /// Makes the other half of a connection.
    func dial(for link: ProxyLink, on loop: any EventLoop) {
        let bound = NIOLoopBound(link, eventLoop: loop)
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value.back)
                }
            }
        bootstrap.connect(to: target).whenComplete { bound.value.dialled($0) }
    }

    /// 2 to the power of a number, as far as this needs it: straight between whole exponents.
    static func power(_ exponent: Double) -> Double {
        let whole = exponent.rounded(.down)
        return Double(sign: .plus, exponent: Int(whole), significand: 1 + exponent - whole)
    }

    func cut() { state.withLock { $0.counts.cuts += 1 } }

    /// True once: for the connection that is to be spoiled.
    func flips(after bytes: Int) -> Bool {
        guard let limit = faults.flipAfter, bytes >= limit else { return false }
        return state.withLock { state in
            defer { state.hasFlipped = true }
            return !state.hasFlipped
        }
    }
}

/// Two connections that are one to those at their ends.
final class ProxyLink {
    let front = ProxySide()
    let back = ProxySide()
    private let proxy: FaultProxy
    /// Bytes that it carries before it is cut.
    private var life = Int.max
    private var time: TimeAmount?
    private var carried = 0

    init(_ proxy: FaultProxy, _ life: FaultProxy.Faults.Life) {
        self.proxy = proxy
        switch life {
        case .bytes(let exponents):
            self.life = Int(FaultProxy.power(Double.random(in: exponents)) * proxy.patience)
        case .milliseconds(let range):
            time = .milliseconds(Int64(Double(Int64.random(in: range)) * proxy.patience))
        }
        front.link = self
        back.link = self
        front.other = back
        back.other = front
    }

    func dial(on loop: any EventLoop) {
        proxy.dial(for: self, on: loop)
        guard let time else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: time) { bound.value.cut() }
    }

    func dialled(_ result: Result<any Channel, any Error>) {
        guard case .success = result else { return reset() }
        front.read()
        back.read()
    }

    /// Takes off what is not carried any more; true: this is the end of the connection.
    func carry(_ bytes: inout ByteBuffer, from side: ProxySide) -> Bool {
        if side === front, proxy.flips(after: carried), let last = bytes.readableBytesView.last {
            bytes.setInteger(last ^ 1, at: bytes.writerIndex - 1)
            // What was spoiled is to arrive.
            life = Int.max
        }
        let part = min(bytes.readableBytes, life - carried)
        carried += part
        let isCut = carried == life
        bytes = bytes.readSlice(length: part) ?? ByteBuffer()
        return isCut
    }

    func cut() {
        guard front.isOpen, back.isOpen else { return }
        proxy.cut()
        reset()
    }

    /// Ends both, and lets neither end of them take it for the other's wish.
    func reset() {
        front.reset()
        back.reset()
    }
}

final class ProxySide: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var link: ProxyLink?
    weak var other: ProxySide?
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        if let link, self === link.front { link.dial(on: context.eventLoop) }
    }

    var isOpen: Bool { context != nil }

    func read() { context?.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let link, let target = other?.context else { return }
        var bytes = unwrapInboundIn(data)
        let isCut = link.carry(&bytes, from: self)
        let bound = NIOLoopBound((self, link), eventLoop: context.eventLoop)
        target.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in
            let (side, link) = bound.value
            // The next bytes are read when these have left: so nothing piles up here.
            if isCut { link.cut() } else { side.read() }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent, let other = other?.context else {
            return
        }
        let bound = NIOLoopBound(other, eventLoop: context.eventLoop)
        // After what was written before.
        other.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            bound.value.close(mode: .output, promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { link?.reset() }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        link = nil
        other?.end()
    }

    /// Nobody is left to hear this side's peer.
    private func end() {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    func reset() {
        guard let context else { return }
        link = nil
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let none = linger(l_onoff: 1, l_linger: 0)
        let set =
            (context.channel as? any SocketOptionProvider)?.setSoLinger(none)
            ?? context.eventLoop.makeSucceededVoidFuture()
        set.whenComplete { _ in bound.value.close(promise: nil) }
    }
}
