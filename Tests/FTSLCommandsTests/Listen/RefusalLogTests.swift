import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("Refused connections in the log")
struct RefusalLogTests {
    private let foreign = Failure.violation(.notFTSL, "the peer speaks HTTP, not FTSL")
    private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test("The first of a kind is told, a thousand more are one line a minute")
    func once() {
        var log = RefusalLog()
        #expect(log.line(for: foreign, now: at(0))?.contains("HTTP") == true)
        for _ in 0..<1000 { #expect(log.line(for: foreign, now: at(59)) == nil) }
        let first = log.line(for: foreign, now: at(60))
        #expect(first?.contains("1001") == true)
        #expect(log.line(for: foreign, now: at(61)) == nil)
        let second = log.line(for: foreign, now: at(121))
        #expect(second?.contains("2 more") == true)
    }

    @Test("Another kind is told at once")
    func kinds() {
        var log = RefusalLog()
        _ = log.line(for: foreign, now: at(0))
        #expect(log.line(for: Failure(.peer, .limits, "full"), now: at(1)) != nil)
    }
}
