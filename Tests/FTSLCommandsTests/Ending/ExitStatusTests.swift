import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("Exit statuses")
struct ExitStatusTests {
    /// Scripts rely on these numbers; this is the table they were promised.
    private static let promised: [Status: Int32] = [
        .success: 0, .usage: 64, .badData: 65, .noInput: 66, .hostUnknown: 68, .unreachable: 69,
        .internalError: 70, .cannotCreate: 73, .inputOutput: 74, .storedNotDelivered: 75,
        .violation: 76, .noPermission: 77, .configuration: 78, .incomplete: 80, .sessionGone: 81,
        .rejected: 82, .rolledBack: 83, .timeLimit: 124, .brokenPipe: 141, .remoteFailure: 255,
    ]

    @Test("The numbers are the promised ones", arguments: Status.allCases)
    func numbers(status: Status) {
        #expect(Self.promised[status] == status.rawValue)
    }

    @Test("No failure ends with success", arguments: FailureCode.allCases)
    func failuresFail(code: FailureCode) {
        #expect(code.exitStatus != .success)
    }

    @Test("Every violation is 76", arguments: FailureCode.allCases.filter(\.isViolation))
    func violations(code: FailureCode) {
        #expect(code.exitStatus == .violation)
    }

    @Test("A signal is 128 and its number")
    func signals() {
        #expect(Status.signal(2) == 130)
        #expect(Status.signal(15) == 143)
        #expect(Status.signal(13) == Status.brokenPipe.rawValue)
    }

    @Test("An ending names the failure where there is one, else the status")
    func references() {
        #expect(Ending(.unreachable, "x", code: .busy).see == "ftsl explain busy")
        #expect(Ending(.configuration, "x").see == "ftsl explain 78")
        #expect(Ending(.usage, "x", see: "ftsl connect --help").see == "ftsl connect --help")
        #expect(Ending(status: 130, "x").see == nil)
    }
}
