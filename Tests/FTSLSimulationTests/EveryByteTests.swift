import FTSLCore
import FTSLSimulation
import TestSupport
import Testing

/// One conversation, cut at each of its bytes.
@Suite(.computing)
struct EveryByteTests {
    /// When the ends notice: together, one long before the other, or one of them never.
    static let notices: [(initiator: Int?, acceptor: Int?)] = [
        (0, 0), (0, 400), (400, 0), (0, nil), (nil, 0),
    ]

    @Test(
        "A cut at any byte loses nothing, whoever notices first",
        arguments: Direction.allCases, [true, false])
    func cuts(_ direction: Direction, loses: Bool) {
        let whole = Scenario.small().check()
        #expect(whole.isComplete)
        let count = direction == .up ? whole.client.up : whole.client.down
        #expect(count > 300, "handshake, data and ends")
        for byte in 1...count {
            for notice in Self.notices {
                let cut = Fault.Effect.cut(
                    loses: loses, initiator: notice.initiator, acceptor: notice.acceptor)
                let report = Scenario.small().with(Fault(.bytes(direction, byte), cut)).check()
                #expect(
                    report.isComplete,
                    "\(FaultPlan([Fault(.bytes(direction, byte), cut)])): \(report.client)")
            }
        }
    }

    @Test("A second cut at any byte of the resume loses nothing", arguments: Direction.allCases)
    func cutsInResume(_ direction: Direction) {
        let cut = Fault.Effect.cut(loses: true, initiator: 0, acceptor: 20)
        let first = Fault(.bytes(.up, 180), cut)
        let whole = Scenario.small().with(first).check()
        let count = direction == .up ? whole.client.up : whole.client.down
        for byte in 1...count {
            let report = Scenario.small().with(first, Fault(.bytes(direction, byte), cut)).check()
            #expect(report.isComplete, "second cut after \(byte): \(report.client)")
        }
    }

    @Test("A direction that dies at any byte, unannounced, loses nothing")
    func halfOpen() {
        let whole = Scenario.small().check()
        for direction in Direction.allCases {
            let count = direction == .up ? whole.client.up : whole.client.down
            for byte in 1...count {
                let fault = Fault(.bytes(direction, byte), .halfOpen(direction))
                let report = Scenario.small().with(fault).check()
                #expect(report.isComplete, "\(FaultPlan([fault])): \(report.client)")
            }
        }
    }

    @Test("Cuts at any byte while the writer gives up never make the ends contradict each other")
    func aborts() {
        for direction in Direction.allCases {
            for byte in stride(from: UInt64(1), to: 700, by: 3) {
                for end in [Role.initiator, .acceptor] {
                    var scenario = Scenario.small()
                    if end == .initiator {
                        scenario.clients[0].initiator.abortAfter = 60
                    } else {
                        scenario.clients[0].acceptor.abortAfter = 60
                    }
                    scenario.with(
                        Fault(
                            .bytes(direction, byte), .cut(loses: true, initiator: 0, acceptor: 50))
                    )
                    .check()
                }
            }
        }
    }
}
