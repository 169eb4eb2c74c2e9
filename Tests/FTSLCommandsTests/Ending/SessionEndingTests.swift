import FTSLCore
import Testing

@testable import FTSLCommands

@Suite("From outcome to ending")
struct SessionEndingTests {
    private let truncated = Outcome.aborted(
        Failure(.peer, .shuttingDown, "it was stopped"), received: 7, acknowledged: 5)
    private let unknown = Outcome.lost(
        Failure(.time, .sessionTimeout, "no connection for 24 h"), received: 7, acknowledged: 5)

    private func verdict(_ outcome: Outcome) -> SessionVerdict {
        SessionVerdict(outcome: outcome, peer: "host:1")
    }

    @Test("Only a complete session is success, and it is silent")
    func complete() {
        #expect(verdict(.complete).ending == .success)
        #expect(verdict(truncated).ending.status != 0)
        #expect(verdict(unknown).ending.status != 0)
        #expect(verdict(.stopped(at: 3)).ending.status != 0)
    }

    @Test("A reader that went away is 141 and quiet, here and at the peer")
    func readers() {
        #expect(verdict(.stopped(at: 3)).ending == Ending(.brokenPipe))
        var here = verdict(.complete)
        here.readerGone = true
        #expect(here.ending == Ending(.brokenPipe))
        var both = verdict(truncated)
        both.readerGone = true
        #expect(both.ending == Ending(.brokenPipe))
    }

    @Test("A truncated stream is 80 and says both positions and the peer")
    func truncation() throws {
        let ending = verdict(truncated).ending
        #expect(ending.status == 80)
        #expect(ending.code == .shuttingDown)
        let sentence = try #require(ending.sentence)
        #expect(sentence.contains("truncated at 7"))
        #expect(sentence.contains("5 sent"))
        #expect(sentence.contains("host:1"))
    }

    @Test("An unknown outcome is 80 and says from which position on")
    func unknownOutcome() throws {
        let ending = verdict(unknown).ending
        #expect(ending.status == 80)
        let sentence = try #require(ending.sentence)
        #expect(sentence.contains("unknown beyond 5"))
        #expect(sentence.contains("no connection for 24 h"))
    }

    @Test("A session that nobody knows is 81")
    func gone() {
        let outcome = Outcome.lost(
            Failure(.peer, .sessionGone, "gone"), received: 0, acknowledged: 0)
        #expect(verdict(outcome).ending.status == 81)
    }

    @Test("A violation is 76 whoever tells it", arguments: [Failure.Fault.peer, .local])
    func violations(fault: Failure.Fault) {
        let failure = Failure(fault, .digestMismatch, "the digests differ")
        let outcome = Outcome.aborted(failure, received: 7, acknowledged: 7)
        #expect(verdict(outcome).ending.status == 76)
        #expect(verdict(outcome).ending.code == .digestMismatch)
    }

    @Test("A full disk here is 74; one at the peer truncates our stream, 80")
    func disk() {
        let here = Failure(.local, .localInputOutput, "no space left on device")
        let there = Failure(.peer, .localInputOutput, "no space left on device")
        #expect(verdict(.aborted(here, received: 1, acknowledged: 1)).ending.status == 74)
        #expect(verdict(.aborted(there, received: 1, acknowledged: 1)).ending.status == 80)
    }

    @Test("A signal decides the status, and the positions are still told")
    func interrupted() throws {
        var verdict = verdict(truncated)
        verdict.signal = 2
        #expect(verdict.ending.status == 130)
        #expect(try #require(verdict.ending.sentence).contains("5 bytes were confirmed"))
    }

    @Test("A remote command killed by a signal is never success")
    func killedCommand() {
        var verdict = verdict(.complete)
        verdict.exit = .signal(9)
        #expect(verdict.ending.status == 80)
    }

    @Test("Without --exit-status a remote failure is not ours")
    func remoteStatusIgnored() {
        var verdict = verdict(.complete)
        verdict.exit = .status(3)
        #expect(verdict.ending == .success)
    }

    @Test("With --exit-status the remote status passes through")
    func remoteStatus() {
        var verdict = verdict(.complete)
        verdict.passStatus = true
        verdict.exit = .status(3)
        #expect(verdict.ending == Ending(status: 3))
        verdict.exit = .signal(15)
        #expect(verdict.ending.status == 143)
        verdict.exit = .status(0)
        #expect(verdict.ending == .success)
    }

    @Test("A command that did not read all its input ended on its own account")
    func partialReader() {
        var verdict = verdict(.stopped(at: 3))
        verdict.passStatus = true
        #expect(verdict.ending.status == 255)
        verdict.exit = .status(4)
        #expect(verdict.ending == Ending(status: 4))
    }

    @Test("A reader that took all there was is no failure")
    func nothingLeft() {
        var verdict = verdict(.stopped(at: 3))
        verdict.nothingWasLeft = true
        #expect(verdict.ending == .success)
    }

    @Test("With --exit-status every failure of ours is 255, and says what it was")
    func ourFailures() {
        for outcome in [truncated, unknown] {
            var verdict = verdict(outcome)
            verdict.passStatus = true
            verdict.exit = .status(0)
            #expect(verdict.ending.status == 255)
        }
        var verdict = verdict(truncated)
        verdict.passStatus = true
        #expect(verdict.ending.sentence != nil)
        #expect(verdict.ending.code == .shuttingDown)
    }
}
