internal import FTSLCore
package import NIOCore

/// One client of a control socket, at the listener: a line, its answer, the next line.
package final class ControlClient: ChannelInboundHandler, ControlAsker {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package let isLocal = true
    private let socket: ControlSocket
    private var context: ChannelHandlerContext?
    private var lines = RequestLines()
    private var isWelcome = false
    private var isAnswering = false
    private var hasEnded = false
    package var onGone: (() -> Void)?

    init(_ socket: ControlSocket) { self.socket = socket }

    package var channel: (any Channel)? { context?.channel }

    package func send(_ line: String) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: line)), promise: nil)
    }

    package func finish() {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            bound.value.isAnswering = false
            bound.value.next()
        }
    }

    /// Lets what was said arrive, then closes.
    package func close() {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    func welcome() {
        isWelcome = true
        next()
    }

    private func next() {
        guard isWelcome, !isAnswering else { return }
        if let line = lines.next() {
            isAnswering = true
            socket.asked(self, line)
        } else if hasEnded {
            close()
        }
    }

    package func channelActive(context: ChannelHandlerContext) {
        self.context = context
        socket.admit(self, context.channel)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lines.append(unwrapInboundIn(data))
        guard !lines.isTooLong else {
            isWelcome = false
            let why = "a request has at most \(RequestLines.maxLine) bytes"
            return socket.refuse(self, Failure(.peer, .frameTooLarge, why))
        }
        next()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        if case .inputClosed? = event as? ChannelEvent {
            hasEnded = true
            next()
        }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What cannot be read or written any more is over; nobody is left to be told.
        context.close(promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if isAnswering { onGone?() }
        onGone = nil
    }
}
