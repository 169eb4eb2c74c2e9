import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("Refused connections in the log and on --status-fd")
struct RefusalsTests {
    private let foreign = Failure.violation(.notFTSL, "the peer speaks HTTP, not FTSL")
    private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test("The first of a kind is told, a thousand more are one line a minute")
    func once() {
        var refusals = Refusals()
        #expect(refusals.tell(foreign, from: "a", now: at(0))?.sentence.contains("HTTP") == true)
        for _ in 0..<1000 { #expect(refusals.tell(foreign, from: "a", now: at(59)) == nil) }
        let first = refusals.tell(foreign, from: "a", now: at(60))
        #expect(first?.sentence.contains("1001") == true)
        #expect(refusals.tell(foreign, from: "a", now: at(61)) == nil)
        let second = refusals.tell(foreign, from: "a", now: at(121))
        #expect(second?.sentence.contains("2 more") == true)
    }

    @Test("Another kind is told at once")
    func kinds() {
        var refusals = Refusals()
        _ = refusals.tell(foreign, from: "a", now: at(0))
        let other = Failure(.peer, .limits, "full")
        #expect(refusals.tell(other, from: "a", now: at(1)) != nil)
    }

    @Test("The status line has the reason, its code, the newest source and the count")
    func fields() {
        var refusals = Refusals()
        _ = refusals.tell(foreign, from: "192.0.2.1", now: at(0))
        _ = refusals.tell(foreign, from: "192.0.2.2", now: at(1))
        let told = refusals.tell(foreign, from: "192.0.2.3", now: at(60))
        #expect(
            told?.fields == [
                "event": .string("refused"), "code": .string(foreign.code.name),
                "reason": .string(foreign.text), "source": .string("192.0.2.3"),
                "count": .integer(2),
            ])
    }
}
