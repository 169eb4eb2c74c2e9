package import FTSLCore
package import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS

/// Who is told what happens on a connection; called on the event loop.
package protocol TransportDelegate: AnyObject {
    /// TLS has verified the other end; said before anything is received.
    func connection(_ id: ConnectionID, isWith identity: PeerIdentity)
    /// The other end speaks plaintext where only TLS is heard; said before anything is received.
    func connectionLacksTLS(_ id: ConnectionID)
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
    /// The largest read buffer, in bytes.
    var readLimit = Crowd.largest
    /// What TLS learns about the other end; nil while the connection is plaintext.
    private var record: PeerRecord?
    /// For the dialling end: completes when the connection can be used.
    private var secured: EventLoopPromise<Void>?
    package private(set) var identity = PeerIdentity.plaintext

    package init(id: ConnectionID, delegate: any TransportDelegate) {
        self.id = id
        self.delegate = delegate
    }

    /// TLS will be spoken; nothing counts before it has verified the other end.
    func expectTLS(_ record: PeerRecord, secured: EventLoopPromise<Void>? = nil) {
        self.record = record
        self.secured = secured
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
        if record != nil {
            // TLS says goodbye itself, and waits for the answer.
            context.close(promise: nil)
            return
        }
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: patience) { bound.value.close(promise: nil) }
    }

    package func close() {
        isClosing = true
        context?.close(promise: nil)
    }

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        wasNotMade()
    }

    /// A connection that was never made is not closed either.
    func wasNotMade() {
        secured?.fail(failure ?? Failure(.peer, .unreachable, "the connection was not made"))
        secured = nil
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        delegate?.connection(id, received: unwrapInboundIn(data))
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { delegate?.connectionIsWritable(id) }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed)? = event as? TLSUserEvent {
            handshakeCompleted(context, agreed: agreed)
        }
        // A peer that ended its direction has no more to say on this connection.
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    func refusePlaintext() { delegate?.connectionLacksTLS(id) }

    /// NIOSSL gathers the plaintext of all reads of a turn in one buffer, and copies that whole
    /// while anybody holds what it gave away last: few bytes a turn stay in the cache.
    private func bound(reads context: ChannelHandlerContext) {
        let size = min(readLimit, 256 << 10)
        try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        try? context.channel.syncOptions?.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(
                minimum: 2048, initial: min(size, 4096), maximum: size))
    }

    private func handshakeCompleted(_ context: ChannelHandlerContext, agreed: String?) {
        guard agreed == TLSCredentials.applicationProtocol else {
            refuse(context, TransportFailure.otherProtocol)
            return
        }
        bound(reads: context)
        if let fingerprint = record?.fingerprint {
            identity = .key("\(fingerprint)")
        } else if record?.needsKey == false, let name = Self.certificateName(context) {
            identity = .name(name)
        } else {
            refuse(
                context,
                Failure(.peer, .authenticationFailed, "nothing verified says who the peer is"))
            return
        }
        delegate?.connection(id, isWith: identity)
        secured?.succeed()
        secured = nil
    }

    private func refuse(_ context: ChannelHandlerContext, _ why: Failure) {
        failure = why
        isClosing = true
        context.close(promise: nil)
    }

    private static func certificateName(_ context: ChannelHandlerContext) -> String? {
        let pipeline = context.pipeline.syncOperations
        let certificate =
            (try? pipeline.handler(type: NIOSSLClientHandler.self))?.peerCertificate
            ?? (try? pipeline.handler(type: NIOSSLServerHandler.self))?.peerCertificate
        return certificate.flatMap { TLSCredentials.name(of: $0) }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? record?.failure ?? TransportFailure.of(error)
        context.close(promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        let why = failure ?? record?.failure
        secured?.fail(why ?? Failure(.peer, .unreachable, "the connection was closed"))
        secured = nil
        delegate?.connection(id, closed: why)
        delegate = nil
    }
}
