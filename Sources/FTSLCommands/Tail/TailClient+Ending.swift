internal import FTSLCore
internal import FTSLKit
internal import Glibc
internal import NIOCore

/// How `ftsl tail` ends.
extension TailClient {
    /// A pipeline that works until the end of its input must see one.
    func closeOutputIfComplete() {
        guard acks != nil, goal.hasEnough || goal.exitAtEnd && goal.isCaughtUp else { return }
        output?.close()
    }

    func acksEnded(_ ending: Ending?) {
        conclude(ending ?? (goal.isReached ? .success : Ending(.brokenPipe)))
    }

    func outputFailed(_ failure: SinkFailure) {
        switch failure {
        case .readerGone: conclude(Ending(.brokenPipe))
        case .failed(let failure):
            conclude(Ending(.inputOutput, failure.text, code: failure.code))
        }
    }

    func timeIsUp() {
        guard goal.isMissed || !hasSubscribed else { return conclude(.success) }
        let text = options.count.map { "\(goal.finished) of \($0) messages came in time" }
        conclude(Ending(.timeLimit, text ?? "the end was not reached in time"))
    }

    func finishIfDone() {
        if verdict != nil { return letGoIfConfirmed() }
        let isIdle = work?.isIdle ?? true
        if let interruptedBy {
            guard isIdle, output?.isIdle ?? true, acks?.isEmpty ?? true else { return }
            conclude(Ending(status: ExitStatus.signal(interruptedBy)))
        } else if goal.isReached, isIdle {
            conclude(.success)
        }
    }

    /// What was answered is confirmed before the end, within the time for draining.
    func conclude(_ ending: Ending) {
        guard verdict == nil else { return }
        verdict = ending
        work?.stop()
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: drainTime) { bound.value.giveUp() }
        // Not now: the subscription may still be on the stack.
        loop.execute { bound.value.letGoIfConfirmed() }
    }

    private var drainTime: TimeAmount {
        .nanoseconds(Int64(global.drainTimeout.duration.wholeNanoseconds))
    }

    private func letGoIfConfirmed() {
        guard verdict != nil, unconfirmed.isEmpty, !isLettingGo else { return }
        isLettingGo = true
        guard let subscription else { return letGoOfFile() }
        if subscription.isAttached {
            subscription.finish { [self] in letGoOfFile() }
        } else {
            subscription.abandon()
            letGoOfFile()
        }
    }

    private func letGoOfFile() {
        guard let local else { end(verdict ?? .success) }
        local.stop { [self] in end(verdict ?? .success) }
    }

    /// Nobody confirms.
    private func giveUp() {
        guard let verdict, verdict == .success, !unconfirmed.isEmpty else {
            end(verdict ?? .success)
        }
        end(
            Ending(
                .unreachable,
                "\(peer) has not confirmed \(unconfirmed.count) finished messages: they come again",
                code: .unreachable))
    }

    // MARK: Signals

    func received(signal number: Int32) {
        switch number {
        case SIGHUP: subscription?.retryNow()
        case SIGUSR1:
            log.notice(
                "\(goal.begun) messages came, \(goal.finished) are finished, "
                    + "\(held.count) in hand, \(unconfirmed.count) unconfirmed")
        default: interrupt(number)
        }
    }

    /// Once: what is in work is finished. Twice: now.
    private func interrupt(_ number: Int32) {
        guard interruptedBy == nil, hasSubscribed else {
            work?.kill()
            end(Ending(status: ExitStatus.signal(number)))
        }
        interruptedBy = number
        output?.close()
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: drainTime) {
            bound.value.conclude(Ending(status: ExitStatus.signal(number)))
        }
        finishIfDone()
    }

    func end(_ ending: Ending) -> Never {
        work?.kill()
        ProcessEnd.with(ending, log)
    }
}
