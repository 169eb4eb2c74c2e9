internal import FTSLCore

/// What is known when a session is over, from one end's point of view.
struct SessionVerdict {
    var outcome: Outcome
    var peer: String
    /// Our own reader (the other side of our stdout) went away.
    var readerGone = false
    /// The peer's reader took all there was to read here before it went away.
    var nothingWasLeft = false
    /// What the peer confirmed after the outcome was fixed.
    var acknowledgedSince: UInt64 = 0
    /// A signal that made us stop.
    var signal: Int32?
    var exit: ExitReport?
    /// Pass a remote command's status on.
    var passStatus = false

    /// The one place that turns an outcome into a status and a sentence.
    var ending: Ending {
        let ending = plainEnding
        guard passStatus else { return ending }
        if ending.status == 0 || isRemoteEnd {
            switch exit {
            case .status(let value): return Ending(status: Int32(value))
            case .signal(let number): return Ending(status: ExitStatus.signal(Int32(number)))
            case nil: break
            }
        }
        return ending.status == 0
            ? ending : Ending(.remoteFailure, ending.sentence, code: ending.code)
    }

    /// The command ended on its own account: killed, or without reading all its input.
    private var isRemoteEnd: Bool {
        switch outcome {
        case .complete, .stopped: exit != nil && !readerGone
        case .aborted, .lost: false
        }
    }

    private var plainEnding: Ending {
        if let signal { return Ending(status: ExitStatus.signal(signal), interrupted) }
        switch outcome {
        case .stopped where !nothingWasLeft: return Ending(.brokenPipe)
        case .complete, .stopped:
            if readerGone { return Ending(.brokenPipe) }
            if case .signal(let number) = exit {
                return Ending(
                    .incomplete,
                    "the remote command was killed by signal \(number); its output may be "
                        + "incomplete",
                    code: .applicationFailed)
            }
            return .success
        case .aborted(let failure, let received, let acknowledged):
            return aborted(failure, received, acknowledged)
        case .lost(let failure, let received, let acknowledged):
            return lost(failure, received, acknowledged)
        }
    }

    private var interrupted: String? {
        switch outcome {
        case .complete, .stopped: nil
        case .aborted(_, let received, let acknowledged), .lost(_, let received, let acknowledged):
            "interrupted: \(max(acknowledged, acknowledgedSince)) bytes were confirmed by "
                + "\(peer), \(received) received"
        }
    }

    private func aborted(_ failure: Failure, _ received: UInt64, _ sent: UInt64) -> Ending {
        if readerGone || failure.code == .stopped { return Ending(.brokenPipe) }
        if failure.fault == .local || failure.code.isViolation {
            return Ending(failure.code.exitStatus, "\(failure.text) (\(peer))", code: failure.code)
        }
        // The peer's disk and the peer's limits are not ours.
        let status =
            failure.code == .localInputOutput || failure.code == .timedOut
            ? ExitStatus.incomplete : failure.code.exitStatus
        return Ending(
            status,
            "\(peer) gave up: \(failure.text); stream truncated at \(received) bytes received, "
                + "\(sent) sent bytes confirmed", code: failure.code)
    }

    private func lost(_ failure: Failure, _ received: UInt64, _ sent: UInt64) -> Ending {
        if failure.code == .sessionGone {
            return Ending(
                .sessionGone,
                "\(peer) no longer knows this session; stream truncated at \(received) bytes "
                    + "received, outcome unknown beyond \(sent) bytes sent", code: failure.code)
        }
        return Ending(
            .incomplete,
            "\(failure.text): stream truncated at \(received) bytes received, outcome unknown "
                + "beyond \(sent) bytes sent to \(peer)", code: failure.code)
    }
}
