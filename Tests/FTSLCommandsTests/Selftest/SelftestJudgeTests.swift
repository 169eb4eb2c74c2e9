import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("The self-test's judge")
struct SelftestJudgeTests {
    private let sent = (1...9).map { "message \($0)" }

    @Test("What arrived once each and in order holds")
    func holds() { #expect(SelftestJudge.sequence(sent, sent: sent, "messages") == nil) }

    @Test("One that is missing, doubled, foreign or out of order is noticed and named")
    func broken() throws {
        var found = sent
        found.remove(at: 4)
        let missing = try #require(SelftestJudge.sequence(found, sent: sent, "messages"))
        #expect(missing.contains("1 of 9 messages: missing") && missing.contains("'message 5'"))
        let doubled = try #require(
            SelftestJudge.sequence(sent + ["message 3"], sent: sent, "messages"))
        #expect(doubled.contains("there again, the first: 'message 3'"))
        let foreign = try #require(SelftestJudge.sequence(sent + ["x"], sent: sent, "messages"))
        #expect(foreign.contains("not what was sent, the first: 'x'"))
        found = sent
        found.swapAt(2, 3)
        let order = try #require(SelftestJudge.sequence(found, sent: sent, "messages"))
        #expect(order.contains("out of order"))
        #expect(SelftestJudge.sequence([], sent: sent, "messages") != nil)
    }

    @Test("A stream that is short, or has another byte, is noticed")
    func stream() {
        let whole = ContentDigest(lines: ["a", "b"])
        var other = whole
        other.value ^= 1
        #expect(SelftestJudge.stream(whole, sent: whole, "here") == nil)
        #expect(SelftestJudge.stream(other, sent: whole, "here")?.contains("other bytes") == true)
        other.count = 1
        #expect(SelftestJudge.stream(other, sent: whole, "here")?.contains("1 of 2 bytes") == true)
    }

    @Test("Without faults nothing is proven")
    func faults() {
        #expect(SelftestJudge.faults(4, atLeast: 5, "cuts") != nil)
        #expect(SelftestJudge.faults(5, atLeast: 5, "cuts") == nil)
    }

    @Test("One part that did not hold is enough for status 70")
    func ending() {
        var results = ["streams", "messages"].map {
            SelftestResult(check: $0, carried: "-", amounts: [:])
        }
        #expect(SelftestReport.ending(results) == nil)
        results[1].complaints = ["a message is missing"]
        #expect(SelftestReport.ending(results)?.status == ExitStatus.internalError.rawValue)
        #expect(SelftestReport.table(results).contains("BROKEN"))
        #expect(SelftestReport.lines(results).contains(#""holds":false"#))
    }

    @Test("Its processes get nothing of what the user, or a service manager, has set")
    func environment() {
        let given = [
            "PATH": "/bin", "FTSL_CONTEXT": "work", "XDG_STATE_HOME": "/home/me/state",
            "NOTIFY_SOCKET": "/run/systemd/notify", "LISTEN_FDS": "1", "HOME": "/home/me",
        ]
        let found = SelftestStage.environment(in: "/tmp/x", from: given)
        #expect(
            found == [
                "PATH": "/bin", "HOME": "/tmp/x", "XDG_STATE_HOME": "/tmp/x/state",
                "XDG_CONFIG_HOME": "/tmp/x/config", "XDG_RUNTIME_DIR": "/tmp/x/run",
            ])
    }

    @Test("Lives of connections are spread over powers of two", arguments: [9.0, 10.0, 21.5])
    func lives(exponent: Double) {
        let bytes = FaultProxy.power(exponent)
        let whole = Double(1 << Int(exponent))
        #expect(bytes >= whole && bytes < 2 * whole)
    }
}
