internal import DequeModule
internal import Glibc
package import NIOCore
internal import NIOPosix

/// The standard input of a command: a pipe of which it is known, to the byte, what its reader has
/// not read and what was never written.
///
/// Bytes are written here and not by the channel, which would not say how much of a buffer it has
/// written. The channel waits for room in the pipe, with a piece so small that the kernel takes it
/// whole or not at all, and notices when the reader goes away. [FTSL §11]
package final class CommandInput: ChannelInboundHandler, ByteSink {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package var onTaken: ((Int) -> Void)?
    package var onFinished: (() -> Void)?
    package var onFailed: ((SinkFailure) -> Void)?
    /// Called before a torn stream is closed: closing alone would look like its end.
    package var beforeFail: (() -> Void)?

    private let descriptor: CInt
    /// A second hold on the pipe tells what was left in it when its reader went away.
    private var probe: CInt
    /// The pipe's other side, while its content is to outlive its reader; -1 otherwise.
    private var reading: CInt = -1
    private var context: ChannelHandlerContext?
    private var queue = Deque<ByteBuffer>()
    /// In the channel's hands, and not in the pipe.
    private var waiting: ByteBuffer?
    private var isPumping = false
    private var isHeld = false
    private var isFinished = false
    /// Closed, one way or another.
    private var isOver = false

    /// PIPE_BUF: what the kernel writes whole or not at all.
    private static let whole = 4096

    /// - Parameter descriptor: The writing end of a pipe, in non-blocking mode; owned by the
    ///   channel to which this is added.
    package init(_ descriptor: CInt) {
        self.descriptor = descriptor
        probe = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    }

    deinit { closeHolds() }

    private func closeHolds() {
        for hold in [probe, reading] where hold >= 0 { Glibc.close(hold) }
        (probe, reading) = (-1, -1)
    }

    // MARK: Sink

    package func write(_ bytes: ByteBuffer) {
        guard !isOver || isHeld else { return }
        guard context != nil || isHeld else { return failOutput() }
        queue.append(bytes)
        pump()
    }

    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while !isHeld, !isOver, waiting == nil, let bytes = queue.first {
            let count = bytes.withUnsafeReadableBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                queue[0].moveReaderIndex(forwardBy: count)
                if queue[0].readableBytes == 0 { queue.removeFirst() }
                onTaken?(count)
            } else if errno == EAGAIN {
                waitForRoom()
            } else if errno != EINTR {
                return failOutput()
            }
        }
        if isFinished, queue.isEmpty, waiting == nil { closeOutput() }
    }

    private func waitForRoom() {
        guard let context, var bytes = queue.popFirst(),
            let piece = bytes.readSlice(length: min(bytes.readableBytes, Self.whole))
        else { return }
        if bytes.readableBytes > 0 { queue.prepend(bytes) }
        waiting = piece
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] result in
            guard let self, case .success = result, let piece = waiting else { return }
            waiting = nil
            onTaken?(piece.readableBytes)
            pump()
        }
        context.writeAndFlush(wrapOutboundOut(piece), promise: promise)
    }

    package func finish() {
        guard context != nil || isHeld else { return failOutput() }
        isFinished = true
        pump()
    }

    private func closeOutput() {
        guard !isOver else { return }
        closeChannel()
        onFinished?()
    }

    /// What waits in the channel is kept: it was not written.
    private func closeChannel() {
        isOver = true
        if probe >= 0 { Glibc.close(probe) }
        probe = -1
        context?.close(promise: nil)
    }

    package func fail() {
        beforeFail?()
        queue = []
        closeOutput()
    }

    package func cancelOutput() {
        forgetCallbacks()
        queue = []
        closeChannel()
        closeHolds()
    }

    private func failOutput() {
        guard !isOver else { return }
        let unread = unread
        isOver = true
        queue = []
        waiting = nil
        let tell = onFailed
        forgetCallbacks()
        tell?(.readerGone(unread: unread))
        closeHolds()
        context?.close(promise: nil)
    }

    private func forgetCallbacks() {
        onTaken = nil
        onFinished = nil
        onFailed = nil
    }

    // MARK: Taking back

    /// Bytes in the pipe that nobody has read.
    package var unread: Int {
        let hold = reading >= 0 ? reading : probe
        return hold >= 0 ? ChildProcess.unread(in: hold) : 0
    }

    /// Writes nothing more and keeps the pipe's content, also when its reader ends.
    ///
    /// - Parameter other: The reading side of the same pipe, in non-blocking mode; owned from here.
    package func hold(_ other: CInt) {
        if reading >= 0 { Glibc.close(reading) }
        reading = other
        isHeld = true
    }

    /// After `hold`: the reader comes to the end of what is in the pipe.
    package func endEarly() {
        forgetCallbacks()
        closeChannel()
    }

    /// Goes on writing after `hold`; the pipe's content is still kept.
    package func release() {
        isHeld = false
        if !isOver { pump() }
    }

    /// What is not in the pipe; its reader goes on. [FTSL §12]
    var unwritten: [ByteBuffer] { (waiting.map { [$0] } ?? []) + queue }

    var isOpen: Bool { !isOver && context != nil }

    /// What its reader, which is gone, has not read, and what was not written, in order.
    package func takeBack() -> [ByteBuffer] {
        forgetCallbacks()
        var all: [ByteBuffer] = []
        if reading >= 0 {
            all.append(ChildProcess.read(ChildProcess.unread(in: reading), from: reading))
        }
        if let waiting { all.append(waiting) }
        all += queue
        waiting = nil
        queue = []
        closeChannel()
        closeHolds()
        return all.filter { $0.readableBytes > 0 }
    }

    // MARK: Handler

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        failOutput()
    }
}
