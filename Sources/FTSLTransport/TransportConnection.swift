package import FTSLCore
package import NIOCore
internal import NIOPosix

/// Who is told what happens on a connection; called on the event loop.
package protocol TransportDelegate: AnyObject {
    func connection(_ id: ConnectionID, received bytes: ByteBuffer)
    func connectionIsWritable(_ id: ConnectionID)
    func connection(_ id: ConnectionID, closed failure: Failure?)
}

/// One TCP or Unix-socket connection: bytes in, bytes out, an end.
package final class TransportConnection: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package let id: ConnectionID
    package private(set) weak var delegate: (any TransportDelegate)?
    private var context: ChannelHandlerContext?
    private var failure: Failure?
    private var isClosing = false

    package init(id: ConnectionID, delegate: any TransportDelegate) {
        self.id = id
        self.delegate = delegate
    }

    /// False while the kernel and NIO hold enough unsent bytes.
    package var isWritable: Bool { context?.channel.isWritable ?? false }

    /// True when this machine no longer has the address the connection speaks from: nothing will
    /// arrive on it.
    package var isStranded: Bool {
        guard let local = context?.channel.localAddress, let ip = local.ipAddress else {
            return false
        }
        guard let devices = try? System.enumerateDevices() else { return false }
        return !devices.contains { $0.address?.ipAddress == ip }
    }

    package func send(_ buffers: [ByteBuffer]) {
        guard let context, !isClosing else { return }
        for buffer in buffers { context.write(wrapOutboundOut(buffer), promise: nil) }
        context.flush()
    }

    /// Lets what was sent arrive, then closes.
    ///
    /// Closing a socket with unread input resets it and may destroy what is still on its way; so
    /// this side only ends its own direction, goes on reading, and closes at the peer's end or
    /// after `patience`.
    package func finish(patience: TimeAmount = .milliseconds(500)) {
        guard let context, !isClosing else { return }
        isClosing = true
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: patience) { bound.value.close(promise: nil) }
    }

    package func close() {
        isClosing = true
        context?.close(promise: nil)
    }

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        delegate?.connection(id, received: unwrapInboundIn(data))
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { delegate?.connectionIsWritable(id) }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A peer that ended its direction has no more to say on this connection.
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = TransportFailure.of(error)
        context.close(promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        delegate?.connection(id, closed: failure)
        delegate = nil
    }
}
