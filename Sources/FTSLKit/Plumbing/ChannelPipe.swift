internal import DequeModule
package import FTSLCore
internal import FTSLTransport
package import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#endif

/// A socket or pipe of ours as source and sink: the plain side of `--forward`, `--local` and
/// `--exec`.
package final class ChannelPipe: ChannelInboundHandler, ByteSource, ByteSink {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package var onBytes: ((ByteBuffer) -> Void)?
    package var onEnd: ((Failure?) -> Void)?
    package var onTaken: ((Int) -> Void)?
    package var onFinished: (() -> Void)?
    package var onFailed: ((SinkFailure) -> Void)?

    /// Bytes that were written and that the reader had not read when it went away.
    package var unread: () -> Int = { 0 }
    /// Called before a torn stream is closed, where closing alone would look like its end.
    package var beforeFail: (() -> Void)?
    /// An error that is the clean end of the input: a terminal's is told like this.
    package var errorAtEnd: CInt?
    /// The output is closed, one way or another.
    package var onOutputClosed: (() -> Void)?

    private(set) var context: ChannelHandlerContext?
    private var ready: [ByteBuffer] = []
    private var wanted = 0
    private var inputEnded = false
    private var endTold = false
    private var inputDiscarded = false
    private var outputFailed = false
    private var outputFinished = false
    /// Writes that are not complete, oldest first; of the first, `partial` bytes are gone already.
    private var writes = Deque<ByteBuffer>()
    private var partial = 0
    private var unwritten = 0
    private var failure: Failure?

    package init() {}

    /// One that was in use before: a direction that is over is not used again. [FTSL §12]
    init(inputEnded: Bool, outputFinished: Bool) {
        self.inputEnded = inputEnded
        endTold = inputEnded
        self.outputFinished = outputFinished
    }

    // MARK: Source

    package func demand() {
        wanted += 1
        deliver()
        if wanted > 0, !inputEnded { context?.read() }
    }

    /// Nobody wants the input any more; an output in use goes on.
    package func cancelInput(_ reason: InputCancellation) {
        onBytes = nil
        onEnd = nil
        ready = []
        inputDiscarded = true
        // A socket's writer would stall if nobody read; a pipe's must learn that its reader is
        // gone.
        let isOutputInUse = onTaken != nil && (!outputFinished || unwritten > 0)
        if reason == .sessionOver && onTaken == nil || isOutputInUse {
            context?.read()
        } else {
            context?.close(promise: nil)
        }
    }

    /// Everything that was read and not delivered, and what is in the pipe now; no more is told.
    ///
    /// For a pipe whose writers are gone, or are no longer listened to; `descriptor` is its number.
    package func takeRest(of descriptor: CInt) -> [ByteBuffer] {
        var rest = ready
        onBytes = nil
        onEnd = nil
        ready = []
        if let context, !inputEnded, !inputDiscarded {
            // No more than is there: a writer that went on would keep us here.
            rest.append(ChildProcess.read(ChildProcess.unread(in: descriptor), from: descriptor))
            inputDiscarded = true
            context.close(promise: nil)
        }
        return rest.filter { $0.readableBytes > 0 }
    }

    package func cancelOutput() {
        onTaken = nil
        onFinished = nil
        onFailed = nil
        outputFinished = true
        if onBytes != nil, !inputEnded {
            context?.close(mode: .output, promise: nil)
        } else {
            context?.close(promise: nil)
        }
    }

    // MARK: Changing hands [FTSL §12]

    var isInputOpen: Bool { context != nil && !inputEnded && !inputDiscarded }
    /// Whether there is, or will be, anything to come from it or to write to it.
    var isInputUsed: Bool { !inputEnded && !inputDiscarded }
    var isOutputUsed: Bool { !outputFailed && !outputFinished }
    var isOutputOpen: Bool {
        context != nil && !outputFailed && !(outputFinished && unwritten == 0)
    }

    /// Everything that was read is delivered, wanted or not.
    func deliverAll() {
        while !ready.isEmpty {
            wanted = max(0, wanted - 1)
            onBytes?(ready.removeFirst())
        }
        guard inputEnded, !endTold else { return }
        endTold = true
        onEnd?(failure)
    }

    /// What the kernel has not taken of what was written; what it has is told.
    func takeStock() -> [ByteBuffer] {
        guard let context,
            let buffered = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        else { return [] }
        let gone = unwritten - buffered
        if gone > 0 {
            unwritten -= gone
            partial += gone
            onTaken?(gone)
        }
        var rest = Array(writes)
        if !rest.isEmpty { rest[0].moveReaderIndex(forwardBy: partial) }
        return rest.filter { $0.readableBytes > 0 }
    }

    private func deliver() {
        while wanted > 0, !ready.isEmpty {
            wanted -= 1
            onBytes?(ready.removeFirst())
        }
        if wanted > 0, ready.isEmpty, inputEnded, !endTold {
            endTold = true
            onEnd?(failure)
        }
    }

    // MARK: Sink

    package func write(_ bytes: ByteBuffer) {
        guard let context, !outputFailed else {
            failOutput()
            return
        }
        let count = bytes.readableBytes
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                _ = writes.popFirst()
                let told = partial
                partial = 0
                unwritten -= count - told
                onTaken?(count - told)
                if outputFinished, unwritten == 0 { closeOutput() }
            case .failure: failOutput()
            }
        }
        unwritten += count
        writes.append(bytes)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
    }

    package func finish() {
        guard context != nil, !outputFailed else {
            failOutput()
            return
        }
        outputFinished = true
        if unwritten == 0 { closeOutput() }
    }

    /// Only with nothing left to write: NIO closes a channel whose input has ended at once, and
    /// drops what waits.
    private func closeOutput() {
        guard let context else {
            onFinished?()
            return
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            self?.onOutputClosed?()
            self?.onFinished?()
            self?.closeWhenDone()
        }
        context.close(mode: .output, promise: promise)
    }

    /// A reset instead of an end: a plain TCP reader must not take a torn stream for a whole one.
    package func fail() {
        beforeFail?()
        guard let context else {
            onFinished?()
            return
        }
        outputFinished = true
        unwritten = 0
        writes = []
        let none = linger(l_onoff: 1, l_linger: 0)
        let set =
            (context.channel as? any SocketOptionProvider)?.setSoLinger(none)
            ?? context.eventLoop.makeSucceededVoidFuture()
        set.assumeIsolated().whenComplete { [self] _ in
            context.close(promise: nil)
            onFinished?()
        }
    }

    private func failOutput() {
        guard !outputFailed, !(outputFinished && unwritten == 0) else { return }
        outputFailed = true
        onFailed?(.readerGone(unread: unread()))
    }

    private func closeWhenDone() {
        if inputEnded || inputDiscarded, outputFinished, unwritten == 0 {
            context?.close(promise: nil)
        }
    }

    // MARK: Handler

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !inputDiscarded else { return }
        ready.append(unwrapInboundIn(data))
        deliver()
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        if wanted > 0 || inputDiscarded, !inputEnded { context.read() }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        endInput(nil)
        closeWhenDone()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let errorAtEnd, (error as? IOError)?.errnoCode == errorAtEnd {
            context.close(promise: nil)
            return
        }
        // To the session this is no matter of reaching the peer: what came through here is torn.
        failure = Failure(
            .local, .truncated,
            "the connection behind this end broke: \(TransportFailure.of(error).text)")
        context.close(promise: nil)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        endInput(failure)
        failOutput()
        onOutputClosed?()
    }

    private func endInput(_ failure: Failure?) {
        guard !inputEnded else { return }
        inputEnded = true
        self.failure = failure
        deliver()
    }
}
