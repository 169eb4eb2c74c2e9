internal import Glibc
package import NIOCore

/// Stops accepting for a moment when there is no descriptor left for a connection.
///
/// The connection stays in the kernel's queue, and the kernel says so again at once: without a
/// pause the loop would do nothing but ask.
package final class AcceptPause: ChannelInboundHandler {
    package typealias InboundIn = any Channel

    package static let duration = TimeAmount.milliseconds(100)
    private var isPausing = false

    package init() {}

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, Self.isShortage(error.errnoCode) { pause(context) }
        context.fireErrorCaught(error)
    }

    package static func isShortage(_ code: CInt) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code)
    }

    private func pause(_ context: ChannelHandlerContext) {
        guard !isPausing, let options = context.channel.syncOptions else { return }
        isPausing = true
        try? options.setOption(.autoRead, value: false)
        let bound = NIOLoopBound((self, context.channel), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.duration) {
            let (pause, channel) = bound.value
            pause.isPausing = false
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}
