internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// Slows a source down to a rate: a token bucket that holds a tenth of a second.
final class RateLimitedSource: ByteSource {
    var onBytes: ((ByteBuffer) -> Void)?
    var onEnd: ((Failure?) -> Void)? { didSet { source.onEnd = onEnd } }

    private let source: any ByteSource
    private let rate: Double
    private let loop: any EventLoop
    /// When what was let through so far is paid for.
    private var paidUntil = MonotonicClock.now

    init(_ source: any ByteSource, bytesPerSecond: UInt64, on loop: any EventLoop) {
        self.source = source
        self.rate = Double(bytesPerSecond)
        self.loop = loop
        source.onBytes = { [weak self] in self?.pay(for: $0) }
    }

    func demand() { source.demand() }
    func cancelInput(_ reason: InputCancellation) { source.cancelInput(reason) }

    private func pay(for bytes: ByteBuffer) {
        let now = MonotonicClock.now
        let start = max(paidUntil, now)
        paidUntil = start + .nanoseconds(Int64(Double(bytes.readableBytes) / rate * 1e9))
        let wait = paidUntil.since(now)
        guard wait > .milliseconds(100) else {
            onBytes?(bytes)
            return
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .nanoseconds(Int64(wait.wholeNanoseconds))) {
            bound.value.onBytes?(bytes)
        }
    }
}
