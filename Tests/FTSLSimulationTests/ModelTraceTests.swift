import FTSLCore
import FTSLSimulation
import TestSupport
import Testing

/// Traces that an explicit-state model found in earlier drafts of the protocol; each stays a test.
@Suite(.computing)
struct ModelTraceTests {
    /// A busy line: much is on its way when something happens.
    private var busy: Scenario {
        var scenario = Scenario.small(up: 4_000, down: 3_000)
        scenario.clients[0].shape.latency = 40_000_000
        scenario.clients[0].shape.nanosecondsPerByte = 20_000
        scenario.clients[0].initiator.write.chunk = 700
        return scenario
    }

    @Test("a1: bytes still arriving on the old connection are not doubled by the resume")
    func oldBytesAreNotDoubled() {
        for byte in stride(from: UInt64(150), to: 4_500, by: 41) {
            let report = busy.with(
                Fault(.bytes(.up, byte), .cut(loses: false, initiator: 0, acceptor: nil))
            ).check()
            #expect(report.isComplete)
        }
    }

    @Test("a2: an older attachment whose PROOF comes late does not displace a newer one")
    func lateProof() {
        var lateProofs = 0
        for byte in UInt64(250)...620 {
            var scenario = Scenario.small()
            scenario.clients[0].acceptor.exitDelay = 2_000
            let report = scenario.with(
                Fault(.bytes(.up, 200), .cut(loses: true, initiator: 0, acceptor: 0)),
                Fault(.bytes(.down, byte), .stall(.up, 500)),
                Fault(.bytes(.down, byte), .cut(loses: false, initiator: 0, acceptor: nil))
            ).check(keepingLines: true)
            #expect(report.isComplete)
            if report.mentions("a newer attachment was proven meanwhile") { lateProofs += 1 }
        }
        #expect(lateProofs > 0, "the moment was met")
    }

    @Test("a3: a lost CONFIRM is made good by the resume, and the service starts once")
    func lostConfirm() {
        var resumedFirst = 0
        for byte in UInt64(60)...200 {
            let report = Scenario.small().with(
                Fault(.bytes(.up, byte), .cut(loses: true, initiator: 0, acceptor: nil))
            ).check()
            #expect(report.isComplete)
            if report.client.attachedAt.count == 2 { resumedFirst += 1 }
        }
        #expect(resumedFirst > 30, "CONFIRM was lost in some of them")
    }

    @Test("a4: after a restart of the acceptor nobody starts the service a second time")
    func restart() {
        for byte in stride(from: UInt64(40), to: 600, by: 3) {
            for direction in Direction.allCases {
                let report = Scenario.small().with(Fault(.bytes(direction, byte), .restart)).check()
                #expect(report.client.services.count <= 1)
                if report.client.services == [nil] {
                    guard case .lost(let failure, _, _) = report.client.outcome else {
                        // It had ended before the restart, or it knew already.
                        #expect(report.client.outcome == .complete)
                        continue
                    }
                    #expect(failure.code == .sessionGone)
                }
            }
        }
    }

    @Test(
        "a5: replays of every recorded handshake change nothing", arguments: Fault.Attack.allCases)
    func replays(_ attack: Fault.Attack) {
        for byte in stride(from: UInt64(60), to: 700, by: 5) {
            for capture in 0...1 {
                let report = Scenario.small().with(
                    Fault(.bytes(.up, 160), .cut(loses: true, initiator: 0, acceptor: 30)),
                    Fault(.bytes(.up, byte), .attack(attack, capture: capture, at: Int(byte)))
                ).check()
                #expect(report.isComplete)
                #expect(report.client.attachedAt.count == 2, "the attacker detached nobody")
            }
        }
    }

    @Test("b1: the exit status survives a cut at any byte after it was known")
    func exitStatus() {
        let whole = Scenario.small().check()
        for byte in whole.client.down - 200...whole.client.down {
            let report = Scenario.small().with(
                Fault(.bytes(.down, byte), .cut(loses: true, initiator: 0, acceptor: 0))
            ).check()
            #expect(report.isComplete, "BYE waits for EXIT, so complete means it came")
        }
    }

    @Test(
        "b3: an end that lingered long enough leaves success or the unknown, never a contradiction")
    func linger() {
        for byte in stride(from: UInt64(300), to: 700, by: 2) {
            var scenario = Scenario.small().with(
                Fault(.bytes(.up, byte), .unreachable(100_000)),
                Fault(.bytes(.up, byte), .cut(loses: true, initiator: 0, acceptor: 0)))
            scenario.linger = .seconds(10)
            let report = scenario.check()
            let service = report.client.services.first ?? nil
            if report.client.outcome == .complete, service != .complete {
                guard case .lost = service else {
                    Issue.record("the service ended \(service as Any)")
                    continue
                }
            }
        }
    }

    @Test("b4: a tombstone answers whoever missed the last word")
    func tombstone() {
        var asked = 0
        let whole = Scenario.small().check()
        for byte in whole.client.up - 120...whole.client.up {
            let report = Scenario.small().with(
                Fault(.bytes(.up, byte), .cut(loses: true, initiator: 0, acceptor: 0))
            ).check()
            #expect(report.isComplete)
            if report.client.attachedAt.count > 1 { asked += 1 }
        }
        #expect(asked > 50)
    }

    @Test("b5: an ABORT at any moment never meets a success")
    func lateAbort() {
        for after in stride(from: UInt64(0), through: 110, by: 10) {
            for byte in stride(from: UInt64(100), to: 640, by: 13) {
                var scenario = Scenario.small()
                scenario.clients[0].acceptor.abortAfter = after
                scenario.clients[0].acceptor.write.endsLast = false
                scenario.with(
                    Fault(.bytes(.down, byte), .cut(loses: true, initiator: 30, acceptor: 0))
                ).check()
            }
        }
    }

    /// [FTSL §5.8]
    @Test("b8: 'gone' after the own BYE is success")
    func goneAfterBye() {
        var gone = 0
        let whole = Scenario.small().check()
        for byte in whole.client.down - 30...whole.client.down {
            let report = Scenario.small().with(
                Fault(.bytes(.down, byte), .cut(loses: true, initiator: 10, acceptor: 10))
            ).check(keepingLines: true)
            #expect(report.isComplete)
            if report.mentions("no such session") { gone += 1 }
        }
        #expect(gone > 0, "the last BYE was lost in some of them")
    }

    @Test("f1-f3: a writer that stands at its credit is freed by STOP, whatever is cut")
    func stop() {
        for after in [UInt64(0), 100, 1_000, 1_024] {
            for byte in stride(from: UInt64(1), to: 1_600, by: 17) {
                var scenario = stopping(after: after)
                scenario.plan = FaultPlan([
                    Fault(.bytes(.up, byte), .cut(loses: true, initiator: 0, acceptor: 20)),
                    Fault(.bytes(.down, byte / 3), .cut(loses: true, initiator: 20, acceptor: 0)),
                ])
                let report = scenario.check()
                #expect(report.client.outcome == .stopped(at: after), "\(scenario.plan)")
            }
        }
    }

    private func stopping(after: UInt64) -> Scenario {
        var scenario = Scenario.small(up: 9_000)
        scenario.flags = []
        scenario.acceptorLimits.initialWindow = 1_024
        scenario.acceptorMaxWindow = 1_024
        scenario.clients[0].acceptor.read.stopAfter = after
        scenario.clients[0].acceptor.write.endsLast = false
        scenario.clients[0].acceptor.read.firstPause = 200
        return scenario
    }

    @Test("f4: FIN needs no credit: a stream that fills the window exactly still ends")
    func finNeedsNoCredit() {
        for extra in [UInt64(0), 1] {
            var scenario = Scenario.small(up: 1_024 + extra)
            scenario.acceptorLimits.initialWindow = 1_024
            scenario.acceptorMaxWindow = 1_024
            scenario.clients[0].acceptor.read.firstPause = 1_000
            #expect(scenario.check().isComplete)
        }
    }
}
