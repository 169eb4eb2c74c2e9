internal import FTSLCore
package import NIOCore

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

    /// What waits for the real one.
    var waiting: [ByteBuffer] {
        held.compactMap { if case .bytes(let bytes) = $0 { bytes } else { nil } }
    }

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
