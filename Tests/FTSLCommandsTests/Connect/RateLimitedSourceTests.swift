import FTSLCore
import FTSLKit
import NIOCore
import NIOPosix
import Testing

@testable import FTSLCommands

@Suite("A limited rate")
struct RateLimitedSourceTests {
    /// Gives 10,000 bytes at every demand, at once, until the total is reached.
    private final class Generator: ByteSource {
        var onBytes: ((ByteBuffer) -> Void)?
        var onEnd: ((Failure?) -> Void)?
        var left: Int
        var reasons: [InputCancellation] = []

        init(_ total: Int) { left = total }

        func demand() {
            guard left > 0 else {
                onEnd?(nil)
                return
            }
            let count = min(10_000, left)
            left -= count
            onBytes?(ByteBuffer(repeating: 1, count: count))
        }
        func cancelInput(_ reason: InputCancellation) { reasons.append(reason) }
    }

    /// Seconds from the first demand to the end, and the bytes that came.
    private func pass(_ total: Int, rate: UInt64) throws -> (Double, Int) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { group.shutdownGracefully { _ in } }
        let loop = group.next()
        return try loop.flatSubmit {
            let promise = loop.makePromise(of: (Double, Int).self)
            let limited = RateLimitedSource(
                Generator(total), bytesPerSecond: rate, on: loop)
            let start = MonotonicClock.now
            var count = 0
            limited.onBytes = {
                count += $0.readableBytes
                limited.demand()
            }
            limited.onEnd = { _ in
                promise.succeed((MonotonicClock.now.since(start).inSeconds, count))
                limited.onBytes = nil
            }
            limited.demand()
            return promise.futureResult
        }.wait()
    }

    @Test("A megabyte at two megabytes a second takes half a second, give or take a tenth of one")
    func half() throws {
        let (seconds, count) = try pass(1_000_000, rate: 2_000_000)
        #expect(count == 1_000_000, "every byte, and then the end")
        #expect(seconds >= 0.38)
        #expect(seconds < 5, "only so late as the machine is busy")
    }

    @Test("What fits into a tenth of a second is not held up at all")
    func burst() throws {
        let (seconds, count) = try pass(100_000, rate: 1_000_000_000)
        #expect(count == 100_000)
        #expect(seconds < 0.1)
    }

    @Test("A cancellation is passed on")
    func cancel() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { group.shutdownGracefully { _ in } }
        let source = Generator(1)
        RateLimitedSource(source, bytesPerSecond: 1, on: group.next()).cancelInput(.readerGone)
        #expect(source.reasons == [.readerGone])
    }
}
