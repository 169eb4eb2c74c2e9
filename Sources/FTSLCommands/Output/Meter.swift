internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// One line on stderr that says how it goes: bytes, rate, time left, reconnects, replay, time
/// offline, unacknowledged.
final class Meter {
    private let monitor: SessionMonitor
    private let size: UInt64?
    private let isTerminal = StandardError.isTerminal
    private var lastBytes: UInt64 = 0
    private var lastTime: Instant
    private var rate = 0.0
    private var isDrawn = false
    private var task: RepeatedTask?

    init(_ monitor: SessionMonitor, size: UInt64?) {
        self.monitor = monitor
        self.size = size
        lastTime = MonotonicClock.now
    }

    func start(every interval: Duration, on loop: any EventLoop) {
        let amount = TimeAmount.nanoseconds(Int64(interval.wholeNanoseconds))
        let bound = NIOLoopBound(self, eventLoop: loop)
        task = loop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in
            bound.value.draw()
        }
    }

    func stop() {
        task?.cancel()
        task = nil
        draw()
        if isTerminal, isDrawn { StandardError.write("\n") }
        isDrawn = false
    }

    /// Makes room for a line of the log.
    func erase() {
        if isTerminal, isDrawn { StandardError.write("\r\u{1B}[K") }
        isDrawn = false
    }

    private func draw() {
        let now = MonotonicClock.now
        let bytes = monitor.acknowledged + monitor.received
        let seconds = now.since(lastTime).inSeconds
        if seconds > 0.001 {
            let current = Double(bytes - lastBytes) / seconds
            rate = rate == 0 ? current : 0.7 * current + 0.3 * rate
        }
        lastBytes = bytes
        lastTime = now
        StandardError.write(isTerminal ? "\r\u{1B}[K\(line(bytes))" : "\(line(bytes))\n")
        isDrawn = true
    }

    private func line(_ bytes: UInt64) -> String {
        var parts = [
            Numbers.bytes(bytes), Numbers.seconds(monitor.elapsed.inSeconds),
            "\(Numbers.bytes(UInt64(rate)))/s",
        ]
        if let size, size > 0 {
            parts.append("\(min(100, bytes * 100 / size)) %")
            if rate > 0, bytes < size {
                parts.append("ETA \(Numbers.seconds(Double(size - bytes) / rate))")
            }
        }
        if monitor.isOffline { parts.append("offline") }
        if monitor.reconnects > 0 {
            parts.append("\(monitor.reconnects) reconnects")
            parts.append("\(Numbers.bytes(monitor.replayed)) replayed")
            parts.append("\(Numbers.seconds(monitor.offlineNow.inSeconds)) offline")
        }
        parts.append("\(Numbers.bytes(monitor.unacknowledged)) unacknowledged")
        return parts.joined(separator: "  ")
    }
}
