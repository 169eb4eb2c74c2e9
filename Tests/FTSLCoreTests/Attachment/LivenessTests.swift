import FTSLCore
import Testing

struct LivenessTests {
    /// [FTSL §6]
    @Test("A heartbeat is due an interval after the last thing that was sent")
    func heartbeat() {
        var liveness = Liveness(interval: .seconds(2), now: .ms(0))
        #expect(!liveness.wantsHeartbeat(now: .ms(1_999)))
        #expect(liveness.wantsHeartbeat(now: .ms(2_000)))
        liveness.sent(now: .ms(1_500))
        #expect(!liveness.wantsHeartbeat(now: .ms(3_499)))
        #expect(liveness.wantsHeartbeat(now: .ms(3_500)))
    }

    @Test("A heartbeat that found no room stays owed while its deadline moves on")
    func owed() {
        var liveness = Liveness(interval: .seconds(2), now: .ms(0))
        liveness.heartbeatPassed(now: .ms(1_000))
        #expect(!liveness.wantsHeartbeat(now: .ms(1_000)))
        liveness.heartbeatPassed(now: .ms(2_000))
        #expect(liveness.heartbeatDeadline == .ms(4_000))
        #expect(liveness.wantsHeartbeat(now: .ms(2_001)))
        liveness.sent(now: .ms(2_002))
        #expect(!liveness.wantsHeartbeat(now: .ms(2_003)))
    }

    /// [FTSL §6]
    @Test("Two and a half intervals without a byte are silence, told once")
    func silence() {
        var liveness = Liveness(interval: .seconds(2), now: .ms(0))
        liveness.received(now: .ms(100))
        #expect(liveness.silenceDeadline == .ms(5_100))
        #expect(liveness.isSilent(now: .ms(5_099)) == false)
        #expect(now { liveness.isSilent(now: .ms(5_100)) })
        #expect(liveness.silenceDeadline == .distantFuture)
        #expect(liveness.isSilent(now: .ms(5_200)) == false)
    }

    /// [FTSL §6]
    @Test("A clock that jumped far past the deadline gives the peer grace")
    func jump() {
        var liveness = Liveness(interval: .seconds(2), now: .ms(0))
        #expect(liveness.isSilent(now: .ms(7_001)) == false, "more than an interval late")
        #expect(liveness.isSilent(now: .ms(9_000)) == false, "at least one interval of grace")
        #expect(now { liveness.isSilent(now: .ms(12_001)) }, "but not for ever")
    }
}
